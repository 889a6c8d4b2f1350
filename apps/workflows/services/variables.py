"""The variables of an expression, fetched only when a template names them (expressions.md §10)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from apps.namespaces.selectors import merged_variables
from apps.workflows.engine.compiled_flow import loop_key
from apps.workflows.engine.frontier import NOT_LOADED, RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.execution_store.json_text import stamp
from apps.workflows.selectors.labels import read_labels
from apps.workflows.selectors.outputs import list_outputs, ran_tasks, read_ancestors, read_outputs
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.services.encrypted_values import decrypt_values
from apps.workflows.services.stored_outputs import StoredOutputs

Overlay = Mapping[str, RunRow]
"""Task runs of the step itself, by id: what they hold wins over the database."""


class LazyMap(Mapping[str, Any]):
    """A map whose values are computed when first asked for, and then kept. A maker that raises KeyError: not there."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = makers
        self._made: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._made:
            self._made[key] = self._makers[key]()
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, key: object) -> bool:
        if key not in self._makers:
            return False
        try:
            self[str(key)]
        except KeyError:
            return False
        return True


class TaskField(Mapping[str, Any]):
    """``outputs`` or ``tasks``: a task's id gives its field at once, or, inside loops, after one key per loop."""

    def __init__(self, source: ExpressionSource, state: bool) -> None:
        self.source = source
        self.state = state

    def __getitem__(self, task_id: str) -> Any:
        known = self.source.flow.compiled.by_id.get(task_id)
        return self.source.field(task_id, (), 0 if known is None else known.depth, self.state)

    def __contains__(self, task_id: object) -> bool:
        try:
            self[str(task_id)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.source.task_ids())

    def __len__(self) -> int:
        return len(self.source.task_ids())


class LoopField(Mapping[str, Any]):
    """A task's field inside loops, after some of the loops' values were given."""

    def __init__(self, source: ExpressionSource, task_id: str, given: tuple[str, ...], depth: int, state: bool) -> None:
        self.source = source
        self.task_id = task_id
        self.given = given
        self.depth = depth
        self.state = state

    def __getitem__(self, value: str) -> Any:
        return self.source.field(self.task_id, (*self.given, str(value)), self.depth, self.state)

    def __contains__(self, value: object) -> bool:
        try:
            self[str(value)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())

    def _whole(self) -> dict[str, Any]:
        return self.source.whole(self.task_id, self.given, self.state)


class ExpressionSource:
    """Where an execution's expressions read: its facts, its flow, and the rows of its task runs.

    One object serves one step or one task run; what it has read is remembered. ``labels`` are those the step works
    with; else they are read when an expression names them.
    """

    def __init__(
        self,
        facts: Callable[[], ExecutionFacts],
        flow: LoadedFlow,
        execution_id: str,
        tenant: str,
        overlay: Overlay,
        on_secret: Callable[[str], None] = lambda value: None,
        labels: Callable[[], list[tuple[str, str]]] | None = None,
    ) -> None:
        self.facts = facts
        self.labels = labels or (lambda: read_labels(execution_id))
        self.flow = flow
        self.execution_id = execution_id
        self.tenant = tenant
        self.overlay = overlay
        self.on_secret = on_secret
        self._stored = StoredOutputs(facts)
        self._read: dict[tuple[str, bytes], tuple[bool, Any, str | None]] = {}

    def variables(self, run: RunRow | None, extra: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """All variables of the execution, and of a task run of it."""
        definition = self.flow.definition
        makers: dict[str, Callable[[], Any]] = {
            "flow": self._flow,
            "execution": self._execution,
            "inputs": self._inputs,
            "labels": lambda: nested_labels(self.labels()),
            "outputs": lambda: TaskField(self, state=False),
            "tasks": lambda: TaskField(self, state=True),
            "vars": lambda: definition.variables,
            "namespace": self._namespace,
            "envs": _environment,
            "globals": dict,
        }
        if run is not None:
            makers |= {
                "task": lambda: {"id": run.task_id, "type": self.flow.compiled.task(run.task_id).task.type},
                "taskrun": lambda: self._taskrun(run),
            }
            if run.ancestors:
                parents = LazyMap({"all": lambda: self._parents(run)})
                makers |= {"parents": lambda: parents["all"], "parent": lambda: (parents["all"] or [{}])[0]}
        trigger = self.facts().trigger
        if trigger is not None:
            makers["trigger"] = _constant(
                {"id": trigger.get("id"), "type": trigger.get("type")} | (trigger.get("variables") or {})
            )
        for key, value in {**self.facts().variables, **(extra or {})}.items():
            makers[key] = _constant(value)
        return LazyMap(makers)

    def field(self, task_id: str, given: tuple[str, ...], depth: int, state: bool) -> Any:
        """The outputs (or state) of a task's run after some loop values. KeyError when there is no such run."""
        if len(given) < depth:
            return LoopField(self, task_id, given, depth, state)
        key = b""
        for value in given:
            key = loop_key(key, value)
        found, outputs, run_state = self._row(task_id, key)
        if not found or (not state and outputs is None):
            raise KeyError(task_id)
        return {"state": run_state} if state else self._clear(outputs)

    def whole(self, task_id: str, given: tuple[str, ...], state: bool) -> dict[str, Any]:
        """Everything of a task in loops below the given values, nested by value. OverflowError when it is too much."""
        answer: dict[str, Any] = {}
        for values, outputs, run_state in list_outputs(self.execution_id, task_id):
            if tuple(values[: len(given)]) != given:
                continue
            level = answer
            rest = values[len(given) :]
            for value in rest[:-1]:
                level = level.setdefault(value, {})
            if rest:
                level[rest[-1]] = {"state": run_state} if state else self._clear(outputs)
        return answer

    def task_ids(self) -> list[str]:
        """Tasks that have a run."""
        found = ran_tasks(self.execution_id)
        return found + [run.task_id for run in self.overlay.values() if run.task_id not in found]

    def _clear(self, outputs: Any) -> Any:
        """Outputs of a row as an expression sees them: out of their file, secrets in clear."""
        return decrypt_values(self._stored.open(outputs), self.on_secret)

    def _row(self, task_id: str, key: bytes) -> tuple[bool, Any, str | None]:
        for run in self.overlay.values():
            if run.task_id == task_id and run.loop_key == key and run.outputs is not NOT_LOADED:
                return True, run.outputs, run.state.value
        if (task_id, key) not in self._read:
            self._read[task_id, key] = read_outputs(self.execution_id, task_id, key)
        return self._read[task_id, key]

    def _inputs(self) -> Any:
        inputs = self.facts().inputs
        if not inputs:
            raise KeyError("inputs")  # without inputs there is no such variable
        return decrypt_values(inputs, self.on_secret)

    def _namespace(self) -> dict[str, Any]:
        variables = merged_variables(self.facts().namespace)
        if not variables:
            raise KeyError("namespace")  # without variables there is no such variable
        return variables

    def _flow(self) -> dict[str, Any]:
        facts = self.facts()
        return {
            "id": facts.flow_id,
            "namespace": facts.namespace,
            "revision": facts.flow_revision,
            "tenantId": self.tenant,
        }

    def _execution(self) -> dict[str, Any]:
        facts = self.facts()
        held = {"id": facts.id, "startDate": stamp(facts.start_date), "originalId": facts.original_id}
        return {key: value for key, value in held.items() if value is not None}

    def _taskrun(self, run: RunRow) -> dict[str, Any]:
        held = {
            "id": run.id,
            "startDate": stamp(run.histories[0].date),
            "attemptsCount": max(len(run.attempts) - 1, 0),
            "parentId": run.parent_id,
            "value": run.value if run.value is not None else self._unit_value(run),
            "iteration": run.iteration,
        }
        return {key: value for key, value in held.items() if value is not None}

    def _unit_value(self, run: RunRow) -> str | None:
        """A child of a WorkingDirectory sees the loop value of the unit."""
        if not run.ancestors or not self.flow.compiled.task(run.task_id).in_unit:
            return None
        return next((value for _, _, value, _ in read_ancestors(run.ancestors[-1:])), None)

    def _parents(self, run: RunRow) -> list[dict[str, Any]]:
        known = {held.id: held for held in self.overlay.values() if held.outputs is not NOT_LOADED}
        answer = []
        for run_id, _task_id, value, outputs in read_ancestors(run.ancestors):
            if run_id in known:
                outputs = known[run_id].outputs
            entry: dict[str, Any] = {}
            if value is not None:
                entry["taskrun"] = {"value": value}
            if outputs is not None:
                entry["outputs"] = self._clear(outputs)
            if entry:
                answer.append(entry)
        return answer


def nested_labels(labels: list[tuple[str, str]]) -> dict[str, Any]:
    """Labels as a map; the first of a key wins; ``system.x`` nests under ``system``."""
    answer: dict[str, Any] = {}
    for key, value in labels:
        if key.startswith("system."):
            system = answer.setdefault("system", {})
            if isinstance(system, dict):
                system.setdefault(key.removeprefix("system."), value)
        answer.setdefault(key, value)
    return answer


@cache
def _environment() -> dict[str, str]:
    """``envs``: variables of this process that start with KESTRA_; the product's own settings never show."""
    return {
        name.removeprefix("KESTRA_").lower(): value
        for name, value in os.environ.items()
        if name.startswith("KESTRA_") and not name.startswith("KESTRA_EE_")
    }


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value
