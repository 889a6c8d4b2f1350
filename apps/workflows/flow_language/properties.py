"""The properties of a node of a flow as they are written in YAML: their names, and which class stands at a path."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from apps.workflows.plugin_api.errors import MissingLibrary, UnknownType
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import plugin_class


def written_name(name: str, field: FieldInfo) -> str:
    """The key of a field in YAML."""
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return str(field.validation_alias or field.alias or name)


@cache
def properties(model: type[PluginModel]) -> dict[str, FieldInfo]:
    """The fields of a class by their key in YAML, in the order of the class."""
    return {written_name(name, field): field for name, field in model.model_fields.items()}


@cache
def accepted_names(model: type[PluginModel]) -> frozenset[str]:
    """All keys a class takes, old names of properties too."""
    names = set(properties(model))
    for field in model.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names.update(str(choice) for choice in field.validation_alias.choices)
    return frozenset(names)


def models_in(annotation: Any) -> Iterator[type[PluginModel]]:
    """The classes a type annotation names: of lists, maps, choices and properties too."""
    if isinstance(annotation, type) and issubclass(annotation, PluginModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from models_in(get_args(annotation)[0])
    else:
        for part in get_args(annotation):
            yield from models_in(part)


def class_at(root: type[PluginModel], document: Any, path: tuple[str | int, ...]) -> type[PluginModel] | None:
    """The class of the map at a path of a flow's tree; None when it has no declared class (a free map, a list)."""
    found: list[type[PluginModel]] = [root]
    value = document
    for step in path:
        value = value[step]
        if isinstance(step, str):
            chosen = _choose(found, None)
            if chosen is not None and step in properties(chosen):
                found = list(models_in(properties(chosen)[step].annotation))
        if isinstance(value, dict):
            chosen = _choose(found, value.get("type"))
            found = [] if chosen is None else [chosen]
    return _choose(found, None)


def _choose(found: list[type[PluginModel]], type_name: Any) -> type[PluginModel] | None:
    if type_name is None or not found:
        return found[0] if found else None
    try:
        registered = plugin_class(str(type_name))
    except (UnknownType, MissingLibrary):
        registered = None
    if registered is not None and any(issubclass(registered, base) for base in found):
        return registered
    for model in found:
        field = model.model_fields.get("type")
        if field is not None and get_origin(field.annotation) is Literal and type_name in get_args(field.annotation):
            return model
    return found[0]
