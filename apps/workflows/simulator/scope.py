"""What expressions of a simulated execution see: its rows in memory, given secrets, KV pairs and files, its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.host import Functions
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.services.render_port import StepRender
from apps.workflows.services.variables import ExpressionSource
from apps.workflows.simulator.memory import MemoryExecution


class MemorySource(ExpressionSource):
    """The variables of an execution in memory; nothing is read from a database."""

    def __init__(self, facts: ExecutionFacts, flow: LoadedFlow, memory: MemoryExecution) -> None:
        super().__init__(lambda: facts, flow, facts.id, "main", memory.runs, labels=lambda: memory.execution.labels)
        self.memory = memory

    def whole(self, task_id: str, given: tuple[str, ...], state: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for run in self.memory.runs.values():
            values = self.memory.values_of(run)
            if run.task_id != task_id or values[: len(given)] != given:
                continue
            level, rest = answer, values[len(given) :]
            for value in rest[:-1]:
                level = level.setdefault(value, {})
            if rest:
                level[rest[-1]] = {"state": run.state.value} if state else self.memory.outputs_of(run)
        return answer

    def task_ids(self) -> list[str]:
        return list(dict.fromkeys(run.task_id for run in self.memory.runs.values()))

    def _row(self, task_id: str, key: bytes) -> tuple[bool, Any, str | None]:
        for run in reversed(self.memory.runs.values()):
            if run.task_id == task_id and run.loop_key == key:
                return True, self.memory.outputs_of(run), run.state.value
        return False, None, None

    def _unit_value(self, run: RunRow) -> str | None:
        in_unit = run.ancestors and self.flow.compiled.task(run.task_id).in_unit
        return self.memory.runs[run.ancestors[-1]].value if in_unit else None

    def _parents(self, run: RunRow) -> list[dict[str, Any]]:
        answer = []
        for each in reversed(run.ancestors):
            above = self.memory.runs[each]
            entry: dict[str, Any] = {} if above.value is None else {"taskrun": {"value": above.value}}
            outputs = self.memory.outputs_of(above)
            if outputs is not None:
                entry["outputs"] = outputs
            if entry:
                answer.append(entry)
        return answer


class GivenFunctions(Functions):
    """Secrets, KV pairs and files as the test gives them; the simulation's clock."""

    def __init__(
        self,
        now: Callable[[], datetime],
        secrets: Mapping[str, str],
        pairs: Mapping[str, Any],
        files: Mapping[str, str],
    ) -> None:
        super().__init__(now=now)
        self._secrets, self._pairs, self._files = secrets, pairs, files

    def secret(
        self, key: str, namespace: str | None = None, subkey: str | None = None, error_on_missing: bool = True
    ) -> str | None:
        return self._secrets.get(key)

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        return self._pairs.get(key)

    def read(self, path: str) -> str:
        name = path if path in self._files else path.rpartition("/")[2]
        if name not in self._files:
            raise Failure(f"The simulation was given no file '{name}': put its text into `files`")
        return self._files[name]

    def file_size(self, path: str) -> int:
        return len(self.read(path).encode())


class MemoryRender(StepRender):
    """The engine's render, with the outputs of subflows from their mocks."""

    def __init__(self, source: MemorySource, functions: GivenFunctions, child: Callable[[str], dict[str, Any]]) -> None:
        super().__init__(source, lambda: functions, lambda: source.memory.execution.state)  # type: ignore[arg-type,return-value]
        self._child = child

    def child_outputs(self, run: RunRow, child_id: str) -> dict[str, Any]:
        return {"executionId": child_id} | self._child(child_id)
