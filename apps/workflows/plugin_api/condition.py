"""Condition: a yes or no about a date or an execution, written inside a trigger or listener."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, SerializeAsAny

from apps.workflows.plugin_api.by_type import ByType
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.state import State

if TYPE_CHECKING:
    from apps.workflows.plugin_api.run_context import Renderer


@dataclass(frozen=True, slots=True)
class AskedExecution:
    """The execution that a condition is asked about. ``attempts`` gives the states of the tries of each task run."""

    execution_id: str
    namespace: str
    flow_id: str
    state: State
    labels: Sequence[tuple[str, str]] = ()
    attempts: Callable[[], Iterable[Sequence[State]]] = tuple


@dataclass(frozen=True, slots=True)
class Asked:
    """What a condition is asked about: expressions, the flow that would start, and the execution behind it, if any.

    ``variables`` are those of ``renderer``.
    """

    renderer: Renderer
    variables: Mapping[str, Any]
    namespace: str
    flow_id: str
    execution: AskedExecution | None = None

    def source(self) -> AskedExecution:
        """The execution. LookupError when there is none, as for a schedule."""
        if self.execution is None:
            raise LookupError("this condition asks about an execution, and here is none")
        return self.execution


class Condition(PluginModel):
    """What all conditions share. How a kind of condition is evaluated is said by its subclasses."""

    on_schedule: ClassVar[bool] = False
    """True when it can be asked about a date alone, so that it may narrow a schedule."""

    type: str = Field(title="The kind of condition.")

    def holds(self, asked: Asked) -> bool:
        """Whether it holds. ExpressionError, ValueError or LookupError when it cannot be told."""
        raise NotImplementedError

    def seen(self, asked: Asked) -> str:
        """The value it looked at, to be shown beside the answer; raises what ``holds`` raises."""
        return ""

    def parts(self) -> Sequence[Condition]:
        """The conditions it is made of."""
        return ()

    def excludes(self, namespace: str, flow_id: str) -> bool:
        """True when no execution of that flow can ever meet it; seen without evaluating anything."""
        return False

    def check(self) -> list[str]:
        """What is wrong beyond types, as sentences; called when a flow is saved."""
        return []


AnyCondition = Annotated[SerializeAsAny[Condition], BeforeValidator(ByType(Condition, "condition"))]
"""Any condition, told apart by its ``type``."""
