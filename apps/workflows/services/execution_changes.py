"""Small changes of one execution by a person: let it run, another end state, other labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction

from apps.audit.services import Actor
from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, IllegalArgument
from apps.timers.services import set_timers
from apps.workflows.dispatch import send_commands
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.events import Event, SlotFreed, Woken
from apps.workflows.execution_store.load import Locked
from apps.workflows.execution_store.save import Extras, save_step
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.labels import SYSTEM_PREFIX
from apps.workflows.plugin_api.state import State
from apps.workflows.services.acting import UPDATE, hold_execution, record_action
from apps.workflows.services.definitions import FlowRevisionGone, load_flow
from apps.workflows.services.handing_over import step_or_hand_over
from apps.workflows.services.pausing import resume_execution
from apps.workflows.services.state_news import news_of_step

END_STATES: Final = tuple(state for state in State if state.ended)


def force_run(*, acting_user: Actor | None, execution_id: str) -> None:
    """Let an execution run, whatever it waits for: its date, a place of its flow's limit, a pause, or a lost message.

    NotFound; IllegalArgument when it has ended; Invalid when its pause asks for inputs.
    """
    with transaction.atomic():
        locked = hold_execution(execution_id)
        execution = locked.execution
        if execution.state.ended:
            raise IllegalArgument(f"Execution has ended, can't force it to run: it is {execution.state}")
        if execution.state is State.PAUSED:
            resume_execution(acting_user=acting_user, execution_id=execution_id)
            return
        waits = execution.state in (State.CREATED, State.QUEUED)
        event: Event = SlotFreed(force=True) if waits else Woken("watch")
        decision = step_or_hand_over(locked, event, read_clock())
        record_action(acting_user, execution, "force-run")
        send_commands(execution_id, decision.commands)


def unqueue_execution(*, acting_user: Actor | None, execution_id: str) -> None:
    """Let a queued execution run without a place of its flow's limit. NotFound; IllegalArgument: it is not queued."""
    with transaction.atomic():
        locked = hold_execution(execution_id)
        execution = locked.execution
        if execution.state is not State.QUEUED:
            raise IllegalArgument(f"Execution is not queued, can't unqueue it: it is {execution.state}")
        decision = step_or_hand_over(locked, SlotFreed(force=True), read_clock())
        record_action(acting_user, execution, "unqueue")
        send_commands(execution_id, decision.commands)


def change_execution_status(*, acting_user: Actor | None, execution_id: str, state: State) -> None:
    """Give an ended execution another end state. Nothing runs in it; Flow triggers hear of the state.

    NotFound; IllegalArgument.
    """
    if not state.ended:
        raise IllegalArgument(f"The status can be changed to an end state ({', '.join(END_STATES)}), not to {state}")
    now = read_clock()
    with transaction.atomic():
        locked = hold_execution(execution_id)
        execution = locked.execution
        if not execution.state.ended:
            raise IllegalArgument(f"Execution has not ended, can't change its status: it is {execution.state}")
        before = execution.state
        if execution.enter(state, now):
            changed = Decision(execution_changed=True, entered=[state.value])
            save_step(require_tenant(), locked, changed, Extras(), now)
            set_timers(require_tenant(), news_of_step(locked, _definition(locked), changed.entered, now))
        record_action(acting_user, execution, "change-status", before=before.value, status=state.value)


def _definition(locked: Locked) -> FlowDefinition | None:
    """The flow as the execution ran it; None when its revision is gone or can no longer be read."""
    try:
        return load_flow(locked.flow_ref, locked.execution.flow_revision).definition
    except (FlowRevisionGone, InvalidFlow):
        return None


def set_labels(*, acting_user: Actor | None, execution_id: str, labels: Sequence[tuple[str, str]]) -> None:
    """Make these the labels of an ended execution: what is not among them goes. Those of the product stay.

    NotFound; BadRequest when it has not ended (its Labels task may do it then); IllegalArgument for a key that comes
    twice, an empty key or value, or a system label with another value than it has. A pair of empty texts is left out.
    """
    _change_labels(acting_user, execution_id, [pair for pair in labels if any(pair)], whole=True)


def add_labels(*, acting_user: Actor | None, execution_id: str, labels: Sequence[tuple[str, str]]) -> None:
    """Add labels to an ended execution, replacing the values of keys it has; errors as for ``set_labels``."""
    _change_labels(acting_user, execution_id, labels, whole=False)


def _change_labels(
    acting_user: Actor | None, execution_id: str, labels: Sequence[tuple[str, str]], *, whole: bool
) -> None:
    now = read_clock()
    with transaction.atomic():
        locked = hold_execution(execution_id)
        execution = locked.execution
        if not execution.state.ended:
            raise BadRequest(f"Execution has not ended, can't set its labels: it is {execution.state}")
        held = dict(reversed(execution.labels))  # the first of a key counts
        check_labels(labels, held)
        given = dict(labels)
        kept = [
            (key, given.get(key, value))
            for key, value in held_once(execution.labels)
            if not whole or key in given or key.startswith(SYSTEM_PREFIX)
        ]
        execution.labels = kept + [(key, value) for key, value in given.items() if key not in held]
        save_step(require_tenant(), locked, Decision(execution_changed=True), Extras(), now)
        removed = sorted(held.keys() - dict(execution.labels).keys())
        more: dict[str, object] = {"removed": removed} if removed else {}
        record_action(acting_user, execution, "labels", kind=UPDATE, labels=given, **more)


def check_labels(labels: Sequence[tuple[str, str]], held: dict[str, str]) -> None:
    """IllegalArgument for a label that is empty or there twice, or that only the product may set."""
    if len(labels) > len({key for key, _ in labels}):
        raise IllegalArgument("A key of the labels is there twice; keep one of them")
    for key, value in labels:
        if not key or not value:
            raise IllegalArgument(f"A label needs a key and a value; got `{key}:{value}`")
        if key.startswith(SYSTEM_PREFIX) and held.get(key) != value:
            raise IllegalArgument(f"System labels can only be set by Kestra itself, offending label: {key}={value}")


def held_once(labels: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Labels with the first of each key alone, in order."""
    seen: dict[str, str] = {}
    for key, value in labels:
        seen.setdefault(key, value)
    return list(seen.items())
