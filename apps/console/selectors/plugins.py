"""The installed types as pages show them: by group and kind, and one with its properties and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from apps.workflows.services.plugin_documents import list_plugins, plugin_document

_KINDS: Final = {
    "tasks": "Tasks",
    "triggers": "Triggers",
    "conditions": "Conditions",
    "taskRunners": "Task runners",
    "appBlocks": "Blocks of Apps",
}
_OF_EVERY_TASK: Final = frozenset(
    {"id", "type", "description", "retry", "timeout", "disabled",
     "runIf", "allowFailure", "allowWarning", "logLevel", "logToFile", "workerGroup"}
)  # fmt: skip


@dataclass(frozen=True)
class TypeName:
    """A type: its full name, the last word of it, its kind and the group it is in."""

    type: str
    name: str
    kind: str
    group: str
    title: str


@dataclass(frozen=True)
class TypeGroup:
    """The types whose names begin alike."""

    name: str
    types: list[TypeName]


@dataclass(frozen=True)
class Property:
    """A property or an output: what it may be, in words."""

    name: str
    about: str
    kind: str
    required: bool
    default: str
    choices: tuple[str, ...]
    common: bool
    """Whether every task has it."""


@dataclass(frozen=True)
class TypePage:
    """All that is known of a type."""

    type: str
    name: str
    title: str
    about: str
    deprecated: bool
    aliases: tuple[str, ...]
    properties: list[Property]
    outputs: list[Property]
    examples: list[tuple[str, str]]


@cache
def list_types() -> tuple[TypeName, ...]:
    """All, in order of their names. Makes every type's schema the first time."""
    found = [
        TypeName(name, name.rpartition(".")[2], title, group["group"], str(_schema(name).get("title") or ""))
        for group in list_plugins()
        for kind, title in _KINDS.items()
        for name in group[kind]
    ]
    return tuple(sorted(found, key=lambda one: one.type))


def list_groups(words: Sequence[str] = ()) -> list[TypeGroup]:
    """Groups in order, with those types that hold all words."""
    groups: dict[str, list[TypeName]] = {}
    for one in _holding(words):
        groups.setdefault(one.group, []).append(one)
    return [TypeGroup(name, types) for name, types in groups.items()]


def search_plugins(words: Sequence[str], *, most: int) -> list[TypeName]:
    """Those with all words in their own name first."""
    found = sorted(_holding(words), key=lambda one: not all(word in one.name.lower() for word in words))
    return found[:most]


@cache
def read_type(type_name: str) -> TypePage:
    """One type, by any of its names. NotFound, with the nearest name."""
    schema = _schema(type_name)
    names = schema.get("properties", {}).get("type", {}).get("enum") or [type_name]
    return TypePage(
        type=names[0],
        name=names[0].rpartition(".")[2],
        title=str(schema.get("title") or ""),
        about=str(schema.get("description") or ""),
        deprecated=bool(schema.get("deprecated") or schema.get("$deprecated")),
        aliases=tuple(names[1:]),
        properties=_properties(schema),
        outputs=_properties(plugin_document(type_name)["schema"].get("outputs") or {}),
        examples=[(one.get("title", ""), one.get("code", "")) for one in schema.get("$examples", ())],
    )


def _schema(type_name: str) -> dict[str, Any]:
    schema: dict[str, Any] = plugin_document(type_name)["schema"]["properties"]
    return schema


def _holding(words: Sequence[str]) -> Iterable[TypeName]:
    return [one for one in list_types() if all(word in f"{one.type} {one.kind} {one.title}".lower() for word in words)]


def _properties(schema: Mapping[str, Any]) -> list[Property]:
    required = schema.get("required") or ()
    found = [
        Property(
            name=name,
            about=str(one.get("title") or one.get("description") or ""),
            kind=_kind(one),
            required=name in required,
            default="" if one.get("default") is None else str(one["default"]),
            choices=_choices(one, schema.get("definitions") or {}) if name != "type" else (),
            common=name in _OF_EVERY_TASK,
        )
        for name, one in (schema.get("properties") or {}).items()
    ]
    return sorted(found, key=lambda one: (one.common, not one.required))


def _choices(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str, ...]:
    named = definitions.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    return tuple(map(str, named.get("enum") or ()))


def _kind(schema: Mapping[str, Any]) -> str:
    """string, list of string, HttpOptions or duration: in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(one) for one in several if one.get("type") != "null"))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items') or {})}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_kind(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type") or "anything")
