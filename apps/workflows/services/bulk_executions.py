"""Actions on several executions: all or nothing; and a kill that reaches what the execution started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import transaction

from apps.audit.services import Actor
from apps.common.errors import IllegalArgument, IllegalState, NotFound
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import ExecutionHead, find_head, find_heads, find_open_children
from apps.workflows.services.executions import delete_execution, kill_execution

log = structlog.get_logger(__name__)

MAX_EXECUTIONS: Final = 1000
"""Most executions that one call may change."""
MAX_CASCADE: Final = 10_000
"""Most executions that one kill may reach."""
CASCADE_ROUND: Final = 500


@dataclass(frozen=True, slots=True)
class Unfit:
    """An execution to which the action does not apply, and why."""

    execution_id: str
    message: str


class UnfitExecutions(ValueError):
    """Some of the executions do not qualify, so nothing was done."""

    def __init__(self, unfit: Sequence[Unfit]) -> None:
        super().__init__(f"{len(unfit)} of the executions do not qualify, nothing was done")
        self.unfit = tuple(unfit)


def check_executions(
    execution_ids: Sequence[str],
    *,
    may: Callable[[str], bool],
    fits: Callable[[ExecutionHead], str | None],
) -> list[ExecutionHead]:
    """The executions of these ids, each once. One query.

    ``may`` says whether the caller may do this in a namespace: what he may not is as if it were not there. ``fits``
    answers why an execution does not qualify, None when it does. UnfitExecutions; IllegalArgument for too many.
    """
    if len(execution_ids) > MAX_EXECUTIONS:
        raise IllegalArgument(f"At most {MAX_EXECUTIONS} executions can be changed at once, not {len(execution_ids)}.")
    wanted = list(dict.fromkeys(execution_ids))
    heads = find_heads(wanted)
    unfit = [Unfit(name, reason) for name in wanted if (reason := _why_not(heads, name, may, fits))]
    if unfit:
        raise UnfitExecutions(unfit)
    return [heads[name] for name in wanted]


def _why_not(
    heads: Mapping[str, ExecutionHead],
    execution_id: str,
    may: Callable[[str], bool],
    fits: Callable[[ExecutionHead], str | None],
) -> str | None:
    head = heads.get(execution_id)
    if head is None or not may(head.namespace):
        return "execution not found"
    return fits(head)


def unkillable(head: ExecutionHead) -> str | None:
    """Why an execution cannot be killed."""
    return "execution already ended" if State(head.state).ended else None


def undeletable(head: ExecutionHead) -> str | None:
    """Why an execution cannot be deleted."""
    return None if State(head.state).ended else f"execution is {head.state}; kill it before it is deleted"


def kill_executions(*, acting_user: Actor | None, heads: Sequence[ExecutionHead]) -> int:
    """Kill all of them and what they started; answers how many of them. UnfitExecutions: one ended meanwhile."""
    try:
        with transaction.atomic():
            for head in sorted(heads, key=lambda one: one.id):  # one order for all, so that two calls cannot deadlock
                kill_execution(acting_user=acting_user, execution_id=head.id)
    except (IllegalState, NotFound) as error:
        raise UnfitExecutions([Unfit(head.id, error.message)]) from error
    kill_children(acting_user=acting_user, parent_ids=[head.id for head in heads])
    return len(heads)


def kill_with_children(*, acting_user: Actor | None, execution_id: str, cascade: bool) -> None:
    """Kill an execution and, with ``cascade``, all that it started and that has not ended.

    With ``cascade`` an ended execution is no error: what it started is killed. NotFound; IllegalState otherwise.
    """
    head = find_head(execution_id)
    if head is None:
        raise NotFound(f"Execution {execution_id} not found")
    try:
        kill_execution(acting_user=acting_user, execution_id=execution_id, cascade=cascade)
    except IllegalState:
        if not cascade:
            raise
    if cascade:
        kill_children(acting_user=acting_user, parent_ids=[execution_id])


def kill_children(*, acting_user: Actor | None, parent_ids: Sequence[str]) -> int:
    """Kill, level by level, the open executions that these started; answers how many. Each is a step of its own."""
    killed = 0
    known = set(parent_ids)
    parents = list(parent_ids)
    while parents and killed < MAX_CASCADE:
        found = [head for head in find_open_children(parents[:CASCADE_ROUND]) if head.id not in known]
        for head in found:
            known.add(head.id)
            try:
                kill_execution(acting_user=acting_user, execution_id=head.id)
            except (IllegalState, NotFound) as error:
                log.info("child ended before it was killed", execution=head.id, reason=error.message)
            killed += 1
        parents = parents[CASCADE_ROUND:] + [head.id for head in found]
    return killed


def delete_bulk(
    *, acting_user: Actor | None, heads: Sequence[ExecutionHead], logs: bool, metrics: bool, storage: bool
) -> int:
    """Delete all of them in one transaction; answers how many. UnfitExecutions: one was restarted meanwhile."""
    with transaction.atomic():
        for head in sorted(heads, key=lambda one: one.id):
            try:
                delete_execution(
                    acting_user=acting_user, execution_id=head.id, logs=logs, metrics=metrics, storage=storage
                )
            except (IllegalState, NotFound) as error:
                raise UnfitExecutions([Unfit(head.id, error.message)]) from error
    return len(heads)
