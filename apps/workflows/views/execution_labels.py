"""Changing an execution's labels: values of those it has, new ones, and none where a value was emptied."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.errors import BadRequest, IllegalArgument
from apps.common.pages import IN_VIEW
from apps.workflows.forms import LabelRow, read_label_rows
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.services.execution_changes import set_labels
from apps.workflows.views.execution_dialog import ask, go_to
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.lookups import readable_execution

EMPTY_ROWS = 3


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_labels(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The labels as rows of key and value, some empty ones below, the system's locked."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    execution = ExecutionView(row)
    refusal = "" if execution.ended else f"The execution is {row.state}. Its labels can be changed when it has ended."
    return _form(request, row, [LabelRow(key, value) for key, value in execution.labels], refusal=refusal)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def change_labels(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Sets them and shows the execution; with problems the rows again as they were typed."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    rows = read_label_rows(request.POST, removable={label["key"] for label in row.labels})
    if any(one.error for one in rows):
        return _form(request, row, rows, status=422)
    try:
        set_labels(
            acting_user=current_user(request), execution_id=execution_id, labels=[(one.key, one.value) for one in rows]
        )
    except (IllegalArgument, BadRequest) as error:
        return _form(request, row, rows, refusal=error.message, status=error.status)
    messages.success(request, "Labels changed.")
    return go_to(request, row)


def _form(
    request: HttpRequest, row: ExecutionRow, rows: Sequence[LabelRow], *, refusal: str = "", status: int = 200
) -> HttpResponse:
    held = {label["key"] for label in row.labels}
    context = {
        "rows": [*rows, *[LabelRow("", "")] * EMPTY_ROWS],
        "held": held,
        "locked": [(one["key"], one["value"]) for one in row.labels if one["key"].startswith("system.")],
        "refusal": refusal,
    }
    return ask(request, row, "labels", context, status=status)
