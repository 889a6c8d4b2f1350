"""Lists of flows: search, one namespace, namespaces, and texts in sources."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.access import access
from apps.common.pagination import Page
from apps.workflows.api.describe import FLOW_FILTERS, PAGE, SORTED_PAGE, describe, text
from apps.workflows.api.reading import (
    MAX_SIZE,
    filters_of_the_caller,
    read_criteria,
    read_page_asked,
    seen_by,
)
from apps.workflows.schemas.flows import FlowPageShape, FlowShape, SourceHitPageShape
from apps.workflows.selectors.conditions import escape_like
from apps.workflows.selectors.filter_keys import FLOW_KEYS
from apps.workflows.selectors.flows import (
    SORTABLE,
    add_visible,
    find_fragments,
    list_namespaces,
    not_deleted,
    search_flows,
)
from apps.workflows.services.flow_documents import flow_document
from apps.workflows.services.flow_filters import FIELDS, flow_conditions


@describe(FlowPageShape, query=(*FLOW_FILTERS, *SORTED_PAGE), tag="Flows")
@access("FLOW", "READ")
def find_flows(request: Request) -> Page[dict[str, Any]]:
    """Flows that the caller may see, a page at a time."""
    asked = read_page_asked(request.query_params, sortable=SORTABLE)
    with filters_of_the_caller():
        conditions = flow_conditions(read_criteria(request.query_params, FIELDS, FLOW_KEYS))
        add_visible(conditions, seen_by(request, "FLOW"))
        rows, total = search_flows(conditions, order=asked.order, offset=asked.offset, size=asked.size)
    return Page([flow_document(row) for row in rows], total)


@describe(list[FlowShape], query=PAGE, tag="Flows")
@access("FLOW", "READ")
def list_namespace(request: Request, namespace: str) -> Response:
    """The flows of exactly this namespace; at most 1000, the header X-Total-Count says how many there are."""
    asked = read_page_asked(request.query_params, sortable=SORTABLE, default_size=MAX_SIZE)
    conditions = not_deleted()
    conditions.add("f.namespace = %s", namespace)
    rows, total = search_flows(conditions, order=("f.flow_id",), offset=asked.offset, size=asked.size)
    return Response([flow_document(row) for row in rows], headers={"X-Total-Count": str(total)})


@describe(list[str], query=(text("q", "A part of the name."),), tag="Flows")
@access("FLOW", "READ")
def distinct_namespaces(request: Request) -> list[str]:
    """Namespaces that have flows, as far as the caller may see them."""
    conditions = not_deleted()
    add_visible(conditions, seen_by(request, "FLOW"))
    for word in request.query_params.get("q", "").split():
        conditions.add("f.namespace ILIKE %s", f"%{escape_like(word)}%")
    return list_namespaces(conditions)


@describe(SourceHitPageShape, query=(text("q", "A text of the source."), text("namespace"), *SORTED_PAGE), tag="Flows")
@access("FLOW", "READ")
def search_sources(request: Request) -> Page[dict[str, Any]]:
    """Flows whose YAML holds a text, with the lines that do."""
    query = request.query_params
    asked = read_page_asked(query, sortable=SORTABLE)
    wanted = query.get("q", "").strip().strip('"')
    with filters_of_the_caller():
        conditions = flow_conditions(one for one in read_criteria(query, FIELDS) if one.field == "namespace")
        add_visible(conditions, seen_by(request, "FLOW"))
        if wanted:
            conditions.add("f.source ILIKE %s", f"%{escape_like(wanted)}%")
        rows, total = search_flows(conditions, order=asked.order, offset=asked.offset, size=asked.size)
    hits = [
        {"model": flow_document(row), "fragments": find_fragments(row.source, wanted) if wanted else []} for row in rows
    ]
    return Page(hits, total)
