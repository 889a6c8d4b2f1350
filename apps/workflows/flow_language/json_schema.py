"""JSON schema of a flow and of each type: what an editor needs to complete, explain and check while typing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.plugin_api.app_block import AppBlock
from apps.workflows.plugin_api.condition import Condition
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.errors import MissingLibrary
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import names_of, plugin_class, type_names
from apps.workflows.plugin_api.task import Task
from apps.workflows.plugin_api.task_runner import TaskRunner
from apps.workflows.plugin_api.trigger import Trigger

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOUNS: dict[type[PluginModel], str] = {
    Task: "task",
    Trigger: "trigger",
    Condition: "condition",
    TaskRunner: "taskRunner",
    AppBlock: "appBlock",
}


class _Schema(GenerateJsonSchema):
    """Leaves out what is private to the models, and gives the places that take any plugin a name to be filled in."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        noun = _NOUNS.get(schema["cls"])
        if noun is not None:
            return {"$ref": f"#/definitions/{noun}"}
        return super().model_schema(schema)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        # A key without a value says the same as no key; that is not worth a choice in every completion.
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default", "") is None:
            made.pop("default")
        return made


def installed_types() -> dict[str, type[PluginModel]]:
    """Every type that can be used here by its name of today; those whose library is missing are left out."""
    found: dict[str, type[PluginModel]] = {}
    for name in type_names():
        if names_of(name)[0] != name:
            continue
        try:
            found[name] = plugin_class(name)
        except MissingLibrary:
            continue
    return found


@cache
def flow_schema() -> dict[str, Any]:
    """The schema of a whole flow, each installed type in it. Made once per process: it walks every plugin."""
    types = installed_types()
    models: list[type[PluginModel]] = [FlowDefinition, *dict.fromkeys(types.values())]
    schemas, shared = models_json_schema(
        [(model, "validation") for model in models],
        by_alias=True,
        ref_template="#/definitions/{model}",
        schema_generator=_Schema,
    )
    definitions: dict[str, Any] = dict(shared.get("$defs", {}))
    for name, model in types.items():
        definitions[name] = _typed(name, model, _resolved(schemas[(model, "validation")], definitions))
    for base, noun in _NOUNS.items():
        definitions[noun] = _any_of(name for name, model in types.items() if issubclass(model, base))
    flow = _resolved(schemas[(FlowDefinition, "validation")], definitions)
    return {"$schema": DIALECT, **flow, "definitions": definitions}


def type_schema(type_name: str) -> dict[str, Any]:
    """The schema of one type: its properties, and those of its outputs. UnknownType, MissingLibrary."""
    model = plugin_class(type_name)
    whole = flow_schema()
    name = names_of(type_name)[0]
    properties = {
        "$schema": DIALECT,
        **whole["definitions"][name],
        "definitions": _used(whole["definitions"][name], whole["definitions"]),
    }
    return {"properties": properties, "outputs": output_schema(model)}


def output_schema(model: type[PluginModel]) -> dict[str, Any] | None:
    """The schema of what a task gives, from what its ``run`` is declared to return; None when it gives nothing."""
    run: Callable[..., Any] | None = getattr(model, "run", None)
    if run is None or not issubclass(model, Task):
        return None
    returned = inspect.get_annotations(run, eval_str=False).get("return")
    for name in str(returned).replace("|", " ").split():
        found = inspect.getmodule(run).__dict__.get(name) if inspect.getmodule(run) is not None else None
        if isinstance(found, type) and issubclass(found, PluginModel):
            made = found.model_json_schema(by_alias=True, mode="serialization", schema_generator=_Schema)
            made.get("properties", {}).pop("finalState", None)
            return made
    return None


def _typed(name: str, model: type[PluginModel], schema: dict[str, Any]) -> dict[str, Any]:
    title, _, text = inspect.cleandoc(model.__doc__ or name).partition("\n")
    made = {**schema, "title": title, "properties": dict(schema.get("properties", {}))}
    if text.strip():
        made["description"] = text.strip()
    made["properties"]["type"] = {"enum": list(names_of(name)), "title": "The type."}
    if issubclass(model, Documented):
        made["$examples"] = [{"title": example.title, "code": example.code.strip()} for example in model.examples]
        if model.deprecated:
            made["deprecated"] = True
    return made


def _any_of(names: Iterable[str]) -> dict[str, Any]:
    """A choice by type that an editor can follow: the part of the type that fits is the one that is checked."""
    listed = sorted(names)
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": [name for one in listed for name in names_of(one)]}},
        "allOf": [
            {
                "if": {"properties": {"type": {"enum": list(names_of(name))}}, "required": ["type"]},
                "then": {"$ref": f"#/definitions/{name}"},
            }
            for name in listed
        ],
    }


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = definitions[reference.removeprefix("#/definitions/")]
    return found


def _used(schema: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions that a schema needs, those of other plugins left out: a page about one type shows that type."""
    needed: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        match waiting.pop():
            case dict() as part:
                name = str(part.get("$ref", "")).removeprefix("#/definitions/")
                if name in definitions and name not in needed:
                    needed[name] = {"type": "object"} if name in _NOUNS.values() else definitions[name]
                    waiting.append(needed[name])
                waiting += part.values()
            case list() as parts:
                waiting += parts
    return needed
