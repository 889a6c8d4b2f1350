"""The questions of an App's form, in words for people who never saw a flow: names, bounds, and what to mend."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from apps.common.display import thousands
from apps.userapps.services.pages import readable_name
from apps.workflows.forms import InputField

_REASON: Final = re.compile(r"^Invalid (?:input|value)[^,]*, (?P<reason>.*?)(?:, but received .*)?$", re.DOTALL)
_MISSING: Final = {
    "select": "Choose one.",
    "radios": "Choose one.",
    "tristate": "Choose one.",
    "checkboxes": "Choose at least one.",
    "file": "Choose a file.",
}
_WRONG_TYPE: Final = {
    "INT": "Type a whole number, for example 12.",
    "FLOAT": "Type a number, for example 0.25.",
    "URI": "Start the address with https://, for example https://example.com.",
    "EMAIL": "Type an e-mail address, for example maya@example.com.",
    "DATE": "Type a date, for example 2026-11-24.",
    "TIME": "Type a time, for example 08:30.",
    "DATETIME": "Type a date and a time.",
    "DURATION": "Type a duration: P14D is 14 days, PT1H30M an hour and a half.",
    "JSON": "This is no valid JSON. Look for a missing quote, comma or bracket.",
    "YAML": "This is no valid YAML. Look at the indentation and the colons.",
    "ARRAY": 'Type a list, for example ["a", "b"].',
    "SELECT": "Choose one of the list.",
    "ENUM": "Choose one of the list.",
    "MULTISELECT": "Choose from the list.",
    "BOOLEAN": "Choose yes or no.",
    "FILE": "Choose another file.",
}


@dataclass(frozen=True)
class Step:
    """Questions that belong together: ids before the first dot. ``name`` is empty for those without one."""

    name: str
    label: str
    fields: tuple[InputField, ...]

    @property
    def wrong(self) -> bool:
        return any(field.errors for field in self.fields)


def asked(checked: Sequence[Mapping[str, Any]], *, show_errors: bool) -> list[Mapping[str, Any]]:
    """The inputs that are asked for now, of what `check_inputs` answers. One whose condition cannot be told yet, since
    it depends on an answer that is missing, is not; when nothing else is wrong, its error must be seen.
    """
    enabled = [item for item in checked if item["enabled"]]
    only_broken = show_errors and not any(item["errors"] for item in enabled)
    return [item for item in checked if item["enabled"] or (only_broken and item["errors"])]


def questions(fields: Iterable[InputField], declared: Mapping[str, Mapping[str, Any]]) -> list[InputField]:
    """The fields in plain words; ``declared`` holds each input as its flow declares it."""
    return [_question(field, declared.get(field.id, {})) for field in fields]


def steps_of(fields: Sequence[InputField]) -> list[Step]:
    """The fields by group, in the order in which the groups begin; one step without a name when there are none."""
    groups: dict[str, list[InputField]] = {}
    for field in fields:
        group, dot, _ = field.id.partition(".")
        groups.setdefault(group if dot else "", []).append(field)
    return [Step(name, readable_name(name) if name else "", tuple(held)) for name, held in groups.items()]


def plain_error(field: InputField, declared: Mapping[str, Any], message: str) -> str:
    """A mistake as a person would say it; what is not known stays as the service said it."""
    found = _REASON.match(message)
    reason = (found["reason"] if found else message).strip()
    low = reason.lower()
    if "missing required" in message.lower() or "is required" in low:
        return _MISSING.get(field.kind, "Fill this in.")
    if "must be less than" in low:
        return f"Use {_spoken(declared.get('max'))} or less."
    if "must be more than" in low:
        return f"Use {_spoken(declared.get('min'))} or more."
    if "must be after" in low:
        return f"Choose {_spoken(declared.get('after'))} or later."
    if "must be before" in low:
        return f"Choose {_spoken(declared.get('before'))} or earlier."
    if "must match the pattern" in low:
        return "This does not have the form that is asked for." + (" See below." if field.help else "")
    if "must match the values" in low or low.startswith("expected `") or "valid " in low:
        return _WRONG_TYPE.get(field.type, reason)
    return _WRONG_TYPE.get(field.type, reason) if found is not None else message


def _question(field: InputField, declared: Mapping[str, Any]) -> InputField:
    label = field.label if field.label != field.id else readable_name(field.id)
    hints = [text for text in (field.help, "" if field.kind == "file" else _bounds(declared), _hint(field)) if text]
    errors = tuple(dict.fromkeys(plain_error(field, declared, message) for message in field.errors))
    return replace(field, label=label, help=" ".join(hints), errors=errors)


def _bounds(declared: Mapping[str, Any]) -> str:
    least, most = declared.get("min"), declared.get("max")
    if least is not None and most is not None:
        return f"From {_spoken(least)} to {_spoken(most)}."
    if least is not None:
        return f"{_spoken(least)} or more."
    return "" if most is None else f"{_spoken(most)} or less."


def _hint(field: InputField) -> str:
    if field.kind == "file" and (accept := field.attributes.get("accept")):
        return f"A file that ends in {accept}."
    return "For example P14D for 14 days, PT1H30M for an hour and a half." if field.type == "DURATION" else ""


def _spoken(value: Any) -> str:
    match value:
        case bool() | None:
            return "another value"
        case int():
            return thousands(value)
        case float():
            return thousands(int(value)) if value == int(value) else str(value)
        case datetime():
            return f"{value:%d %b %Y, %H:%M}"
    return str(value)
