"""Condition: a yes or no about a date or an execution, written inside a trigger or listener."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, SerializeAsAny

from apps.workflows.plugin_api.by_type import ByType
from apps.workflows.plugin_api.model import PluginModel


class Condition(PluginModel):
    """What all conditions share. How a kind of condition is evaluated is said by its subclasses."""

    on_schedule: ClassVar[bool] = False
    """True when it can be asked about a date alone, so that it may narrow a schedule."""

    type: str = Field(title="The kind of condition.")

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Whether it holds for an execution with these expression variables."""
        raise NotImplementedError

    def check(self) -> list[str]:
        """What is wrong beyond types, as sentences; called when a flow is saved."""
        return []


AnyCondition = Annotated[SerializeAsAny[Condition], BeforeValidator(ByType(Condition, "condition"))]
"""Any condition, told apart by its ``type``."""
