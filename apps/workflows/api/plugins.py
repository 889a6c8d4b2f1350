"""The installed plugins: their names, schemas and documentation."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import signed_in
from apps.workflows.api.describe import describe, text
from apps.workflows.api.reading import answer_json
from apps.workflows.services.plugin_documents import (
    input_document,
    list_input_types,
    list_plugins,
    plugin_document,
    schema_of_kind,
)


@describe(list[dict[str, Any]], tag="Plugins")
@signed_in
def read_plugins(request: Request) -> HttpResponse:
    """All groups of types, with the names of their tasks, triggers, conditions and task runners."""
    return answer_json(list_plugins())


@describe(dict[str, Any], tag="Plugins")
@signed_in
def read_plugin(request: Request, cls: str) -> HttpResponse:
    """Documentation and schema of one type, by any of its names."""
    return answer_json(plugin_document(cls))


@describe(dict[str, Any], query=(text("arrayOf", "true: the schema of a list of these."),), tag="Plugins")
@signed_in
def read_schema(request: Request, kind: str) -> HttpResponse:
    """The JSON schema of a flow, a task, a trigger, a condition or a task runner."""
    schema = schema_of_kind(kind)
    if request.query_params.get("arrayOf", "").lower() == "true":
        definitions = schema.get("definitions", {})
        items = {name: value for name, value in schema.items() if name not in {"definitions", "$schema"}}
        schema = {"$schema": schema["$schema"], "type": "array", "items": items, "definitions": definitions}
    return answer_json(schema, headers={"Cache-Control": "private, max-age=300"})


@describe(list[dict[str, Any]], tag="Plugins")
@signed_in
def read_inputs(request: Request) -> list[dict[str, str]]:
    """The types of inputs."""
    return list_input_types()


@describe(dict[str, Any], tag="Plugins")
@signed_in
def read_input(request: Request, kind: str) -> HttpResponse:
    """Documentation and schema of one type of input."""
    return answer_json(input_document(kind))


@describe(list[dict[str, Any]], tag="Plugins")
@signed_in
def read_groups(request: Request) -> HttpResponse:
    """The same as all plugins: each group here is a subgroup."""
    return answer_json(list_plugins())


@describe(dict[str, Any], tag="Plugins")
@signed_in
def read_icons(request: Request) -> dict[str, Any]:
    """Icons by type: there are none yet, clients draw their own."""
    return {}
