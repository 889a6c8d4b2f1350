"""How things end: the state of a frame from its counts, of a leaf from its tries, and the softening of both."""

from __future__ import annotations

from typing import Final

from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.frontier import RunRow
from apps.workflows.plugin_api.retry import RetryBase
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Task

WARN_AFTER_TRIES: Final = 3
"""``warningOnRetry`` warns from the third try on, as Kestra 0.20 does."""


def frame_end_state(cursor: Cursor) -> State:
    """The state of a frame whose main children have ended."""
    if cursor.kill:
        return State.KILLED
    if cursor.fail:
        return State.FAILED
    return State.WARNING if cursor.warn else State.SUCCESS


def count_end(cursor: Cursor, state: State) -> None:
    """Count one ended main child."""
    match state:
        case State.FAILED:
            cursor.fail += 1
        case State.KILLED:
            cursor.kill += 1
        case State.WARNING:
            cursor.warn += 1
        case _:
            cursor.ok += 1


def softened(task: Task, state: State) -> State:
    """``allowFailure`` makes FAILED a WARNING, ``allowWarning`` a WARNING a SUCCESS."""
    if state is State.FAILED and task.allow_failure:
        state = State.WARNING
    if state is State.WARNING and task.allow_warning:
        state = State.SUCCESS
    return state


def tries(run: RunRow) -> int:
    """How many tries count: one whose worker was lost (closed as KILLED) does not."""
    return sum(attempt.state is not State.KILLED for attempt in run.attempts)


def leaf_end_state(task: Task, retry: RetryBase | None, run: RunRow, state: State) -> State:
    """What a leaf ends as when its last try (already closed in ``attempts``) ended as ``state``."""
    if state is State.SUCCESS and retry is not None and retry.warning_on_retry and tries(run) >= WARN_AFTER_TRIES:
        state = State.WARNING
    return softened(task, state)
