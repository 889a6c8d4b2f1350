"""The log of an execution: pages of 500 lines forwards and backwards, filters, search, following, download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.display import iso
from apps.common.errors import BadRequest
from apps.common.htmx import is_fragment
from apps.common.ids import is_id
from apps.common.pages import IN_VIEW
from apps.tenants.scope import tenant_scope
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.limits import LIST_MILLISECONDS, time_limit
from apps.workflows.selectors.logs import PAGE, LogView, count_logs, list_logs
from apps.workflows.selectors.task_tree import find_run
from apps.workflows.services.page_news import plain
from apps.workflows.views.execution_page import execution_context
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_execution

BEFORE_TARGET: Final = 100
"""Lines shown above the one an address names."""
LAST: Final = 2**63 - 1
LONGEST_SEARCH: Final = 200


@dataclass(frozen=True, slots=True)
class LogsAsked:
    """Which lines: of ``level`` and above, of a task run or task, with a text; from where on."""

    level: Level | None
    run_id: str | None
    task_id: str | None
    text: str
    after: int | None
    before: int | None
    at: int | None

    @property
    def filters(self) -> dict[str, Any]:
        """For the selectors."""
        return {"task_run_id": self.run_id, "task_id": self.task_id, "text": self.text or None}

    def query(self, **changes: str | int) -> str:
        """The filters as a query, with these changes."""
        kept = {"level": self.level or "", "run": self.run_id or "", "task": self.task_id or "", "q": self.text}
        found = {name: value for name, value in (kept | changes).items() if value != ""}
        # an empty level is a choice of its own: it overrides the person's usual one
        return urlencode(found if found.get("level") else {"level": "", **found})


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines of one page, and whether there are further ones before and after."""

    lines: list[LogView]
    earlier: bool
    later: bool

    @property
    def first(self) -> int:
        return self.lines[0].number if self.lines else 0

    @property
    def last(self) -> int:
        return self.lines[-1].number if self.lines else 0


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_logs(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The first lines of an execution that has ended, the last ones of one that runs; those `after` or `before` a
    line's number, or around the one in `at`. `part=lines` gives lines alone, to be put beside others."""
    live = listen_from(request)
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    asked = _asked(request)
    with time_limit(LIST_MILLISECONDS):
        page = _read(execution_id, asked, running=not execution.ended)
        part = request.GET.get("part") == "lines"
        counts = {} if part else count_logs(execution_id, **asked.filters)
    context: dict[str, Any] = {
        "execution": execution,
        "route": execution.route,
        "page": page,
        "asked": asked,
        "plain": plain,
        "pieces": pieces,
        "edges": _edges(page, request),
    }
    if part:
        return render(request, "workflows/executions/_log_lines.html", context)
    context |= live | execution_context(request, execution, tab="logs")
    context |= {
        "levels": list(Level),
        "run": find_run(execution_id, asked.run_id) if asked.run_id else None,
        "following": not execution.ended,
        "counts": counts,
        "total": sum(counts.values()),
    }
    template = "workflows/executions/_logs.html" if is_fragment(request) else "workflows/executions/logs.html"
    return render(request, template, context)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def download_logs(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> StreamingHttpResponse:
    """All lines of the filter as a text file, streamed a page at a time."""
    readable_execution(request, namespace, flow_id, execution_id)
    response = StreamingHttpResponse(
        _text(require_tenant(), execution_id, _asked(request)), content_type="text/plain; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{execution_id}.log"'
    return response


def pieces(message: str, text: str) -> list[tuple[str, bool]]:
    """The message cut where the text occurs in it, in any case; True marks what was looked for."""
    # without a capital that changes its length, places in the lowered text are those of the message
    lowered, wanted = message.lower(), text.lower()
    if not wanted or len(lowered) != len(message):
        return [(message, False)]
    found, place = [], 0
    while (hit := lowered.find(wanted, place)) >= 0:
        found += [(message[place:hit], False), (message[hit : hit + len(wanted)], True)]
        place = hit + len(wanted)
    return [*found, (message[place:], False)]


def _read(execution_id: str, asked: LogsAsked, *, running: bool) -> LogPage:
    def lines(*, after: int = 0, before: int | None = None, limit: int = PAGE + 1) -> list[LogView]:
        return list_logs(execution_id, min_level=asked.level, after=after, before=before, limit=limit, **asked.filters)

    if asked.at is not None:
        above = lines(before=asked.at, limit=BEFORE_TARGET + 1)
        below = lines(after=asked.at - 1, limit=PAGE - BEFORE_TARGET + 1)
        return LogPage(
            above[-BEFORE_TARGET:] + below[: PAGE - BEFORE_TARGET],
            earlier=len(above) > BEFORE_TARGET,
            later=len(below) > PAGE - BEFORE_TARGET,
        )
    if asked.after is None and (asked.before is not None or running):
        found = lines(before=asked.before or LAST)
        return LogPage(found[-PAGE:], earlier=len(found) > PAGE, later=asked.before not in (None, LAST))
    found = lines(after=asked.after or 0)
    return LogPage(found[:PAGE], earlier=bool(asked.after), later=len(found) > PAGE)


def _edges(page: LogPage, request: HttpRequest) -> dict[str, bool]:
    """Which ways on are shown. A part that is put beside others needs only the one on its far side."""
    if request.GET.get("part") != "lines":
        return {"earlier": page.earlier, "later": page.later}
    return {"earlier": page.earlier and "before" in request.GET, "later": page.later and "after" in request.GET}


def _asked(request: HttpRequest) -> LogsAsked:
    query = request.GET
    run_id = query.get("run", "")
    name = query.get("level", current_user(request).preferences.get("logLevel", ""))
    if name and name.upper() not in Level.__members__:
        raise BadRequest(f"'level' is one of {', '.join(Level)}, not '{name[:20]}'.")
    if run_id and not is_id(run_id):
        raise BadRequest(f"'run' must be the id of a task run, not '{run_id[:40]}'.")
    return LogsAsked(
        level=Level[name.upper()] if name else None,
        run_id=run_id or None,
        task_id=query.get("task", "").strip()[:LONGEST_SEARCH] or None,
        text=query.get("q", "").strip()[:LONGEST_SEARCH].replace("\0", ""),
        after=_number(request, "after"),
        before=_number(request, "before"),
        at=_number(request, "at"),
    )


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LAST else None


def _text(tenant: str, execution_id: str, asked: LogsAsked) -> Iterator[str]:
    after = asked.after or 0
    while True:
        # a streamed answer is read when the request's own scope has ended
        with tenant_scope(tenant):
            lines: list[LogView] = list_logs(execution_id, min_level=asked.level, **asked.filters, after=after)
        for line in lines:
            yield f"{iso(line.timestamp)} {line.level:<5} {line.task_id or '-'} {plain(line.message)}\n"
        if len(lines) < PAGE:
            return
        after = lines[-1].number
