"""Plugin defaults: values for the properties of every task, trigger, condition and task runner of a type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from apps.workflows.flow_language.properties import accepted_names
from apps.workflows.flow_language.scalars import to_scalars
from apps.workflows.plugin_api.errors import MissingLibrary, UnknownType
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import names_of, plugin_class

# The parts of a flow that hold plugins. Inputs, variables and outputs have types of another kind.
HOLDERS = ("tasks", "errors", "finally", "afterExecution", "listeners", "triggers")
FLOW_KEYS = ("pluginDefaults", "taskDefaults")


@dataclass(frozen=True, slots=True)
class Default:
    """One entry of a list of plugin defaults."""

    type: str
    values: Mapping[str, Any]
    forced: bool = False

    def fits(self, type_name: str) -> bool:
        """True when this entry is for a node of the type: the type itself, one of its names, or a prefix of one."""
        return self.type in names_of(type_name) or any(name.startswith(self.type) for name in names_of(type_name))


Layer = Sequence[Default]
"""The defaults of one place, in the order they were written."""


def read_layer(entries: Any) -> list[Default]:
    """The entries of a list as it stands in a flow, a namespace or the settings.

    What has no type or no values is left out. Checking such a list is for
    whoever saves it; here only what can be used is used.
    """
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return []
    return [
        Default(
            str(entry["type"]), to_scalars(dict(entry["values"])), str(entry.get("forced", False)).lower() == "true"
        )
        for entry in entries
        if isinstance(entry, Mapping) and entry.get("type") and isinstance(entry.get("values"), Mapping)
    ]


def inject(flow: Mapping[str, Any], layers: Sequence[Layer]) -> dict[str, Any]:
    """The flow's tree with the defaults filled in; the flow itself is not changed.

    ``layers`` go from the nearest (the flow's own) to the farthest (the instance). Strongest first: forced entries,
    nearest layer first; the node's own properties; other entries, nearest layer first. Maps merge deeply. A default
    that names a property which a known class does not have is left out.
    """
    ordered = [entry for layer in layers for entry in layer]
    if not ordered:
        return dict(flow)
    return {key: _inject(value, ordered) if key in HOLDERS else value for key, value in flow.items()}


def _inject(node: Any, entries: Sequence[Default]) -> Any:
    match node:
        case list():
            return [_inject(item, entries) for item in node]
        case dict():
            return {key: _inject(value, entries) for key, value in _filled(node, entries).items()}
    return node


def _filled(node: dict[str, Any], entries: Sequence[Default]) -> dict[str, Any]:
    type_name = node.get("type")
    if not isinstance(type_name, str) or "." not in type_name:
        return node
    fitting = [entry for entry in entries if entry.fits(type_name)]
    if not fitting:
        return node
    known = _known_names(type_name)
    forced: dict[str, Any] = {}
    offered: dict[str, Any] = {}
    for entry in fitting:
        usable = {name: value for name, value in entry.values.items() if known is None or name in known}
        _fill(forced if entry.forced else offered, usable)
    filled = dict(node)
    _fill(filled, offered)
    for name, value in forced.items():
        filled[name] = _over(value, filled.get(name))
    return filled


def _fill(target: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add what ``target`` does not have."""
    for name, value in more.items():
        if name not in target:
            target[name] = value
        elif isinstance(target[name], dict) and isinstance(value, Mapping):
            target[name] = dict(target[name])
            _fill(target[name], value)


def _over(strong: Any, weak: Any) -> Any:
    if isinstance(strong, Mapping) and isinstance(weak, Mapping):
        merged = dict(weak)
        for name, value in strong.items():
            merged[name] = _over(value, weak.get(name))
        return merged
    return strong


@cache
def _known_class(type_name: str) -> type[PluginModel] | None:
    try:
        return plugin_class(type_name)
    except (UnknownType, MissingLibrary):
        return None


def _known_names(type_name: str) -> frozenset[str] | None:
    model = _known_class(type_name)
    return None if model is None else accepted_names(model)


def unknown_properties(entry: Default) -> Iterator[str]:
    """Names in ``values`` that the class called exactly ``entry.type`` does not have."""
    known = _known_names(entry.type)
    if known is not None:
        yield from (name for name in entry.values if name not in known)
