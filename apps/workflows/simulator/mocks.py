"""Mocks: what stands for the work of a task in a simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apps.workflows.plugin_api.state import State


@dataclass(frozen=True, slots=True)
class Mock:
    """How one try of a task ends: in which state, after how long, with which outputs."""

    outputs: Mapping[str, Any] = field(default_factory=dict)
    state: State = State.SUCCESS
    takes: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Call:
    """What a mock that is a function is asked with. ``attempt`` counts from 0, ``value`` is that of the loop."""

    task_id: str
    value: str | None
    attempt: int
    render: Callable[[str], Any]
    """Renders an expression with the variables the task sees."""
    folder: str
    """Address of the task's files."""

    def file(self, name: str) -> str:
        """An address for an output of the task; expressions read the text that ``files`` has under the name."""
        return f"{self.folder}/{name}"


Answer = Mock | Mapping[str, Any]
AnyMock = Answer | Sequence[Answer] | Callable[[Call], Answer]
"""A mock; outputs alone, of a success; one of these for each try, the last for all later ones; or a function."""


def answer_of(mock: AnyMock, call: Call) -> Mock:
    """What a mock says to a try. ValueError for an empty list, TypeError for what is no mock."""
    answer: Any = mock
    if callable(answer) and not isinstance(answer, Mock | Mapping):
        answer = answer(call)
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        if not answer:
            raise ValueError(f"The mock of task `{call.task_id}` is an empty list; give one answer at least")
        answer = answer[min(call.attempt, len(answer) - 1)]
    if isinstance(answer, Mock):
        return answer
    if isinstance(answer, Mapping):
        return Mock(answer)
    raise TypeError(f"The mock of task `{call.task_id}` is {answer!r}; give outputs, a Mock, a list or a function")
