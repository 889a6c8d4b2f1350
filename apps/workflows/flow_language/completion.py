"""Completion and explanation of what is typed in a flow: keys, types and values from the schema of the flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from apps.workflows.flow_language.cursor import Level, Spot, locate, word_at
from apps.workflows.flow_language.expression_completion import complete_expression, explain_word
from apps.workflows.flow_language.json_schema import flow_schema
from apps.workflows.flow_language.known_names import FlowNames, Option, names_in

MOST: Final = 300
"""Most suggestions in an answer."""
_WITH_TASK_IDS: Final = frozenset({"dependsOn"})


@dataclass(frozen=True, slots=True)
class Around:
    """Names that the flow's text does not hold: what the person may see of its tenant."""

    namespaces: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """Suggestions for the part of a line that begins at ``start``, counted from 0."""

    start: int
    options: list[Option] = field(default_factory=list)


def complete(source: str, line: int, column: int, around: Around | None = None) -> Completion:
    """What may stand at a place (counted from 0). Never raises for what stands in the source."""
    around = around or Around()
    spot = locate(source, line, column)
    if spot.expression is not None:
        typed, options = complete_expression(spot.expression, names_in(source, line), around.keys, around.secrets)
        return Completion(column - len(typed), options[:MOST])
    if spot.in_text:
        return Completion(column)
    # The type that is written there must not hide the others while it is being changed.
    schema = _schema_at(spot.levels, narrow=spot.key != "type")
    if spot.key:
        found = list(_values(schema, spot, source, line, around))
        return Completion(spot.start, found[:MOST])
    if spot.in_list and not any("properties" in one for one in _forms(schema)):
        last = spot.levels[-1]
        return Completion(spot.start, list(_items(last, names_in(source, line), schema))[:MOST])
    present = set(spot.levels[-1].values) - {spot.typed}
    return Completion(spot.start, [one for one in _keys(schema) if one.label not in present][:MOST])


def explain(source: str, line: int, column: int) -> tuple[str, str]:
    """(title, Markdown) about the key, type or name of an expression at a place; empty when nothing is known of it."""
    word, start, end = word_at(source, line, column)
    if not word:
        return "", ""
    spot = locate(source, line, end)
    if spot.expression is not None:
        return explain_word(word.rpartition(".")[2] if "." in word else word)
    if word in _names():
        definition = _definitions()[_names()[word]]
        return word, _told(definition)
    text = source.split("\n")[line]
    if text[end:].lstrip().startswith(":"):
        schema = _schema_at(locate(source, line, start).levels)
        found = next((one["properties"][word] for one in _forms(schema) if word in one.get("properties", {})), None)
        if found is not None:
            return word, "\n\n".join(part for part in (_told(found), _shape(found)) if part)
    return "", ""


def type_at(source: str, line: int) -> str:
    """The type of the innermost task, trigger or other plugin around a line, by its name of today; empty for none."""
    text = source.split("\n")
    here = text[line] if 0 <= line < len(text) else ""
    spot = locate(source, line, len(here) if here.strip() else 0)
    for level in reversed(spot.levels):
        name = level.values.get("type", "")
        if name in _names():
            return _names()[name]
    return ""


@cache
def _names() -> dict[str, str]:
    """Each name of a type → the one of today."""
    return {
        alias: name
        for name, schema in _definitions().items()
        for alias in schema.get("properties", {}).get("type", {}).get("enum", ())
        if "." in name
    }


def _definitions() -> dict[str, Any]:
    found: dict[str, Any] = flow_schema()["definitions"]
    return found


def _schema_at(levels: tuple[Level, ...], *, narrow: bool = True) -> dict[str, Any]:
    schema: dict[str, Any] = flow_schema()
    for level in levels[1:]:
        parts = [one["properties"][level.key] for one in _forms(schema) if level.key in one.get("properties", {})]
        if not parts:
            parts = [one["additionalProperties"] for one in _forms(schema) if _open(one)]
        schema = parts[0] if parts else {}
        if level.in_list:
            items = [one["items"] for one in _forms(schema) if isinstance(one.get("items"), dict)]
            schema = items[0] if items else {}
        if narrow or level is not levels[-1]:
            schema = _chosen(schema, level.values)
    return schema


def _open(schema: Mapping[str, Any]) -> bool:
    return isinstance(schema.get("additionalProperties"), dict)


def _chosen(schema: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The form that the type which is written there picks; with none all forms stay."""
    named = _names().get(values.get("type", ""))
    for form in _forms(schema):
        if "allOf" in form and named is not None:
            return dict(_definitions()[named])
        mapping = form.get("discriminator", {}).get("mapping", {})
        if values.get("type") in mapping:
            return _follow({"$ref": mapping[values["type"]]})
    return schema


def _follow(schema: dict[str, Any]) -> dict[str, Any]:
    for _ in range(10):
        if "$ref" not in schema:
            return schema
        schema = _definitions().get(str(schema["$ref"]).removeprefix("#/definitions/"), {})
    return {}


def _forms(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema itself, and each of the forms it may take."""
    schema = _follow(schema)
    yield schema
    for name in ("anyOf", "oneOf"):
        for part in schema.get(name, ()):
            yield from _forms(part)


def _keys(schema: dict[str, Any]) -> Iterator[Option]:
    seen: set[str] = set()
    for form in _forms(schema):
        if "allOf" in form:
            seen.add("id")
            yield Option("id", "property", info="Its name, unique in the flow.", insert="id: ", boost=2)
        required = set(form.get("required", ()))
        for name, part in form.get("properties", {}).items():
            if name in seen:
                continue
            seen.add(name)
            yield Option(
                name,
                "property",
                detail="required" if name in required else _kind(part),
                info=str(part.get("title", "")),
                insert=name + (": " if _is_plain(part) else ":"),
                deprecated=bool(part.get("deprecated")),
                boost=2 if name in required else (1 if name in ("id", "type") else 0),
            )


def _is_plain(schema: dict[str, Any]) -> bool:
    return not any({"properties", "items", "additionalProperties", "allOf"} & set(form) for form in _forms(schema))


def _values(schema: dict[str, Any], spot: Spot, source: str, line: int, around: Around) -> Iterator[Option]:
    parts = [one["properties"][spot.key] for one in _forms(schema) if spot.key in one.get("properties", {})]
    if spot.key == "type":
        yield from _types(schema)
        return
    named = {"namespace": around.namespaces, "flowId": around.flows}.get(spot.key, ())
    yield from (Option(name, "value") for name in named)
    if spot.key in _WITH_TASK_IDS:
        yield from (Option(name, "value") for name in names_in(source, line).tasks)
    for part in parts:
        for form in _forms(part):
            yield from (Option(str(value), "value") for value in form.get("enum", ()))
            yield from (Option(str(form["const"]), "value") for _ in range("const" in form))
            if form.get("type") == "boolean":
                yield from (Option(word, "value") for word in ("true", "false"))


def _types(schema: dict[str, Any]) -> Iterator[Option]:
    seen: set[str] = set()
    for form in _forms(schema):
        for value in form.get("discriminator", {}).get("mapping", {}):
            if value not in seen:
                seen.add(value)
                yield Option(value, "type")
        for name in form.get("properties", {}).get("type", {}).get("enum", ()):
            if name in seen:
                continue
            seen.add(name)
            today = _names().get(name, name)
            definition = _definitions().get(today, {})
            old = today != name
            yield Option(
                name,
                "type",
                detail="old name" if old else name.rpartition(".")[2],
                info=f"Now called {today}." if old else str(definition.get("title", "")),
                deprecated=old or bool(definition.get("deprecated")),
                boost=-1 if old else 0,
            )


def _items(level: Level, names: FlowNames, schema: dict[str, Any]) -> Iterator[Option]:
    if level.key in _WITH_TASK_IDS:
        yield from (Option(name, "value") for name in names.tasks)
    for form in _forms(schema):
        yield from (Option(str(value), "value") for value in form.get("enum", ()))


def _kind(schema: dict[str, Any]) -> str:
    kinds = [str(form["type"]) for form in _forms(schema) if isinstance(form.get("type"), str)]
    if any("enum" in form for form in _forms(schema)):
        kinds = ["choice"]
    return " or ".join(dict.fromkeys(kinds))


def _told(schema: Mapping[str, Any]) -> str:
    return "\n\n".join(str(schema[key]) for key in ("title", "description") if schema.get(key))


def _shape(schema: dict[str, Any]) -> str:
    words = [_kind(schema)]
    values = [str(value) for form in _forms(schema) for value in form.get("enum", ())]
    if values and len(values) <= 12:
        words.append("one of " + ", ".join(f"`{value}`" for value in values))
    if schema.get("default") not in (None, ""):
        words.append(f"default `{schema['default']}`")
    if schema.get("x-kestra-dynamic"):
        words.append("may be an expression")
    return ", ".join(word for word in words if word)
