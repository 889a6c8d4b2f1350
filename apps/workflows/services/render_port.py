"""The engine's render: expressions with the variables of an execution, for the decisions of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from apps.common.clock import now as read_clock
from apps.storage.internal_storage import execution_address, open_storage, task_file_address
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.execution_store.attempts import list_attempts
from apps.workflows.execution_store.claims import read_facts
from apps.workflows.execution_store.json_text import clean
from apps.workflows.expressions.environment import is_truthy, render_tree, render_typed
from apps.workflows.expressions.errors import ExpressionError, Failure
from apps.workflows.plugin_api.condition import Asked, AskedExecution
from apps.workflows.plugin_api.inputs import InputType, InvalidOutput
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import ExecutableTask, FlowCall
from apps.workflows.selectors.outputs import read_end
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.encrypted_values import encrypted_value
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.masking import masked_outputs
from apps.workflows.services.stored_outputs import open_flow_outputs, stored_if_large
from apps.workflows.services.variables import ExpressionSource


class StepRender:
    """Render for one step. A text without an expression costs nothing."""

    def __init__(
        self,
        source: ExpressionSource,
        functions: Callable[[], StoreFunctions],
        state: Callable[[], State],
        secrets: Set[str] = frozenset(),
    ) -> None:
        """``secrets`` are those that ``functions`` have read so far."""
        self.source = source
        self.secrets = secrets
        self._functions = functions
        self._state = state

    def __call__(self, template: Any, run: RunRow | None) -> Any:
        """A text rendered to text; a tree rendered through."""
        if isinstance(template, str) and "{" not in template:
            return template
        return self._guard(lambda: render_tree(template, self.source.variables(run), self._functions()))

    def condition(self, template: str, run: RunRow | None) -> bool:
        """The truth of a rendered text."""
        return is_truthy(self(template, run))

    def duration(self, template: Any, run: RunRow | None) -> float:
        """Seconds of a Property[Duration] or of a duration."""
        if isinstance(template, timedelta):
            return template.total_seconds()
        if isinstance(template, Property):
            held: Property[timedelta] = template

            def value() -> timedelta:
                return held.value(_RunRenderer(self, run))

            return float(self._guard(value).total_seconds())
        raise TypeError(f"{template!r} is no duration")

    def flow_outputs(self) -> dict[str, Any]:
        """The flow's outputs, typed; what is too large for the row lies in a file, which a step made anew replaces."""
        answer: dict[str, Any] = {}
        variables = self.source.variables(None)
        for output in self.source.flow.definition.outputs:

            def value(output: Any = output) -> Any:
                raw = output.value
                found = (
                    render_typed(raw, variables, self._functions())
                    if isinstance(raw, str)
                    else render_tree(raw, variables, self._functions())
                )
                parsed = output.parse(found)
                return encrypted_value(parsed) if output.type is InputType.SECRET and parsed is not None else parsed

            answer[output.id] = self._guard(value)

        def keep() -> dict[str, Any]:
            facts = self.source.facts()
            folder = execution_address(facts.namespace, facts.flow_id, facts.id)
            return self._kept(answer, f"{folder}/outputs/flow.json")

        return dict(self._guard(keep)) if answer else answer

    def listener(self, index: int) -> bool:
        """Whether all conditions of a listener hold for the ended execution."""
        facts = self.source.facts()
        asked = Asked(
            _RunRenderer(self, None),
            self.source.variables(None),
            facts.namespace,
            facts.flow_id,
            AskedExecution(
                facts.id,
                facts.namespace,
                facts.flow_id,
                self._state(),
                self.source.labels(),
                lambda: list_attempts(facts.id),
            ),
        )
        return all(condition.holds(asked) for condition in self.source.flow.definition.listeners[index].conditions)

    def child_outputs(self, run: RunRow, child_id: str) -> dict[str, Any]:
        """``executionId`` of the execution a task run started, and ``state`` and ``outputs`` if it waited for it."""
        task = self.source.flow.compiled.task(run.task_id).task
        if not isinstance(task, ExecutableTask):
            raise TypeError(f"Task {run.task_id} starts no executions")
        outputs: dict[str, Any] = {"executionId": child_id}
        if not task.wait:
            return outputs
        child, facts = read_end(child_id), self.source.facts()
        if child is None:
            raise RenderFailed(f"The execution {child_id} that the task started is no longer there", outputs)
        outputs["state"] = child.state
        try:
            given = self._guard(lambda: self._from_child(child_id, task.call()))
            if given is None:
                given = self._guard(lambda: open_flow_outputs(child_id, child.outputs)) or {}
            address = task_file_address(
                facts.namespace, facts.flow_id, facts.id, run.task_id, run.id, f"outputs/{child_id}.json"
            )
            return dict(self._guard(lambda: self._kept(outputs | {"outputs": given}, address)))
        except RenderFailed as error:
            raise RenderFailed(str(error), outputs) from error

    def _kept(self, outputs: dict[str, Any], address: str) -> dict[str, Any]:
        """Outputs as a row holds them, without secrets. ValueError when they are too large for a file too."""

        def put(content: bytes) -> str:
            open_storage().put(address, content)
            return address

        shown = masked_outputs(clean(outputs), self.secrets)
        if not isinstance(shown, dict):
            raise TypeError("Outputs must be a map")
        try:
            return stored_if_large(shown, put)
        except ValueError as error:
            raise ValueError(f"The outputs could not be kept: {error}") from error

    def _from_child(self, child_id: str, call: FlowCall) -> Any:
        """The task's own ``outputs``, rendered as an expression of the child's; None when its flow declares some."""
        if not call.outputs:
            return None
        facts = read_facts(child_id)
        if facts is None:
            raise LookupError(f"The execution {child_id} that the task started is no longer there")
        flow = load_flow(facts.flow_ref, facts.flow_revision, facts.id)
        if flow.definition.outputs:
            return None
        source = ExpressionSource(lambda: facts, flow, child_id, self.source.tenant, {})
        functions = StoreFunctions(facts, now=read_clock)
        return render_tree(call.outputs, source.variables(None), functions)

    def batch_outputs(self, run: RunRow, iterations: Mapping[str, int]) -> dict[str, Any]:
        """What a task run that started an execution per batch tells of them, and the folder of what these gave."""
        facts = self.source.facts()
        file = task_file_address(facts.namespace, facts.flow_id, facts.id, run.task_id, run.id, "outputs.ion")
        return {
            "numberOfBatches": sum(iterations.values()),
            "iterations": dict(iterations),
            "subflowOutputsBaseUri": file.removeprefix("kestra://").removesuffix("/outputs.ion"),
        }

    def _guard(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (ExpressionError, Failure) as error:
            raise RenderFailed(str(error)) from error
        except (ValidationError, InvalidOutput, OverflowError, LookupError, ValueError) as error:
            raise RenderFailed(str(error)) from error


class _RunRenderer:
    """The Renderer that a Property asks, for one task run."""

    def __init__(self, port: StepRender, run: RunRow | None) -> None:
        self._port = port
        self._run = run

    def render(self, template: str) -> str:
        return str(self._port(template, self._run))

    def render_typed(self, template: str) -> Any:
        return render_typed(template, self._port.source.variables(self._run), self._port._functions())

    def render_tree(self, value: Any) -> Any:
        return self._port(value, self._run)
