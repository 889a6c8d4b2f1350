"""Reads of templates: the newest ones, and those an execution runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from apps.common.errors import NotFound
from apps.common.ids import to_uuid
from apps.workflows.models import Template

Name = tuple[str, str]
"""Namespace and id."""


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """One revision of a template."""

    ref: int
    revision: int
    source: str


def get_template(namespace: str, template_id: str) -> Template:
    """NotFound."""
    found = Template.objects.filter(namespace=namespace, template_id=template_id, deleted=False).first()
    if found is None:
        raise NotFound(f"Template {namespace}.{template_id} not found")
    return found


def search_templates(query: str = "", namespace: str | None = None) -> QuerySet[Template]:
    """Templates whose namespace or id holds each word of the query, in a namespace or below it."""
    found = Template.objects.filter(deleted=False)
    for word in query.split():
        found = found.filter(Q(namespace__icontains=word) | Q(template_id__icontains=word))
    if namespace:
        found = found.filter(Q(namespace=namespace) | Q(namespace__startswith=namespace + "."))
    return found


def newest_templates(names: Iterable[Name]) -> dict[Name, TemplateSource]:
    """Those of the templates that there are. One query."""
    wanted = Q(pk__in=[])
    for namespace, template_id in names:
        wanted |= Q(namespace=namespace, template_id=template_id)
    rows = Template.objects.filter(wanted, deleted=False)
    return {(row.namespace, row.template_id): TemplateSource(row.pk, row.revision, row.source) for row in rows}


def templates_of(execution_id: str) -> dict[Name, TemplateSource]:
    """The templates an execution runs. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.namespace, t.template_id, t.id, r.revision, r.source FROM execution_template e"
            " JOIN template t ON t.id = e.template_id"
            " JOIN template_revision r ON r.template_id = e.template_id AND r.revision = e.revision"
            " WHERE e.execution_id = %s",
            [to_uuid(execution_id)],
        )
        return {(row[0], row[1]): TemplateSource(row[2], row[3], row[4]) for row in cursor.fetchall()}
