"""The schemas that editors use."""

from __future__ import annotations

import json

import pytest

from apps.workflows.flow_language.json_schema import flow_schema, installed_types, type_schema
from apps.workflows.plugin_api.errors import UnknownType


def test_every_installed_type_is_in_the_schema_of_a_flow() -> None:
    definitions = flow_schema()["definitions"]
    assert set(installed_types()) <= set(definitions)
    tasks = definitions["task"]["properties"]["type"]["enum"]
    assert "io.kestra.plugin.core.log.Log" in tasks
    assert "io.kestra.core.tasks.log.Log" in tasks
    assert "io.kestra.plugin.core.runner.Process" not in tasks
    assert definitions["taskRunner"]["properties"]["type"]["enum"] == ["io.kestra.plugin.core.runner.Process"]


def test_every_reference_has_its_definition() -> None:
    schema = flow_schema()
    text = json.dumps(schema)
    named = {part.split('"')[0] for part in text.split('"#/definitions/')[1:]}
    assert named
    assert named <= set(schema["definitions"])


def test_a_type_is_shown_with_title_examples_and_outputs() -> None:
    schema = type_schema("io.kestra.core.tasks.debugs.Return")
    assert schema["properties"]["title"] == "Give a rendered text as output."
    assert schema["properties"]["$examples"][0]["title"]
    assert set(schema["outputs"]["properties"]) == {"value"}


def test_the_definitions_of_one_type_hold_what_it_needs_and_no_other_plugin() -> None:
    schema = type_schema("io.kestra.plugin.core.flow.If")["properties"]
    assert "io.kestra.plugin.core.log.Log" not in schema["definitions"]
    text = json.dumps(schema)
    named = {part.split('"')[0] for part in text.split('"#/definitions/')[1:]}
    assert named <= set(schema["definitions"])


def test_an_unknown_type_has_no_schema() -> None:
    with pytest.raises(UnknownType):
        type_schema("no.such.Type")
