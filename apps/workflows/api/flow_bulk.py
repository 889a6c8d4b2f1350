"""Several flows at once, and checking flows without saving them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import parse_shape, query_flag
from apps.common.errors import BadRequest, IllegalArgument, Invalid, Problem
from apps.rbac.decisions import can, check_can
from apps.workflows.api.describe import BYTES, FLOW_FILTERS, FORM, YAML, describe, flag, text
from apps.workflows.api.reading import answer_json, filters_of_the_caller, read_criteria, read_source, seen_by
from apps.workflows.schemas.flows import (
    BulkShape,
    FlowCheckShape,
    FlowKeyShape,
    FlowWithSourceShape,
    bulk_error_json,
    check_json,
)
from apps.workflows.selectors.filter_keys import FLOW_KEYS
from apps.workflows.selectors.flows import FlowRow, add_visible, search_flows
from apps.workflows.services.flow_bundles import (
    MAX_FLOWS,
    CheckedSource,
    delete_flows,
    pack_flows,
    read_sources,
    save_flows,
    set_flows_disabled,
    unpack_flows,
    visible_flows,
)
from apps.workflows.services.flow_checks import check_flows, check_task, check_trigger
from apps.workflows.services.flow_documents import flow_document
from apps.workflows.services.flow_filters import FIELDS, flow_conditions

ARCHIVE: Final = {"Content-Disposition": 'attachment; filename="flows.zip"'}
IDS: Final = list[FlowKeyShape]


# Saving


@describe(
    list[FlowWithSourceShape],
    body=YAML,
    query=(flag("delete", "Delete the flows of the same namespaces that are not in the text (true when not given)."),),
    tag="Flows",
)
@access("FLOW", "CREATE")
def save_bulk(request: Request) -> list[dict[str, Any]]:
    """Create or update the flows of a text, all or none."""
    sources = read_sources([read_source(request)])
    delete = query_flag(request.query_params, "delete", default=True)
    namespaces = {source.namespace for source in sources}
    return _save(request, sources, delete_in=namespaces if delete else ())


@describe(
    list[FlowWithSourceShape],
    body=YAML,
    query=(flag("delete", "Delete the namespace's flows that are not in the text (true when not given)."),),
    tag="Flows",
)
@access("FLOW", "CREATE")
def save_namespace(request: Request, namespace: str) -> list[dict[str, Any]]:
    """Create or update the flows of one namespace, all or none."""
    sources = read_sources([read_source(request)])
    problems = [
        Problem(f"Flow namespace is invalid: {source.namespace} is not {namespace}", f"flows[{index}].namespace")
        for index, source in enumerate(sources)
        if source.namespace != namespace
    ]
    if problems:
        raise Invalid(problems=problems)
    delete = query_flag(request.query_params, "delete", default=True)
    return _save(request, sources, delete_in=[namespace] if delete else ())


def _save(request: Request, sources: Sequence[CheckedSource], *, delete_in: Iterable[str]) -> list[dict[str, Any]]:
    delete_in = sorted(delete_in)
    for namespace in sorted({source.namespace for source in sources}):
        check_can(request.user, "FLOW", "CREATE", namespace)
        check_can(request.user, "FLOW", "UPDATE", namespace)
    for namespace in delete_in:
        check_can(request.user, "FLOW", "DELETE", namespace)
    saved = save_flows(acting_user=request.user, sources=sources, delete_in=delete_in)
    return [flow_document(flow, with_source=True) for flow in saved]


# Archives


@describe(body=FORM, tag="Flows")
@access("FLOW", "CREATE")
def import_flows(request: Request) -> None:
    """Create or update the flows of an uploaded YAML file or zip archive (part `fileUpload`), all or none."""
    upload = request.FILES.get("fileUpload") or next(iter(request.FILES.values()), None)
    if upload is None:
        raise BadRequest("The part 'fileUpload' is missing.")
    _save(request, read_sources(unpack_flows(upload.name or "", upload.read())), delete_in=())


@describe(BYTES, body=IDS, tag="Flows")
@access("FLOW", "READ")
def export_by_ids(request: Request) -> HttpResponse:
    """The named flows as a zip archive of YAML files."""
    return _archive(_named(request, "READ"))


@describe(BYTES, query=FLOW_FILTERS, tag="Flows")
@access("FLOW", "READ")
def export_by_query(request: Request) -> HttpResponse:
    """The flows that a search finds as a zip archive of YAML files."""
    return _archive(_found(request, "READ"))


def _archive(flows: Iterable[FlowRow] | HttpResponse) -> HttpResponse:
    if isinstance(flows, HttpResponse):
        return flows
    return HttpResponse(pack_flows(flows), content_type="application/octet-stream", headers=ARCHIVE)


# Enable, disable, delete


@describe(BulkShape, body=IDS, tag="Flows")
@access("FLOW", "UPDATE")
def enable_by_ids(request: Request) -> HttpResponse | dict[str, int]:
    """Enable the named flows."""
    return _switch(request, _named(request, "UPDATE"), disabled=False)


@describe(BulkShape, query=FLOW_FILTERS, tag="Flows")
@access("FLOW", "UPDATE")
def enable_by_query(request: Request) -> HttpResponse | dict[str, int]:
    """Enable the flows that a search finds."""
    return _switch(request, _found(request, "UPDATE"), disabled=False)


@describe(BulkShape, body=IDS, tag="Flows")
@access("FLOW", "UPDATE")
def disable_by_ids(request: Request) -> HttpResponse | dict[str, int]:
    """Disable the named flows."""
    return _switch(request, _named(request, "UPDATE"), disabled=True)


@describe(BulkShape, query=FLOW_FILTERS, tag="Flows")
@access("FLOW", "UPDATE")
def disable_by_query(request: Request) -> HttpResponse | dict[str, int]:
    """Disable the flows that a search finds."""
    return _switch(request, _found(request, "UPDATE"), disabled=True)


@describe(BulkShape, body=IDS, tag="Flows")
@access("FLOW", "DELETE")
def delete_by_ids(request: Request) -> HttpResponse | dict[str, int]:
    """Delete the named flows."""
    return _delete(request, _named(request, "DELETE"))


@describe(BulkShape, query=FLOW_FILTERS, tag="Flows")
@access("FLOW", "DELETE")
def delete_by_query(request: Request) -> HttpResponse | dict[str, int]:
    """Delete the flows that a search finds."""
    return _delete(request, _found(request, "DELETE"))


def _switch(
    request: Request, flows: Sequence[FlowRow] | HttpResponse, *, disabled: bool
) -> HttpResponse | dict[str, int]:
    if isinstance(flows, HttpResponse):
        return flows
    return {"count": set_flows_disabled(acting_user=request.user, flows=flows, disabled=disabled)}


def _delete(request: Request, flows: Sequence[FlowRow] | HttpResponse) -> HttpResponse | dict[str, int]:
    if isinstance(flows, HttpResponse):
        return flows
    return {"count": delete_flows(acting_user=request.user, flows=flows)}


def _named(request: Request, action: str) -> list[FlowRow] | HttpResponse:
    """The flows that the body names, or the answer that says which are not there: then nothing is done."""
    if not isinstance(request.data, list):
        raise Invalid('The body must be a JSON list: [{"namespace": "…", "id": "…"}].')
    named = [parse_shape(one, FlowKeyShape) for one in request.data]
    found = visible_flows((one.namespace, one.id) for one in named)
    allowed = {(flow.namespace, flow.flow_id) for flow in found if can(request.user, "FLOW", action, flow.namespace)}
    missing = [f"{one.namespace}.{one.id}" for one in named if (one.namespace, one.id) not in allowed]
    if missing:
        body = bulk_error_json("invalid flows", [(name, "flow not found") for name in missing], "flow")
        return answer_json(body, status=400)
    return found


def _found(request: Request, action: str) -> list[FlowRow]:
    """The flows that the query finds, of those with which the caller may do this."""
    with filters_of_the_caller():
        conditions = flow_conditions(read_criteria(request.query_params, FIELDS, FLOW_KEYS))
        add_visible(conditions, seen_by(request, "FLOW", action))
        rows, total = search_flows(conditions, order=(), offset=0, size=MAX_FLOWS)
    if total > MAX_FLOWS:
        raise IllegalArgument(f"{total} flows match; at most {MAX_FLOWS} can be taken at once. Narrow the search.")
    return rows


# Checks


@describe(list[FlowCheckShape], body=YAML, tag="Flows")
@access("FLOW", "READ")
def validate_flows(request: Request) -> HttpResponse:
    """Check the flows of a text, cut at lines of `---`, without saving them."""
    return answer_json([check_json(found) for found in check_flows(read_source(request))])


@describe(FlowCheckShape, body=YAML, query=(text("section", "TASKS or TRIGGERS.", required=True),), tag="Flows")
@access("FLOW", "READ")
def validate_task(request: Request) -> HttpResponse:
    """Check one task, or with `section=triggers` one trigger."""
    section = request.query_params.get("section", "tasks").lower()
    check = check_trigger if section == "triggers" else check_task
    return answer_json(check_json(check(read_source(request))))


@describe(FlowCheckShape, body=YAML, tag="Flows")
@access("FLOW", "READ")
def validate_trigger(request: Request) -> HttpResponse:
    """Check one trigger."""
    return answer_json(check_json(check_trigger(read_source(request))))
