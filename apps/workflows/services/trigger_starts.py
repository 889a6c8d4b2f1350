"""The execution that a trigger starts: its labels, its inputs, its row; once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.common.errors import Invalid
from apps.workflows.engine.frontier import Change
from apps.workflows.execution_store.create import CORRELATION, NewExecution
from apps.workflows.execution_store.failed import insert_failed
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import TriggerState
from apps.workflows.plugin_api.inputs import InputType
from apps.workflows.plugin_api.labels import SYSTEM_PREFIX
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.trigger import Trigger
from apps.workflows.selectors.flow_sources import FlowSource, find_source, newest_sources
from apps.workflows.services.definitions import LoadedFlow, load_flow
from apps.workflows.services.new_executions import merged_labels, read_flow_inputs, store_execution
from apps.workflows.services.state_news import tell_failed_start
from apps.workflows.services.trigger_scope import TriggerScope, flow_labels


@dataclass(frozen=True, slots=True)
class TriggeredFlow:
    """A flow at its newest revision, and one of its triggers."""

    source: FlowSource
    flow: LoadedFlow
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class TriggerStart:
    """What an execution begins with. ``given`` are rendered inputs, ``labels`` those beside the flow's."""

    execution_id: str
    variables: dict[str, Any]
    given: Mapping[str, Any] = field(default_factory=dict)
    labels: Sequence[tuple[str, str]] = ()
    schedule_date: datetime | None = None
    top_level: dict[str, Any] | None = None


def find_triggered(namespace: str, flow_id: str, trigger_id: str) -> TriggeredFlow | None:
    """The trigger in the newest revision; None when there is no such flow or trigger. InvalidFlow."""
    source = find_source(namespace, flow_id)
    return None if source is None else triggered_by(source, trigger_id)


def triggered_by(source: FlowSource, trigger_id: str) -> TriggeredFlow | None:
    """The trigger in this revision; None when it has none of that name, or is deleted. InvalidFlow."""
    if source.deleted:
        return None
    flow = load_flow(source.flow_ref, source.revision)
    trigger = next((one for one in flow.definition.triggers if one.id == trigger_id), None)
    return None if trigger is None else TriggeredFlow(source, flow, trigger)


def written_triggers(rows: Sequence[TriggerState]) -> dict[int, Trigger]:
    """The triggers of rows as they are written, by number of the row; those that cannot be read are left out.

    One query, and parsing what this process has not read yet.
    """
    sources = newest_sources([row.flow_ref for row in rows])
    found: dict[int, Trigger] = {}
    for row in rows:
        source = sources.get(row.flow_ref)
        try:
            of = None if source is None else triggered_by(source, row.trigger_id)
        except InvalidFlow:
            continue  # the flow's own page says what is wrong
        if of is not None:
            found[row.pk] = of.trigger
    return found


def start_triggered(of: TriggeredFlow, start: TriggerStart, now: datetime) -> bool:
    """Insert the execution with its timers, in the caller's transaction. False: it is there already."""
    return store_execution(new_triggered(of, start), of.flow.definition, now)


def store_failed(of: TriggeredFlow, start: TriggerStart, message: str, now: datetime) -> bool:
    """Insert an execution that has failed before it began: what was wrong stands where people look for it."""
    new = new_triggered(of, start, State.FAILED, [Change(State.CREATED, now), Change(State.FAILED, now)])
    if not insert_failed(new, message, now):
        return False
    tell_failed_start(new.id, 1, now)
    return True


def trigger_inputs(of: TriggeredFlow, execution_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of an execution that a trigger starts: typed, with the flow's defaults.

    They are not validated: what does not fit its declaration is kept as it was given, what is missing stays away. But
    for a SECRET, which is never kept in clear.
    """
    definition = of.flow.definition
    try:
        return read_flow_inputs(definition, execution_id, given, {})
    except Invalid as error:
        unfit = {problem.path for problem in error.problems}
    fitting = [one for one in definition.inputs if one.id not in unfit]
    try:
        values = read_flow_inputs(definition.model_copy(update={"inputs": fitting}), execution_id, given, {})
    except Invalid:
        # What depends on an unfit one does not fit either.
        fitting, values = [], {}
    kept = {one.id for one in fitting} | {one.id for one in definition.inputs if one.type is InputType.SECRET}
    return values | {key: value for key, value in given.items() if key not in kept}


def trigger_labels(of: TriggeredFlow, scope: TriggerScope) -> list[tuple[str, str]]:
    """The trigger's labels, rendered. Raises what rendering raises."""
    rendered = [(label.key, scope.render(label.value)) for label in of.trigger.labels]
    return [(key, value) for key, value in rendered if value and not key.startswith(SYSTEM_PREFIX)]


def new_triggered(
    of: TriggeredFlow,
    start: TriggerStart,
    state: State = State.CREATED,
    histories: Sequence[Change] | None = None,
) -> NewExecution:
    """The execution that a trigger starts, not yet stored."""
    labels = merged_labels(flow_labels(of.flow), start.labels)
    if not any(key == CORRELATION for key, _ in labels):
        labels.append((CORRELATION, start.execution_id))
    failed = state is State.FAILED
    return NewExecution(
        id=start.execution_id,
        namespace=of.source.namespace,
        flow_id=of.source.flow_id,
        flow_revision=of.source.revision,
        flow_ref=of.source.flow_ref,
        labels=labels,
        inputs=None if failed else trigger_inputs(of, start.execution_id, start.given),
        variables=start.top_level,
        trigger={"id": of.trigger.id, "type": of.trigger.type, "variables": start.variables},
        original_id=start.execution_id,
        schedule_date=start.schedule_date,
        state=state,
        histories=histories,
    )
