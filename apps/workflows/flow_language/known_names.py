"""Names that a flow's text declares: tasks with their types, inputs, variables, labels; of broken text what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.workflows.flow_language.document import read_document
from apps.workflows.flow_language.violations import InvalidFlow


@dataclass(frozen=True, slots=True)
class Option:
    """One suggestion. ``insert`` is what is typed when it is taken (the label when empty); ``boost`` moves it up."""

    label: str
    kind: str
    detail: str = ""
    info: str = ""
    insert: str = ""
    deprecated: bool = False
    boost: int = 0


@dataclass(frozen=True, slots=True)
class FlowNames:
    """``tasks`` maps ids to types, in the order of the source."""

    namespace: str = ""
    tasks: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def names_in(source: str, line: int | None = None) -> FlowNames:
    """What a text declares; ``line`` (from 0), where somebody types, is left out when it breaks the text."""
    value = _read(source)
    if value is None and line is not None:
        lines = source.split("\n")
        value = _read("\n".join([*lines[:line], "", *lines[line + 1 :]]))
    if value is None:
        return FlowNames()
    return FlowNames(
        namespace=str(value.get("namespace") or ""),
        tasks=dict(_tasks([value.get(key) for key in ("tasks", "errors", "finally", "afterExecution")])),
        inputs=dict(_named(value.get("inputs"))),
        variables=_keys(value.get("variables")),
        labels=_keys(value.get("labels")),
    )


def _read(source: str) -> dict[str, Any] | None:
    try:
        value = read_document(source).value
    except InvalidFlow:
        return None
    return value if isinstance(value, dict) else None


def _tasks(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _tasks(item)
    elif isinstance(value, dict):
        name, kind = value.get("id"), value.get("type")
        if isinstance(name, str) and isinstance(kind, str) and "." in kind:
            yield name, kind
        for item in value.values():
            if isinstance(item, dict | list):
                yield from _tasks(item)


def _named(value: Any) -> Iterator[tuple[str, str]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield item["id"], str(item.get("type") or "")


def _keys(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(str(key) for key in value)
    items = value if isinstance(value, list) else ()
    return tuple(str(item["key"]) for item in items if isinstance(item, dict) and "key" in item)
