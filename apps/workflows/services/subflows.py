"""Executions that task runs start: created for a waiting (or not waiting) run, and killed with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.db import transaction

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import Invalid
from apps.isolation.selectors import denials
from apps.workflows.engine.events import KillRequested, StartAccepted, StartRefused
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.children import open_children
from apps.workflows.execution_store.claims import ExecutionFacts, read_facts
from apps.workflows.execution_store.create import CORRELATION, NewExecution
from apps.workflows.execution_store.load import execution_exists, read_run
from apps.workflows.execution_store.save import LogRow, insert_logs
from apps.workflows.expressions.environment import Functions, render, render_tree, render_typed
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.labels import SYSTEM_PREFIX
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import ExecutableTask, FlowCall, Level
from apps.workflows.selectors.flow_sources import FlowSource, find_source
from apps.workflows.services.advance import advance_execution
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.namespace_access import NamespaceNotAllowed, check_namespace
from apps.workflows.services.new_executions import merged_labels, read_flow_inputs, store_execution
from apps.workflows.services.quotas import refusal_of_execution
from apps.workflows.services.variables import ExpressionSource

log = structlog.get_logger(__name__)

KILLED_AT_ONCE: Final = 200
"""Children looked up with one query."""


class CannotStart(ValueError):
    """The execution cannot be created; the message is for the log of the task run."""


@dataclass(frozen=True, slots=True)
class _Renderer:
    """Expressions of the task run that asks. The Renderer of a Property."""

    variables: Mapping[str, Any]
    functions: Functions

    def render(self, template: str) -> str:
        return render(template, self.variables, self.functions)

    def render_typed(self, template: str) -> Any:
        return render_typed(template, self.variables, self.functions)

    def render_tree(self, value: Any) -> Any:
        return render_tree(value, self.variables, self.functions)


def create_child(execution_id: str, run_id: str, *, child_id: str, token: str, batch: int | None) -> None:
    """Create the execution that a task run asked for, and tell the run if it wants to know.

    May come twice: the id is derived. Nothing for a run that is gone, has ended, or asked as another try.
    BackendDenied, with nothing done, when its inputs need a backend that this process may not reach.
    """
    run = read_run(execution_id, run_id)
    facts = read_facts(execution_id)
    if run is None or facts is None or run.state is not State.RUNNING or run.token != token:
        return
    task = load_flow(facts.flow_ref, facts.flow_revision, facts.id).compiled.task(run.task_id).task
    if not isinstance(task, ExecutableTask):
        raise TypeError(f"Task run {run_id} of {run.task_id} asked for an execution, but starts none")
    if not execution_exists(child_id):
        try:
            with denials() as denied:
                if refusal := refusal_of_execution(read_clock()):
                    raise CannotStart(refusal)
                new, definition = _plan(facts, run, task, child_id, batch)
        except CannotStart as error:
            if denied:
                # The reason is this process alone: one that may reach the backend plans it.
                raise denied[0] from error
            advance_execution(execution_id, StartRefused(run_id, token, str(error)))
            return
        _store(facts, run, new, definition)
    if not task.wait:
        advance_execution(execution_id, StartAccepted(run_id, token))


def kill_children_of(run_id: str) -> None:
    """Kill the executions that a task run started and that have not ended. Each is a step of its own."""
    while children := open_children(run_id, KILLED_AT_ONCE):
        for child_id in children:
            advance_execution(child_id, KillRequested())
        if len(children) < KILLED_AT_ONCE:
            return


def _plan(
    facts: ExecutionFacts, run: RunRow, task: ExecutableTask, child_id: str, batch: int | None
) -> tuple[NewExecution, FlowDefinition]:
    """The new execution and its flow. CannotStart."""
    call = task.call()
    try:
        renderer = _renderer(facts, run, task, batch)
        source, definition = _flow(renderer, call, facts.namespace)
        inputs = read_flow_inputs(definition, child_id, _map(renderer.render_tree(call.inputs), "inputs"), {})
        labels = _labels(facts, definition, call, _label_pairs(renderer.render_tree(call.labels)))
        schedule_date = _date(call.schedule_date, renderer)
    except Invalid as error:
        raise CannotStart(f"Invalid inputs of flow {call.namespace}.{call.flow_id}: {error.message}") from error
    except (ExpressionError, ValueError, LookupError, OverflowError) as error:
        raise CannotStart(str(error)) from error
    trigger = {
        "id": run.task_id,
        "type": task.type,
        "variables": {
            "executionId": facts.id,
            "namespace": facts.namespace,
            "flowId": facts.flow_id,
            "flowRevision": facts.flow_revision,
        },
    }
    new = NewExecution(
        id=child_id,
        namespace=source.namespace,
        flow_id=source.flow_id,
        flow_revision=source.revision,
        flow_ref=source.flow_ref,
        labels=labels,
        inputs=inputs,
        trigger=trigger,
        original_id=child_id,
        schedule_date=schedule_date,
        parent_execution_id=facts.id,
        parent_run_id=run.id,
        parent_token=run.token,
        batch=batch,
    )
    return new, definition


def _store(facts: ExecutionFacts, run: RunRow, new: NewExecution, definition: FlowDefinition) -> None:
    now = read_clock()
    link = f'[[link execution="{new.id}" flowId="{new.flow_id}" namespace="{new.namespace}"]]'
    line = LogRow(run.id, len(run.attempts), Level.INFO, now, f"Created new execution {link}")
    with transaction.atomic():
        if store_execution(new, definition, now):
            insert_logs(facts.id, facts.flow_ref, [line])


def _renderer(facts: ExecutionFacts, run: RunRow, task: ExecutableTask, batch: int | None) -> _Renderer:
    flow = load_flow(facts.flow_ref, facts.flow_revision, facts.id)
    source = ExpressionSource(lambda: facts, flow, facts.id, require_tenant(), {})
    functions = StoreFunctions(facts, now=read_clock)
    plain = _Renderer(source.variables(run), functions)
    if batch is None:
        return plain
    items = {"items": plain.render_tree(task.items(batch)), "iteration": batch + 1}
    return _Renderer(source.variables(run, {"taskrun": {**plain.variables["taskrun"], **items}}), functions)


def _flow(renderer: _Renderer, call: FlowCall, used_by: str) -> tuple[FlowSource, FlowDefinition]:
    namespace, flow_id = renderer.render(call.namespace), renderer.render(call.flow_id)
    try:
        check_namespace(namespace, used_by=used_by)
    except NamespaceNotAllowed as error:
        raise CannotStart(str(error)) from error
    source = find_source(namespace, flow_id, call.revision)
    if source is None or source.deleted:
        at = "" if call.revision is None else f" with revision '{call.revision}'"
        raise CannotStart(f"Unable to find flow '{namespace}'.'{flow_id}'{at}")
    if source.disabled:
        raise CannotStart(f"Cannot execute a flow which is disabled: '{namespace}'.'{flow_id}'")
    try:
        return source, load_flow(source.flow_ref, source.revision).definition
    except InvalidFlow as error:
        raise CannotStart(f"Cannot execute an invalid flow: {error}") from error


def _labels(
    facts: ExecutionFacts, definition: FlowDefinition, call: FlowCall, given: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The flow's labels, the parent's as far as they are passed on, the task's; the later win."""
    own = [(label.key, label.value) for label in definition.labels if not label.key.startswith(SYSTEM_PREFIX)]
    passed = dict(reversed([pair for pair in facts.labels if call.inherit_labels or pair[0].startswith(SYSTEM_PREFIX)]))
    return merged_labels(own, [(CORRELATION, facts.id)], passed.items(), given)


def _label_pairs(rendered: Any) -> list[tuple[str, str]]:
    if rendered is None:
        return []
    pairs = (
        list(rendered.items()) if isinstance(rendered, Mapping) else [(one["key"], one["value"]) for one in rendered]
    )
    for key, value in pairs:
        if value is None:
            raise CannotStart(f"The label `{key}` has no value")
        if str(key).startswith(SYSTEM_PREFIX):
            raise CannotStart(f"System labels can only be set by Kestra itself, offending label: {key}={value}")
    return [(str(key), str(value)) for key, value in pairs]


def _map(rendered: Any, name: str) -> Mapping[str, Any]:
    if rendered is None:
        return {}
    if not isinstance(rendered, Mapping):
        raise CannotStart(f"`{name}` must be a map of values by input id, not {type(rendered).__name__}")
    return rendered


def _date(written: Any, renderer: _Renderer) -> datetime | None:
    if written is None:
        return None
    found = written.value(renderer) if isinstance(written, Property) else renderer.render(str(written))
    moment = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
