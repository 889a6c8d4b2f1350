"""One action on the executions that were chosen in a list: what it would do, then what came of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest
from apps.common.htmx import redirect, render_page
from apps.common.search_filters import BadFilter
from apps.common.search_filters.address import parse_address
from apps.common.search_filters.as_api import as_api
from apps.rbac.decisions import can, check_can, visible_namespaces
from apps.workflows.forms import LabelRow, read_label_rows
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.execution_search import list_execution_ids
from apps.workflows.selectors.executions import ExecutionHead, find_heads
from apps.workflows.selectors.filter_keys import EXECUTION_KEYS
from apps.workflows.services.bulk_actions import act_on_all, any_state, ended, moving, not_ended, not_in
from apps.workflows.services.bulk_executions import (
    Unfit,
    UnfitExecutions,
    delete_bulk,
    kill_executions,
    undeletable,
    unkillable,
)
from apps.workflows.services.execution_changes import add_labels, force_run, unqueue_execution
from apps.workflows.services.execution_filters import build_execution_filter
from apps.workflows.services.pausing import PAUSABLE, pause_execution, resume_execution
from apps.workflows.services.restarting import replay_execution, restart_execution

MOST: Final = 100
"""A page of a list."""
MOST_MATCHING: Final = 1000
"""What one request does to all that a filter finds."""
ALL: Final = "all"
MOST_NAMED: Final = 20
EMPTY_ROWS: Final = 3
PARTS: Final = ("logs", "metrics", "storage")


@dataclass(frozen=True)
class BulkAction:
    """An action: what it brings about, the right it needs, and why an execution does not qualify."""

    word: str
    label: str
    icon: str
    about: str
    told: str
    unfit: Callable[[ExecutionHead], str | None]
    right: str = "UPDATE"
    tone: str = ""


ACTIONS: Final = (
    BulkAction("kill", "Kill", "KILLED", "Running tasks are stopped within a second. What they started is killed, too.",
               "killed", unkillable, tone="danger"),
    BulkAction("restart", "Restart", "RESTARTED", "Each goes on where it failed or paused.", "restarted", moving),
    BulkAction("replay", "Replay", "refresh", "Each runs again from its first task, as a new execution.", "replayed",
               any_state, right="CREATE"),
    BulkAction("pause", "Pause", "PAUSED", "Tasks that run go on to their end, nothing new starts.", "paused",
               not_in(*PAUSABLE)),
    BulkAction("resume", "Resume", "play", "Each goes on. Those whose pause asks for inputs are left out.", "resumed",
               not_in(State.PAUSED)),
    BulkAction("unqueue", "Unqueue", "QUEUED", "Each starts now, beside those that fill its flow's limit.",
               "taken out of the queue", not_in(State.QUEUED)),
    BulkAction("force-run", "Force run", "bolt", "Each runs, whatever it waits for.", "forced to run", ended),
    BulkAction("labels", "Change labels", "tag", "These labels are added; values of keys they have are replaced.",
               "labelled", not_ended),
    BulkAction("delete", "Delete", "trash", "They are removed from every list. It cannot be undone.", "deleted",
               undeletable, right="DELETE", tone="danger"),
)  # fmt: skip


def list_bulk_actions(user: User, namespace: str | None = None) -> list[BulkAction]:
    """Those that the person may do, in a namespace or in any."""
    return [action for action in ACTIONS if can(user, "EXECUTION", action.right, namespace)]


@access("EXECUTION", "READ")
def ask_bulk(request: HttpRequest) -> HttpResponse:
    """What `action` would do to the executions `ids`, and which of them are left out, and why."""
    chosen = _read(request, request.GET)
    return _ask(request, chosen, [])


@access("EXECUTION", "READ")
def act_bulk(request: HttpRequest) -> HttpResponseBase:
    """Does it to each that qualifies. Tells what came of it: in the list, or with the reasons of those left out."""
    chosen = _read(request, request.POST)
    rows = read_label_rows(request.POST) if chosen.action.word == "labels" else []
    if any(row.error for row in rows) or (chosen.action.word == "labels" and not rows):
        return _ask(request, chosen, rows or [LabelRow("", "", "A label needs a key and a value.")], status=422)
    act = _deed(chosen.action, current_user(request), request.POST, rows)
    left_out, done = list(chosen.unfit), 0
    for head in chosen.fit:
        try:
            act(head)
            done += 1
        except UnfitExecutions as error:
            left_out += error.unfit
    if not left_out:
        messages.success(request, f"{_count(done)} {chosen.action.told}.")
        return redirect(request, chosen.back)
    context = {
        "chosen": chosen,
        "done": _count(done),
        "count": len(left_out),
        "left_out": left_out[:MOST_NAMED],
        "more": max(0, len(left_out) - MOST_NAMED),
    }
    return _show(request, "bulk_result", context)


@dataclass(frozen=True)
class _Chosen:
    """The executions that were chosen: those that qualify, and the others with the reason."""

    action: BulkAction
    fit: Sequence[ExecutionHead]
    unfit: Sequence[Unfit]
    ids: Sequence[str]
    back: str
    matching: str = ""
    """The filter that chose them; empty when they were ticked."""


def _read(request: HttpRequest, data: QueryDict) -> _Chosen:
    user = current_user(request)
    action = next((one for one in ACTIONS if one.word == data.get("action")), None)
    if action is None:
        raise BadRequest(f"'{data.get('action', '')[:20]}' is no action on several executions.")
    check_can(user, "EXECUTION", action.right)
    matching = data.get("matching", "")
    ids = _matching(user, matching) if matching else list(dict.fromkeys(data.getlist("ids")))
    if not matching and len(ids) > MOST:
        raise BadRequest(f"At most {MOST} executions can be chosen at once, not {len(ids)}.")
    heads = find_heads(ids)
    fit: list[ExecutionHead] = []
    unfit: list[Unfit] = []
    for execution_id in ids:
        head = heads.get(execution_id)
        if head is None or not can(user, "EXECUTION", "READ", head.namespace):
            unfit.append(Unfit(execution_id, "execution not found"))
        elif not can(user, "EXECUTION", action.right, head.namespace):
            unfit.append(Unfit(execution_id, f"you may not do this in {head.namespace}"))
        elif reason := action.unfit(head):
            unfit.append(Unfit(execution_id, reason))
        else:
            fit.append(head)
    return _Chosen(action, fit, unfit, ids, _back(data.get("back", "")), matching)


def _matching(user: User, address: str) -> list[str]:
    """Ids of all that a list finds, newest first. BadRequest for an address that is none or finds too many."""
    pairs = [] if address == ALL else parse_qsl(address, max_num_fields=100)
    parsed, _ = parse_address(pairs, EXECUTION_KEYS)
    if parsed.problems:
        raise BadRequest(f"The filter cannot be read: {parsed.problems[0].told}")
    try:
        zone = ZoneInfo(str(timezone.get_current_timezone()))
        criteria = as_api(parsed.criteria, EXECUTION_KEYS, now=now(), zone=zone)
        wanted = build_execution_filter(criteria, namespaces=visible_namespaces(user, "EXECUTION"))
    except BadFilter as error:
        raise BadRequest(str(error)) from error
    ids = list_execution_ids(wanted, most=MOST_MATCHING)
    if len(ids) > MOST_MATCHING:
        raise BadRequest(
            f"More than {MOST_MATCHING} executions match. Narrow the filter, or ask the API for them by query."
        )
    return ids


def _back(address: str) -> str:
    """The list that was left, with its filters: an address of ours, below this tenant."""
    home = reverse("ui:executions", kwargs={"tenant": require_tenant()})
    below = reverse("ui:home", kwargs={"tenant": require_tenant()})
    ours = address.startswith(below) and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if ours else home


def _deed(action: BulkAction, user: User, data: QueryDict, rows: Sequence[LabelRow]) -> Callable[[ExecutionHead], Any]:
    """What is done to one execution; UnfitExecutions when it does not qualify any more."""
    services: dict[str, Callable[..., Any]] = {
        "restart": restart_execution,
        "pause": pause_execution,
        "resume": resume_execution,
        "unqueue": unqueue_execution,
        "force-run": force_run,
    }
    if action.word == "kill":
        return lambda head: kill_executions(acting_user=user, heads=[head])
    if action.word == "delete":
        parts = {part: part in data for part in PARTS}
        return lambda head: delete_bulk(acting_user=user, heads=[head], **parts)
    more: dict[str, Any] = {}
    if action.word == "labels":
        service: Callable[..., Any] = add_labels
        more["labels"] = [(row.key, row.value) for row in rows]
    elif action.word == "replay":
        service = replay_execution
        more["latest"] = data.get("latest") == "yes"
    else:
        service = services[action.word]

    def act(execution_id: str) -> str | None:
        answer = service(acting_user=user, execution_id=execution_id, **more)
        return answer if isinstance(answer, str) else None

    return lambda head: act_on_all([head], act)


def _ask(request: HttpRequest, chosen: _Chosen, rows: Sequence[LabelRow], *, status: int = 200) -> HttpResponse:
    context = {
        "chosen": chosen,
        "count": _count(len(chosen.fit)),
        "left_out": chosen.unfit[:MOST_NAMED],
        "more": max(0, len(chosen.unfit) - MOST_NAMED),
        "rows": [*rows, *[LabelRow("", "")] * EMPTY_ROWS],
    }
    return _show(request, "bulk", context, status=status)


def _show(request: HttpRequest, what: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    dialog = f"workflows/executions/_{what}.html"
    return render_page(
        request, "workflows/executions/bulk.html", {**context, "dialog": dialog}, fragment=dialog, status=status
    )


def _count(number: int) -> str:
    return f"{number} execution{'' if number == 1 else 's'}"
