"""Preconditions: which executions of other flows must have come to which end, within a window of time."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.labels import Labels
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.time_window import Gathered, TimeWindow

PreconditionId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$", min_length=1)]


class UpstreamFlow(PluginModel):
    """A flow that must have been executed."""

    namespace: str = Field(min_length=1, title="Its namespace.")
    flow_id: str | None = Field(default=None, title="Its id; any flow of the namespace when not given.")
    states: list[State] | None = Field(default=None, title="The states of the execution that count.")
    labels: Labels = Field(default_factory=list, title="Labels the execution must have.")


class Field_(StrEnum):  # noqa: N801 - `Field` is taken
    """What a filter looks at."""

    FLOW_ID = "FLOW_ID"
    NAMESPACE = "NAMESPACE"
    STATE = "STATE"
    EXPRESSION = "EXPRESSION"


class FilterType(StrEnum):
    """How a filter compares."""

    EQUAL_TO = "EQUAL_TO"
    NOT_EQUAL_TO = "NOT_EQUAL_TO"
    IN = "IN"
    NOT_IN = "NOT_IN"
    IS_TRUE = "IS_TRUE"
    IS_FALSE = "IS_FALSE"
    IS_NULL = "IS_NULL"
    IS_NOT_NULL = "IS_NOT_NULL"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    REGEX = "REGEX"
    CONTAINS = "CONTAINS"


_LISTS: Final = frozenset({FilterType.IN, FilterType.NOT_IN})
_TESTS: Final[dict[FilterType, Callable[[str, str], bool]]] = {
    FilterType.EQUAL_TO: lambda found, wanted: found == wanted,
    FilterType.NOT_EQUAL_TO: lambda found, wanted: found != wanted,
    FilterType.STARTS_WITH: str.startswith,
    FilterType.ENDS_WITH: str.endswith,
    FilterType.REGEX: lambda found, wanted: re.fullmatch(wanted, found) is not None,
    FilterType.CONTAINS: lambda found, wanted: wanted in found,
    FilterType.IS_TRUE: lambda found, _: found.strip().lower() == "true",
    FilterType.IS_FALSE: lambda found, _: found.strip().lower() == "false",
    FilterType.IS_NULL: lambda found, _: found == "",
    FilterType.IS_NOT_NULL: lambda found, _: found != "",
}


class Filter(PluginModel):
    """One comparison about an execution."""

    field: Field_ = Field(title="What is compared; with EXPRESSION the rendered `value` itself is tested.")
    type: FilterType = Field(title="How it is compared.")
    value: str | None = Field(default=None, title="What it is compared with; rendered for EXPRESSION.")
    values: list[str] | None = Field(default=None, title="What it is compared with, for IN and NOT_IN.")

    def check(self) -> list[str]:
        """What is missing or too much for the type."""
        found = []
        if self.type in _LISTS:
            if self.values is None:
                found.append(f"`values` cannot be null for type {self.type}")
            if self.value is not None and self.field is not Field_.EXPRESSION:
                found.append(f"`value` must be null for type {self.type}")
        else:
            if self.value is None:
                found.append(f"`value` cannot be null for type {self.type}")
            if self.values is not None:
                found.append(f"`values` must be null for type {self.type}")
        if self.type is FilterType.REGEX and self.field is not Field_.EXPRESSION:
            try:
                re.compile(self.value or "")
            except re.error as error:
                found.append(f"`value` is no regular expression: {error}")
        return found

    def holds(self, asked: Asked) -> bool:
        """Whether the execution meets it."""
        return self._compare(self.subject(asked))

    def subject(self, asked: Asked) -> str:
        """What is compared."""
        source = asked.source()
        match self.field:
            case Field_.FLOW_ID:
                return source.flow_id
            case Field_.NAMESPACE:
                return source.namespace
            case Field_.STATE:
                return source.state.value
        return asked.renderer.render(self.value or "")

    def excludes(self, namespace: str, flow_id: str) -> bool:
        """True when no execution of that flow can meet it."""
        match self.field:
            case Field_.FLOW_ID:
                return not self._compare(flow_id)
            case Field_.NAMESPACE:
                return not self._compare(namespace)
        return False

    def _compare(self, found: str) -> bool:
        if self.type in _LISTS:
            return (found in (self.values or [])) is (self.type is FilterType.IN)
        return _TESTS[self.type](found, self.value or "")


class Operand(StrEnum):
    """Whether all or one of the filters must be met."""

    AND = "AND"
    OR = "OR"


class Where(PluginModel):
    """Comparisons that one execution must meet."""

    id: str = Field(min_length=1, title="Name of the comparisons.")
    operand: Operand = Field(default=Operand.AND, title="Whether all or one of the filters must be met.")
    filters: list[Filter] = Field(min_length=1, title="The filters.")


class Preconditions(PluginModel):
    """What must have happened, by several executions, within a window of time."""

    id: PreconditionId = Field(title="Name of the preconditions, unique in the flow.")
    time_window: TimeWindow | None = Field(
        default=None, title="The span of time within which all must hold; the day when not given."
    )
    reset_on_success: bool = Field(default=True, title="Whether gathering begins anew when the flow was started.")
    flows: list[UpstreamFlow] = Field(default_factory=list, title="Flows that must have been executed.")
    where: list[Where] = Field(default_factory=list, title="Comparisons that executions must meet.")

    def check(self) -> list[str]:
        """What is wrong beyond types."""
        found = [] if self.time_window is None else self.time_window.check()
        for where in self.where:
            found += [f"{where.id}: {problem}" for one in where.filters for problem in one.check()]
        names = [where.id for where in self.where]
        found += [f"Duplicate `where` with id [{name}]" for name in sorted({n for n in names if names.count(n) > 1})]
        return found

    def gathered(self) -> Gathered:
        """Each flow and each ``where`` is one condition."""
        conditions: dict[str, Condition] = {
            f"flow_{number}": FlowEnded(type="flows", flow=flow) for number, flow in enumerate(self.flows)
        }
        conditions |= {f"condition_{where.id}": Compared(type="where", where=where) for where in self.where}
        return Gathered(self.id, conditions, self.time_window or TimeWindow(), self.reset_on_success)


class FlowEnded(Condition):
    """Whether an execution is one of a listed flow."""

    flow: UpstreamFlow

    def holds(self, asked: Asked) -> bool:
        source = asked.source()
        if self.excludes(source.namespace, source.flow_id):
            return False
        if self.flow.states is not None and source.state not in self.flow.states:
            return False
        return {(label.key, label.value) for label in self.flow.labels} <= set(source.labels)

    def seen(self, asked: Asked) -> str:
        source = asked.source()
        return f"{source.namespace}.{source.flow_id} {source.state}"

    def excludes(self, namespace: str, flow_id: str) -> bool:
        return namespace != self.flow.namespace or self.flow.flow_id not in (None, flow_id)


class Compared(Condition):
    """Whether an execution meets the filters of a ``where``."""

    where: Where

    def holds(self, asked: Asked) -> bool:
        return self._join(one.holds(asked) for one in self.where.filters)

    def seen(self, asked: Asked) -> str:
        return ", ".join(f"{one.field} {one.subject(asked)}" for one in self.where.filters)

    def excludes(self, namespace: str, flow_id: str) -> bool:
        answers = [one.excludes(namespace, flow_id) for one in self.where.filters]
        return all(answers) if self.where.operand is Operand.OR else any(answers)

    def _join(self, answers: Any) -> bool:
        return any(answers) if self.where.operand is Operand.OR else all(answers)
