"""What a plugin says about itself to people: its title, its examples, what is old, and advice when a flow is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from apps.workflows.plugin_api.model import PluginModel

DEPRECATED: JsonDict = {"deprecated": True}
"""For ``Field(json_schema_extra=…)`` of a property that new flows should not use. Reading it stays silent."""


@dataclass(frozen=True, slots=True)
class Example:
    """A whole flow that shows a plugin at work; it is parsed by the tests."""

    title: str
    code: str


class Documented(PluginModel):
    """Mixed into a plugin that is shown in the documentation: its docstring is its text, the first line its title."""

    examples: ClassVar[tuple[Example, ...]] = ()
    deprecated: ClassVar[bool] = False
    """True for a type that new flows should not use."""


@runtime_checkable
class Advising(Protocol):
    """A task or trigger that has something to say about properties that are allowed but will not do what they say."""

    id: str

    def advise(self) -> list[str]:
        """Sentences, shown as warnings when the flow is saved."""
        ...


def is_deprecated(field: FieldInfo) -> bool:
    """True for a field marked DEPRECATED."""
    extra: Any = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("deprecated") is True
