"""What the lists of roles and groups have in common: a page by name, suggestions while one types, some by id."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from apps.common.api import read_body
from apps.common.pagination import Page, paginate, read_page
from apps.rbac.schemas import AutocompleteBody, IdsBody
from apps.rbac.selectors import rows_by_ids

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown")
SUGGESTED = 20
BY_NAME = {"name": "name", "id": "id"}


def page_by_name(request: Request, search: Callable[[str], QuerySet[Row]], show: Callable[[Row], Shown]) -> Page[Shown]:
    """Those that the query's `q` finds, by name unless it is asked otherwise."""
    wanted = read_page(request.query_params, sortable=BY_NAME, default=("name",))
    page = paginate(search(request.query_params.get("q", "")), wanted)
    return Page([show(row) for row in page.results], page.total)


def suggest(
    request: Request, model: type[Row], search: Callable[[str], QuerySet[Row]], show: Callable[[Row], Shown]
) -> list[Shown]:
    """Those whose name has the typed words, and those asked for by id."""
    body = read_body(request, AutocompleteBody)
    rows = [*rows_by_ids(model, body.ids or []), *search(body.q or "")[:SUGGESTED]]
    return [show(row) for row in {row.pk: row for row in rows}.values()]


def by_ids(request: Request, model: type[Row], show: Callable[[Row], Shown]) -> list[Shown]:
    """Those that exist, unknown ids left out."""
    return [show(row) for row in rows_by_ids(model, read_body(request, IdsBody).ids)]
