"""Walks over a flow: every model in it with its path, and every task as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from apps.workflows.flow_language.plugin_defaults import HOLDERS
from apps.workflows.flow_language.properties import written_name
from apps.workflows.flow_language.violations import Path
from apps.workflows.plugin_api.errors import MissingLibrary, UnknownType
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.registry import plugin_class
from apps.workflows.plugin_api.task import Task


def models(node: Any, path: Path = ()) -> Iterator[tuple[Path, PluginModel]]:
    """Every model below a node, the node itself first, in the order of the YAML; paths use the keys of the YAML."""
    match node:
        case PluginModel():
            yield path, node
            for written, field_name in _names(type(node)):
                yield from models(getattr(node, field_name), (*path, written))
        case dict():
            for key, value in node.items():
                yield from models(value, (*path, str(key)))
        case list() | tuple():
            for number, item in enumerate(node):
                yield from models(item, (*path, number))


def texts(node: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text of a flow, keys left out."""
    match node:
        case str():
            yield path, str(node)
        case Property():
            yield from texts(node.raw, path)
        case PluginModel():
            for written, field_name in _names(type(node)):
                yield from texts(getattr(node, field_name), (*path, written))
        case dict():
            for key, value in node.items():
                yield from texts(value, (*path, str(key)))
        case list() | tuple():
            for number, item in enumerate(node):
                yield from texts(item, (*path, number))


@cache
def _names(model: type[PluginModel]) -> tuple[tuple[str, str], ...]:
    return tuple((written_name(name, field), name) for name, field in model.model_fields.items())


def written_tasks(flow: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every map of a flow's tree that is a task, also when other things in it are wrong."""
    for holder in HOLDERS:
        if holder != "triggers":
            yield from _written_tasks(flow.get(holder), (holder,))


def _written_tasks(node: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    match node:
        case dict():
            if _is_task(node):
                yield path, node
            for key, value in node.items():
                yield from _written_tasks(value, (*path, key))
        case list():
            for number, item in enumerate(node):
                yield from _written_tasks(item, (*path, number))


def _is_task(node: dict[str, Any]) -> bool:
    type_name = node.get("type")
    if not isinstance(node.get("id"), str) or not isinstance(type_name, str) or "." not in type_name:
        return False
    try:
        return issubclass(plugin_class(type_name), Task)
    except (UnknownType, MissingLibrary):
        return True
