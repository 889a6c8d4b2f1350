"""News of an execution's states, for the triggers that wait for them: noted by the step that enters the state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.common.current_tenant import require_tenant
from apps.common.dispatch import EXECUTOR_QUEUE, send
from apps.timers.services import GRACE, set_timers
from apps.workflows.execution_store.load import Locked
from apps.workflows.execution_store.news import ALL_STATES, NEWS_TIMER, news_key
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.trigger import PollingTrigger, TimeTrigger


def news_of_step(
    locked: Locked, definition: FlowDefinition | None, entered: Sequence[str], now: datetime
) -> list[tuple[str, str, datetime]]:
    """The timers of the news of a step, to be written with it, and their messages; none when nobody listens."""
    if not entered or not (locked.listens or locked.trigger_id):
        return []
    execution = locked.execution
    first = len(execution.histories) - len(entered)
    timers = []
    for number, state in enumerate(map(State, entered), first):
        if not _is_news(locked, definition, state):
            continue
        send("workflows.tell_triggers", execution.id, number, queue=EXECUTOR_QUEUE)
        timers.append((NEWS_TIMER, news_key(execution.id, number), now + GRACE))
    return timers


def tell_failed_start(execution_id: str, number: int, now: datetime) -> None:
    """The news of an execution that failed before its first step: at this place of its history it ended."""
    set_timers(require_tenant(), [(NEWS_TIMER, news_key(execution_id, number), now + GRACE)])
    send("workflows.tell_triggers", execution_id, number, queue=EXECUTOR_QUEUE)


def _is_news(locked: Locked, definition: FlowDefinition | None, state: State) -> bool:
    if not state.ended:
        return locked.listens >= ALL_STATES
    if locked.listens:
        return True
    if locked.trigger_id is None or definition is None or locked.execution.parent_execution_id is not None:
        return False
    own = next((trigger for trigger in definition.triggers if trigger.id == locked.trigger_id), None)
    return own is not None and (isinstance(own, TimeTrigger | PollingTrigger) or bool(own.stop_after))
