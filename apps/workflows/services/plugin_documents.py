"""What is known of the installed plugins: their groups, their schemas and their documentation."""

from __future__ import annotations

import inspect
from functools import cache
from importlib.metadata import version
from typing import Any, Final, get_args

from apps.common.errors import NotFound
from apps.workflows.flow_language.json_schema import flow_schema, installed_types, type_schema
from apps.workflows.plugin_api.app_block import App, AppBlock
from apps.workflows.plugin_api.condition import Condition
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.errors import MissingLibrary, UnknownType
from apps.workflows.plugin_api.inputs import AnyInput, InputType
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import names_of, nearest_type, plugin_class
from apps.workflows.plugin_api.task import Task
from apps.workflows.plugin_api.task_runner import TaskRunner
from apps.workflows.plugin_api.trigger import Trigger

_KINDS: Final = (
    (Task, "tasks"),
    (Trigger, "triggers"),
    (Condition, "conditions"),
    (TaskRunner, "taskRunners"),
    (App, "apps"),
    (AppBlock, "appBlocks"),
)
_PACKAGE: Final = "kestra-ee"


@cache
def list_plugins() -> list[dict[str, Any]]:
    """One entry per group of types, with the names of its tasks, triggers, conditions and task runners."""
    groups: dict[str, dict[str, Any]] = {}
    for name, model in sorted(installed_types().items()):
        group = name.rpartition(".")[0]
        entry = groups.setdefault(group, _group(group))
        for base, kind in _KINDS:
            if issubclass(model, base):
                entry[kind].append(name)
        entry["aliases"] += names_of(name)[1:]
    return list(groups.values())


def _group(group: str) -> dict[str, Any]:
    last = group.rpartition(".")[2]
    return {
        "name": _PACKAGE,
        "title": last,
        "group": group,
        "subGroup": group,
        "version": version(_PACKAGE),
        "manifest": {},
        **{kind: [] for _, kind in _KINDS},
        "controllers": [],
        "storages": [],
        "secrets": [],
        "guides": [],
        "aliases": [],
        "categories": ["CORE" if ".core." in f"{group}." else "MISC"],
    }


@cache
def plugin_document(type_name: str) -> dict[str, Any]:
    """Text and schema of one type. NotFound, with the nearest name, when there is none."""
    try:
        model = plugin_class(type_name)
        schema = type_schema(type_name)
    except UnknownType as error:
        near = nearest_type(type_name)
        raise NotFound(
            f"There is no type '{type_name[:200]}'" + (f"; did you mean '{near}'?" if near else "")
        ) from error
    except MissingLibrary as error:
        raise NotFound(str(error)) from error
    return {"markdown": _markdown(names_of(type_name)[0], model), "schema": schema}


def _markdown(name: str, model: type[PluginModel]) -> str:
    parts = [f"# {name.rpartition('.')[2]}", f"```yaml\ntype: {name}\n```", inspect.cleandoc(model.__doc__ or "")]
    if issubclass(model, Documented):
        if model.deprecated:
            parts.insert(1, "**Deprecated.**")
        if model.examples:
            parts.append("## Examples")
        parts += [f"> {example.title}\n\n```yaml\n{example.code.strip()}\n```" for example in model.examples]
    return "\n\n".join(part for part in parts if part)


@cache
def schema_of_kind(kind: str) -> dict[str, Any]:
    """The schema an editor asks for: `flow`, `task`, `trigger`, `condition` or `taskRunner`. NotFound for others."""
    whole = flow_schema()
    if kind == "flow":
        return whole
    name = {"taskrunner": "taskRunner"}.get(kind.lower(), kind.lower())
    if name not in {"task", "trigger", "condition", "taskRunner"}:
        raise NotFound(f"There is no schema of '{kind[:60]}'. Known: flow, task, trigger, condition, taskRunner.")
    return {"$schema": whole["$schema"], "$ref": f"#/definitions/{name}", "definitions": whole["definitions"]}


def list_input_types() -> list[dict[str, str]]:
    """The types of inputs, each with the class that declares it."""
    return [{"type": kind.value, "cls": _INPUTS[kind].__name__} for kind in InputType if kind in _INPUTS]


@cache
def input_document(type_name: str) -> dict[str, Any]:
    """Text and schema of one type of input. NotFound."""
    word = type_name.upper()
    if word not in InputType.__members__ or InputType(word) not in _INPUTS:
        raise NotFound(f"There is no input type '{type_name[:60]}'. Known: {', '.join(_INPUTS)}.")
    model = _INPUTS[InputType(word)]
    schema = model.model_json_schema(by_alias=True)
    return {"markdown": f"# {word}\n\n{inspect.cleandoc(model.__doc__ or '')}", "schema": {"properties": schema}}


_INPUTS: Final[dict[InputType, type[PluginModel]]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(AnyInput)[0])
}
