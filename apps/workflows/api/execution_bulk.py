"""Actions on several executions, by their ids or by a search: all or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_flag
from apps.common.errors import Invalid
from apps.common.json_values import Shape
from apps.rbac.decisions import can
from apps.workflows.api.describe import EXECUTION_FILTERS, describe, flag, text
from apps.workflows.api.execution_actions import read_label_list, read_state
from apps.workflows.api.executions import find_ids
from apps.workflows.api.reading import answer_unfit, read_ids
from apps.workflows.plugin_api.state import State
from apps.workflows.schemas.executions import LabelShape
from apps.workflows.schemas.flows import BulkShape
from apps.workflows.selectors.executions import ExecutionHead
from apps.workflows.services.bulk_actions import act_on_all, any_state, ended, moving, not_ended, not_in
from apps.workflows.services.bulk_executions import UnfitExecutions, check_executions
from apps.workflows.services.execution_changes import (
    add_labels,
    change_execution_status,
    force_run,
    unqueue_execution,
)
from apps.workflows.services.pausing import PAUSABLE, pause_execution, resume_execution
from apps.workflows.services.restarting import replay_execution, restart_execution

Answer = HttpResponse | dict[str, int]
View = Callable[[Request], Answer]
TAG: Final = "Executions"
LATEST: Final = flag("latestRevision", "On the newest revision of each flow.")
STATUS: Final = text("newStatus", "An end state.", required=True)


class LabelsOfManyShape(Shape):
    """Labels to add to these executions."""

    executions_id: list[str]
    execution_labels: list[LabelShape]


@dataclass(frozen=True, slots=True)
class Bulk:
    """An action, what it needs, and why an execution does not qualify. ``make`` reads what the request adds to it."""

    word: str
    about: str
    unfit: Callable[[ExecutionHead], str | None]
    make: Callable[[Request], Callable[[str], Any]]
    action: str = "UPDATE"
    query: tuple[Any, ...] = ()


def by_ids(bulk: Bulk) -> View:
    """The route that takes a list of ids."""

    @describe(BulkShape, body=list[str], query=bulk.query, tag=TAG)
    @access("EXECUTION", bulk.action)
    def view(request: Request) -> Answer:
        return _act(request, bulk, read_ids(request))

    return _named(view, f"{bulk.word}_by_ids", f"{bulk.about}, all or none.")


def by_query(bulk: Bulk) -> View:
    """The route that takes the filters of a search."""

    @describe(BulkShape, query=(*EXECUTION_FILTERS, *bulk.query), tag=TAG)
    @access("EXECUTION", bulk.action)
    def view(request: Request) -> Answer:
        return _act(request, bulk, find_ids(request, bulk.action))

    return _named(view, f"{bulk.word}_by_query", f"{bulk.about}: all that a search finds, or none.")


def _named(view: View, name: str, about: str) -> View:
    view.__name__ = name.replace("-", "_")
    view.__doc__ = about
    return view


def _act(request: Request, bulk: Bulk, execution_ids: Sequence[str]) -> Answer:
    act = bulk.make(request)
    try:
        heads = check_executions(
            execution_ids,
            may=lambda namespace: can(request.user, "EXECUTION", bulk.action, namespace),
            fits=bulk.unfit,
        )
        return {"count": len(act_on_all(heads, act))}
    except UnfitExecutions as error:
        return answer_unfit(bulk.word, error)


def _plain(service: Callable[..., Any]) -> Callable[[Request], Callable[[str], Any]]:
    def make(request: Request) -> Callable[[str], Any]:
        return lambda execution_id: service(acting_user=request.user, execution_id=execution_id)

    return make


def _make_replay(request: Request) -> Callable[[str], str]:
    latest = query_flag(request.query_params, "latestRevision")
    return lambda execution_id: replay_execution(acting_user=request.user, execution_id=execution_id, latest=latest)


def _make_status(request: Request) -> Callable[[str], None]:
    state = read_state(request, "newStatus")
    return lambda execution_id: change_execution_status(
        acting_user=request.user, execution_id=execution_id, state=state
    )


def _labelling(request: Request, labels: list[tuple[str, str]]) -> Callable[[str], None]:
    return partial(_set_labels, request, labels)


def _set_labels(request: Request, labels: list[tuple[str, str]], execution_id: str) -> None:
    add_labels(acting_user=request.user, execution_id=execution_id, labels=labels)


BULKS: Final = (
    Bulk("pause", "Hold running executions", not_in(*PAUSABLE), _plain(pause_execution)),
    Bulk("resume", "Let paused executions go on", not_in(State.PAUSED), _plain(resume_execution)),
    Bulk("restart", "Let executions go on where they failed", moving, _plain(restart_execution)),
    Bulk("force-run", "Let executions run whatever they wait for", ended, _plain(force_run)),
    Bulk("unqueue", "Let queued executions run", not_in(State.QUEUED), _plain(unqueue_execution)),
    Bulk("replay", "Run executions again as new ones", any_state, _make_replay, "CREATE", (LATEST,)),
    Bulk("change-status", "Give ended executions another end state", not_ended, _make_status, query=(STATUS,)),
)
"""Those whose request is a list of ids, or a search."""


@describe(BulkShape, body=LabelsOfManyShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def label_by_ids(request: Request) -> Answer:
    """Add labels to ended executions, all or none."""
    body = request.data if isinstance(request.data, dict) else {}
    ids = body.get("executionsId")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise Invalid('The body must be {"executionsId": ["…"], "executionLabels": [{"key": "…", "value": "…"}]}.')
    return _act(request, _label_bulk(body.get("executionLabels")), ids)


@describe(BulkShape, body=list[LabelShape], query=EXECUTION_FILTERS, tag=TAG)
@access("EXECUTION", "UPDATE")
def label_by_query(request: Request) -> Answer:
    """Add labels to all ended executions that a search finds, or to none."""
    return _act(request, _label_bulk(request.data), find_ids(request, "UPDATE"))


def _label_bulk(sent: Any) -> Bulk:
    labels = read_label_list(sent)
    return Bulk("labels", "", not_ended, lambda request: _labelling(request, labels))
