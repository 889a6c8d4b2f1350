"""What rendering makes of printed values: text, or in typed mode the value itself."""

from collections.abc import Mapping, Set
from enum import Enum

from apps.workflows.expressions import json_text
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.text import plain_text
from apps.workflows.expressions.values import to_plain

SHOWN = 200


def printed_text(value: object) -> str:
    """What `{{ value }}` shows: null is empty, lists and maps are JSON."""
    if isinstance(value, str):
        return value.name if isinstance(value, Enum) else value
    if value is None:
        return ""
    if isinstance(value, Mapping | list | tuple | Set):
        return json_text.to_json(value)
    return plain_text(value)


class TypedOutput:
    """Keeps one value as it is; only text may follow, and only after text."""

    def __init__(self) -> None:
        self.value: object = None

    def print(self, value: object) -> None:
        """Take a printed value; a second one has nowhere to go."""
        if value is None:
            return
        if self.value is not None:
            raise self._refusal(value)
        self.value = to_plain(value)

    def append(self, text: str) -> None:
        """Take the text between expressions."""
        if self.value is None:
            self.value = text
        elif isinstance(self.value, str):
            self.value += text
        else:
            raise self._refusal(text)

    def _refusal(self, value: object) -> Failure:
        # Shown whole or not at all: half a secret would escape the mask.
        texts = (printed_text(value), printed_text(self.value))
        added, kept = (text if len(text) <= SHOWN else "…" for text in texts)
        return Failure(f"Tried to add {added} to {kept}")
