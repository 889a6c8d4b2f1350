"""One action on several executions: all of them or none, in one transaction, with what came of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

from apps.common.errors import ProductError
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import ExecutionHead
from apps.workflows.services.bulk_executions import Unfit, UnfitExecutions

log = structlog.get_logger(__name__)

TRIES: Final = 3
"""How often all is tried when it and a step of one of the executions wait for each other."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of the action on one execution: ``result_id`` is the execution it led to, itself or a new one."""

    execution_id: str
    result_id: str


def act_on_all(heads: Sequence[ExecutionHead], act: Callable[[str], str | None]) -> list[Acted]:
    """Do it to all of them, in the order they are given. ``act`` takes an id, and answers that of a new execution.

    UnfitExecutions, and nothing is done, when one of them does not qualify (any more).
    """
    for tries_left in reversed(range(TRIES)):
        try:
            return _act(heads, act)
        except OperationalError as error:
            if not tries_left or not isinstance(error.__cause__, DeadlockDetected):
                raise
            log.info("several executions are tried again", executions=len(heads), reason=str(error))
    raise AssertionError("unreachable")


def _act(heads: Sequence[ExecutionHead], act: Callable[[str], str | None]) -> list[Acted]:
    results: dict[str, Acted] = {}
    with transaction.atomic():
        for head in sorted(heads, key=lambda one: one.id):  # one order for all calls, so that two cannot deadlock
            try:
                results[head.id] = Acted(head.id, act(head.id) or head.id)
            except ProductError as error:
                raise UnfitExecutions([Unfit(head.id, error.message)]) from error
    return [results[head.id] for head in heads]


def not_ended(head: ExecutionHead) -> str | None:
    """Why an execution that must have ended does not qualify."""
    return None if State(head.state).ended else f"execution is {head.state}, it has not ended"


def ended(head: ExecutionHead) -> str | None:
    """Why an execution that must not have ended does not qualify."""
    return f"execution has ended, it is {head.state}" if State(head.state).ended else None


def moving(head: ExecutionHead) -> str | None:
    """Why an execution that must stand still does not qualify."""
    return None if head.state == State.PAUSED else not_ended(head)


def any_state(head: ExecutionHead) -> str | None:
    """Each qualifies."""
    return None


def not_in(*states: State) -> Callable[[ExecutionHead], str | None]:
    """Why an execution that must be in one of these states does not qualify."""

    def why(head: ExecutionHead) -> str | None:
        return None if head.state in states else f"execution is {head.state}, not {' or '.join(states)}"

    return why
