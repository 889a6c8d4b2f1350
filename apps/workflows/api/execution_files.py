"""Files of an execution: only its own; a file of another execution is asked for there."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponseRedirect, StreamingHttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_number, required_query
from apps.common.downloads import download_answer
from apps.common.errors import IllegalArgument
from apps.common.json_values import to_json_value
from apps.rbac.decisions import can
from apps.storage.internal_storage import execution_address, execution_id_of, is_below, open_storage
from apps.workflows.api.describe import BYTES, describe, number, text
from apps.workflows.api.reading import get_execution, raw_request
from apps.workflows.selectors.executions import ExecutionRow, find_head
from apps.workflows.services.file_previews import preview_file

PATH: Final = text("path", "Address of the file: kestra:///…", required=True)


@describe(BYTES, query=(PATH,), tag="Executions")
@access("EXECUTION", "READ")
def download(request: Request, execution_id: str) -> StreamingHttpResponse | HttpResponseRedirect:
    """The file's bytes. A file of another execution redirects there; an address outside of executions is refused."""
    execution = get_execution(request, execution_id)
    address = required_query(request.query_params, "path")
    if (elsewhere := _elsewhere(request, execution, address)) is not None:
        return elsewhere
    storage = open_storage()
    name = address.rsplit("/", 1)[-1]
    return download_answer(storage.open(address), size=storage.size(address), name=name)


@describe(dict[str, Any], query=(PATH,), tag="Executions")
@access("EXECUTION", "READ")
def read_metas(request: Request, execution_id: str) -> HttpResponseRedirect | dict[str, int]:
    """The file's size in bytes."""
    execution = get_execution(request, execution_id)
    address = required_query(request.query_params, "path")
    elsewhere = _elsewhere(request, execution, address)
    return elsewhere if elsewhere is not None else {"size": open_storage().size(address)}


@describe(
    dict[str, Any],
    query=(PATH, number("maxRows", "At most 5000; 100 when not given."), text("encoding", "utf-8 when not given.")),
    tag="Executions",
)
@access("EXECUTION", "READ")
def preview(request: Request, execution_id: str) -> HttpResponseRedirect | dict[str, Any]:
    """The beginning of the file: text, Markdown, rows of an Ion file, a picture as base64."""
    execution = get_execution(request, execution_id)
    query = request.query_params
    address = required_query(query, "path")
    elsewhere = _elsewhere(request, execution, address)
    if elsewhere is not None:
        return elsewhere
    found = preview_file(address, most_rows=query_number(query, "maxRows"), encoding=query.get("encoding") or "utf-8")
    return dict(to_json_value(found))


def _elsewhere(request: Request, execution: ExecutionRow, address: str) -> HttpResponseRedirect | None:
    """None for a file of this execution; the way to the execution it belongs to; IllegalArgument for any other."""
    if is_below(address, execution_address(execution.namespace, execution.flow_id, execution.id)):
        return None
    owner_id = execution_id_of(address)
    owner = find_head(owner_id) if owner_id is not None and owner_id != execution.id else None
    if (
        owner is None
        or not can(request.user, "EXECUTION", "READ", owner.namespace)
        or not is_below(address, execution_address(owner.namespace, owner.flow_id, owner.id))
    ):
        raise IllegalArgument(f"The file '{address[:300]}' does not belong to execution {execution.id}.")
    here = raw_request(request).get_full_path()
    return HttpResponseRedirect(here.replace(f"/executions/{execution.id}/", f"/executions/{owner.id}/", 1), status=307)
