"""Form fields for the choice of a backend, made from each type's pydantic model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import forms

from apps.isolation.catalog import HIDDEN, Kind
from apps.isolation.selectors import BackendType, ShownChoice, backend_types

SEPARATOR: Final = "__"
UNCHOSEN: Final = ""
NOT_MOVED: Final = (
    "Nothing is moved when this changes: what lies in the backend before stays there, out of reach until it is chosen "
    "again."
)


def backend_fields(kind: Kind) -> dict[str, forms.Field]:
    """A field for the type, then those of every type that is available: `storage__s3__bucket`. None is required here:
    only those of the chosen type count, and `save_choice` tells what is missing.
    """
    types = [held for held in backend_types(kind) if held.available]
    choices = [(UNCHOSEN, "as around it"), *((held.type, held.type) for held in types)]
    fields: dict[str, forms.Field] = {
        str(kind): forms.ChoiceField(choices=choices, required=False, label=f"{kind} backend", help_text=NOT_MOVED)
    }
    for held in types:
        for path, schema, needed in _leaves(held):
            fields[SEPARATOR.join((kind, held.type, *path))] = _field(held.type, path, schema, needed)
    return fields


def shown_values(kind: Kind, shown: ShownChoice | None) -> dict[str, Any]:
    """What the fields hold at first; credentials as ********."""
    if shown is None:
        return {}
    return {str(kind): shown.type} | {
        SEPARATOR.join((kind, shown.type, *path)): value for path, value in _flat(shown.configuration)
    }


def read_fields(kind: Kind, cleaned: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The chosen type (None: as around it) and its configuration; empty fields are left out."""
    type_name = cleaned.get(str(kind)) or None
    configuration: dict[str, Any] = {}
    start = SEPARATOR.join((kind, str(type_name), ""))
    for name, value in cleaned.items():
        if not name.startswith(start) or value in (None, "", False):
            continue
        *groups, last = name.removeprefix(start).split(SEPARATOR)
        level = configuration
        for group in groups:
            level = level.setdefault(group, {})
        level[last] = value
    return type_name, configuration


def _leaves(held: BackendType) -> Iterator[tuple[tuple[str, ...], dict[str, Any], bool]]:
    document = held.json_schema or {}
    yield from _walk(document, document.get("$defs", {}), ())


def _walk(
    schema: Mapping[str, Any], known: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any], bool]]:
    for name, described in schema.get("properties", {}).items():
        inner = next((item for item in described.get("anyOf", [described]) if item.get("type") != "null"), described)
        if "$ref" in inner:
            yield from _walk(known[inner["$ref"].rsplit("/", 1)[-1]], known, (*path, name))
        else:
            yield (*path, name), {**described, **inner}, name in schema.get("required", [])


def _field(type_name: str, path: tuple[str, ...], schema: Mapping[str, Any], needed: bool) -> forms.Field:
    label = f"{type_name}: {schema.get('title', path[-1])}{' *' if needed else ''}"
    match schema.get("type"):
        case "boolean":
            return forms.BooleanField(required=False, label=label)
        case "integer":
            return forms.IntegerField(required=False, label=label)
        case "object" | "array":
            return forms.JSONField(required=False, label=label)
    if schema.get("writeOnly"):
        shown = forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"})
        return forms.CharField(required=False, label=label, widget=shown, help_text=f"{HIDDEN} keeps it.")
    return forms.CharField(required=False, label=label)


def _flat(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping) and name != "tags":
            yield from _flat(inner, (*path, name))
        else:
            yield (*path, name), inner
