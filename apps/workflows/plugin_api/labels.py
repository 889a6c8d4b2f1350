"""Labels: pairs of texts, written as a map or as a list of ``key``/``value``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from apps.workflows.plugin_api.model import PluginModel

SYSTEM_PREFIX = "system."
READ_ONLY = "system.readOnly"
"""The one system label a flow may carry."""


def _text(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return value


class Label(PluginModel):
    """One label."""

    key: Annotated[str, Field(min_length=1)]
    value: Annotated[str, BeforeValidator(_text)]


def _as_list(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return [{"key": str(key), "value": _scalar(str(key), item)} for key, item in value.items()]


def _scalar(key: str, value: Any) -> Any:
    if value is None or isinstance(value, Mapping | list):
        raise PydanticCustomError("label_value", "Unsupported type for key: {key}", {"key": key})
    return value


def forbidden_labels(labels: Iterable[Label], allowed: frozenset[str] = frozenset()) -> list[tuple[int, str]]:
    """Number and sentence for each system label that a person may not set."""
    return [
        (number, f"System labels can only be set by Kestra itself, offending label: {label.key}={label.value}")
        for number, label in enumerate(labels)
        if label.key.startswith(SYSTEM_PREFIX) and label.key not in allowed
    ]


def _refuse_system(allowed: frozenset[str]) -> AfterValidator:
    def check(labels: list[Label]) -> list[Label]:
        if problems := forbidden_labels(labels, allowed):
            text = ", ".join(sentence for _, sentence in problems)
            raise PydanticCustomError("system_labels", "{text}", {"text": text, "problems": problems})
        return labels

    return AfterValidator(check)


Labels = Annotated[list[Label], BeforeValidator(_as_list), _refuse_system(frozenset())]
"""Labels of anything inside a flow: no ``system.`` key."""
FlowLabels = Annotated[list[Label], BeforeValidator(_as_list), _refuse_system(frozenset({READ_ONLY}))]
"""Labels of the flow itself."""
