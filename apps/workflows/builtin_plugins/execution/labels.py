"""Labels: adds labels to the execution it runs in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.labels import SYSTEM_PREFIX
from apps.workflows.plugin_api.task import LabelTask


class Labels(LabelTask, Documented):
    """Add labels to the execution, or change them.

    A label that is there already gets the new value. Labels that begin with `system.` cannot be set.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Mark the execution with what it works on.",
            """
id: mark
namespace: company.team
inputs:
  - id: customer
    type: STRING
    defaults: acme
tasks:
  - id: mark
    type: io.kestra.plugin.core.execution.Labels
    labels:
      customer: "{{ inputs.customer }}"
""",
        ),
    )

    labels: dict[str, Any] | list[Any] | str = Field(
        title="A map, a list of `key` and `value`, or the JSON of one; rendered."
    )

    def template(self) -> Any:
        return self.labels

    def labels_from(self, rendered: Any) -> dict[str, str]:
        found = {str(key): _text(str(key), value) for key, value in _pairs(rendered)}
        for key, value in found.items():
            if key.startswith(SYSTEM_PREFIX):
                raise TaskFailed(f"System labels can only be set by Kestra itself, offending label: {key}={value}")
            if not key or not value:
                raise TaskFailed(f"A label needs a key and a value, but got `{key}`: `{value}`")
        return found


def _pairs(rendered: Any) -> Iterable[tuple[Any, Any]]:
    match rendered:
        case str():
            return _pairs(_parsed(rendered))
        case Mapping():
            return rendered.items()
        case list():
            return [_pair(item) for item in rendered]
    raise TaskFailed(f"Unknown value type: {type(rendered).__name__}")


def _parsed(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaskFailed(f"`labels` is a text, so it must be the JSON of a map: {error}") from error
    if not isinstance(found, Mapping | list):
        raise TaskFailed(f"`labels` is the text `{text}`, but must be the JSON of a map")
    return found


def _pair(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, Mapping):
        raise TaskFailed(f"Unknown value type: {type(item).__name__}")
    if set(item) != {"key", "value"}:
        raise TaskFailed("Each label of a list needs `key` and `value`, and nothing else")
    return item["key"], item["value"]


def _text(key: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
    raise TaskFailed(f"The value of the label `{key}` must be a text, a number or a boolean")
