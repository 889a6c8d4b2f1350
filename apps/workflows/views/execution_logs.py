"""The log of an execution: pages of 500 lines, a level, one task run, following, download."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.display import iso
from apps.common.errors import BadRequest
from apps.common.htmx import is_fragment
from apps.common.ids import is_id
from apps.common.pages import IN_VIEW
from apps.tenants.scope import tenant_scope
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.logs import PAGE, LogView, count_logs, list_logs
from apps.workflows.selectors.task_tree import find_run
from apps.workflows.views.execution_page import execution_context
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_execution

_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_logs(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """`after` a line's number, with `level` or above, of the task run `run`; `part=lines` gives new lines alone."""
    live = listen_from(request)
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    level, run_id, after = _asked(request)
    lines = list_logs(execution_id, min_level=level, task_run_id=run_id, after=after, limit=PAGE + 1)
    counts = count_logs(execution_id)
    shown = lines[:PAGE]
    context: dict[str, Any] = {
        "execution": execution,
        "route": execution.route,
        "lines": shown,
        "plain": plain,
        "has_next": len(lines) > PAGE,
        "last_number": shown[-1].number if shown else after,
        "after": after,
        "level": level.value if level else "",
        "levels": list(Level),
        "run": find_run(execution_id, run_id) if run_id else None,
        "following": not execution.ended or (now() - (execution.end or now())).total_seconds() < 5,
        "counts": counts,
        "total": sum(counts.values()),
    }
    if request.GET.get("part") == "lines":
        return render(request, "workflows/executions/_log_lines.html", context)
    context |= live | execution_context(request, execution, tab="logs")
    template = "workflows/executions/_logs.html" if is_fragment(request) else "workflows/executions/logs.html"
    return render(request, template, context)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def download_logs(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> StreamingHttpResponse:
    """All lines of the filter as a text file, streamed a page at a time."""
    readable_execution(request, namespace, flow_id, execution_id)
    level, run_id, after = _asked(request)
    response = StreamingHttpResponse(
        _text(require_tenant(), execution_id, level, run_id, after), content_type="text/plain; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{execution_id}.log"'
    return response


def plain(message: str) -> str:
    """The text without terminal colours."""
    return _ANSI.sub("", message)


def _asked(request: HttpRequest) -> tuple[Level | None, str | None, int]:
    run_id, after = request.GET.get("run", ""), request.GET.get("after", "")
    name = request.GET.get("level", current_user(request).preferences.get("logLevel", ""))
    if name and name.upper() not in Level.__members__:
        raise BadRequest(f"'level' is one of {', '.join(Level)}, not '{name[:20]}'.")
    if run_id and not is_id(run_id):
        raise BadRequest(f"'run' must be the id of a task run, not '{run_id[:40]}'.")
    return Level[name.upper()] if name else None, run_id or None, int(after) if after.isdecimal() else 0


def _text(tenant: str, execution_id: str, level: Level | None, run_id: str | None, after: int) -> Iterator[str]:
    while True:
        # a streamed answer is read when the request's own scope has ended
        with tenant_scope(tenant):
            lines: list[LogView] = list_logs(execution_id, min_level=level, task_run_id=run_id, after=after)
        for line in lines:
            yield f"{iso(line.timestamp)} {line.level:<5} {line.task_id or '-'} {plain(line.message)}\n"
        if len(lines) < PAGE:
            return
        after = lines[-1].number
