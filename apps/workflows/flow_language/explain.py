"""Pydantic's errors as violations: in the words users know, with path, line and the nearest known name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_origin

from pydantic_core import ErrorDetails

from apps.workflows.flow_language.document import Document
from apps.workflows.flow_language.properties import accepted_names, class_at, properties
from apps.workflows.flow_language.violations import Path, Violation, format_path
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import nearest_type

NULL = "must not be null"
EMPTY = "must not be empty"
MOST_ERRORS = 200
"""So many mistakes of one flow are explained."""

# Errors that say of which form a value should be; the forms that one property may have are told together.
_FORMS = {
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
    "dict_type": "must be a map",
    "mapping_type": "must be a map",
    "list_type": "must be a list",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
_QUOTED = re.compile(r"'([^']*)'")
_TEXTS = {
    "string_too_long": "must be at most {max_length} characters long",
    "string_pattern_mismatch": 'must match "{pattern}"',
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be greater than or equal to {ge}",
    "less_than_equal": "must be less than or equal to {le}",
}


def explain(errors: Sequence[ErrorDetails], document: Document, root: type[PluginModel]) -> list[Violation]:
    """A violation or more for each error; what several forms of one property refuse becomes one violation.

    Beyond MOST_ERRORS they are only counted: finding what was meant takes time, and nobody reads a thousand.
    """
    found: dict[tuple[str, str], list[Violation]] = {}
    for error in errors[:MOST_ERRORS]:
        for violation in _Explanation(error, document, root).violations():
            kind = "form" if error["type"] in _FORMS else f"{error['type']} {violation.message}"
            same = found.setdefault((violation.path, kind), [])
            if violation not in same:
                same.append(violation)
    violations = [_join(group) for group in found.values()]
    if len(errors) > MOST_ERRORS:
        violations.append(Violation(f"There are {len(errors) - MOST_ERRORS} more mistakes"))
    return violations


def _join(group: list[Violation]) -> Violation:
    first = group[0]
    message = " or ".join(dict.fromkeys(violation.message for violation in group))
    return Violation(message, first.path, first.line, first.column, first.suggestion)


class _Explanation:
    def __init__(self, error: ErrorDetails, document: Document, root: type[PluginModel]) -> None:
        self.error = error
        self.context: Mapping[str, Any] = error.get("ctx", {})
        self.document = document
        self.root = root
        self.path, self.line, self.column = document.locate(error["loc"])

    def violations(self) -> list[Violation]:
        match self.error["type"]:
            case "extra_forbidden":
                return [self.unrecognized()]
            case "missing":
                return [self.missing(str(self.error["loc"][-1]))]
            case "missing_type" | "union_tag_not_found":
                return [self.missing("type")]
            case "unknown_type":
                return self.unknown_type()
            case "wrong_type":
                return [self.say(self.error["msg"], "type")]
            case "system_labels":
                return [self.say(problem, place) for place, problem in self.context["problems"]]
            case "enum" | "literal_error" | "union_tag_invalid":
                return [self.not_one_of()]
        return [self.say(self.message())]

    def say(self, message: str, *more: str | int, suggestion: str | None = None) -> Violation:
        path = (*self.path, *more)
        found, line, column = self.document.locate(path)
        # A property that is missing has no place of its own, but it has a path.
        shown = found if len(found) == len(path) else path
        return Violation(message, format_path(shown), line, column, suggestion)

    def message(self) -> str:
        kind, context = self.error["type"], self.context
        if kind in _FORMS:
            return _FORMS[kind]
        if kind in ("too_short", "string_too_short") and context.get("min_length") == 1:
            return EMPTY
        if kind == "value_error" and "error" in context:
            return str(context["error"])
        text = _TEXTS.get(kind)
        return self.error["msg"] if text is None else text.format_map(context)

    def missing(self, name: str) -> Violation:
        owner = class_at(self.root, self.document.value, self.path)
        field = properties(owner).get(name) if owner is not None else None
        is_list = field is not None and get_origin(field.annotation) is list
        return self.say(EMPTY if is_list else NULL, name)

    def unrecognized(self) -> Violation:
        name, holder = str(self.error["loc"][-1]), self.path[:-1]
        owner = class_at(self.root, self.document.value, holder)
        known = list(properties(owner)) if owner is not None else []
        nearest = difflib.get_close_matches(name, accepted_names(owner) if owner else (), n=1, cutoff=0.6)
        listed = ", ".join(f'"{one}"' for one in known)
        message = (
            f'Unrecognized field "{name}" (class {self.class_name(owner, holder)}), not marked as ignorable '
            f"({len(known)} known properties: {listed})"
        )
        if nearest:
            message += f'; did you mean "{nearest[0]}"?'
        return self.say(message, suggestion=nearest[0] if nearest else None)

    def class_name(self, owner: type[PluginModel] | None, holder: Path) -> str:
        written = self.document.value_at(holder)
        if isinstance(written, dict) and "." in str(written.get("type", "")):
            return str(written["type"])
        return owner.__name__.removesuffix("Definition") if owner is not None else "map"

    def unknown_type(self) -> list[Violation]:
        name = self.context["type_name"]
        nearest = nearest_type(name)
        guess = f"; did you mean '{nearest}'?" if nearest else ""
        return [
            self.say(f"Invalid type: {name}", "type", suggestion=nearest),
            self.say(f"No plugin registered for the defined type: '{name}'{guess}", "type", suggestion=nearest),
        ]

    def not_one_of(self) -> Violation:
        context = self.context
        listed = str(context.get("expected") or context.get("expected_tags"))
        choices = _QUOTED.findall(listed)
        by_tag = self.error["type"] == "union_tag_invalid"
        given = str(context["tag"] if by_tag else self.error["input"])
        nearest = difflib.get_close_matches(given.upper(), choices, n=1, cutoff=0.6)
        guess = f'; did you mean "{nearest[0]}"?' if nearest else ""
        message = f'"{given}" is not one of {", ".join(choices)}{guess}'
        return self.say(message, *(["type"] if by_tag else []), suggestion=nearest[0] if nearest else None)
