"""Inputs of an execution: typed, defaulted, dropped when not asked for, and every mistake told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from apps.workflows.expressions.environment import render, render_typed
from apps.workflows.plugin_api.inputs import AnyInput, FileInput
from apps.workflows.services.inputs import ReadInputs, read_inputs, validate_inputs

INPUTS: TypeAdapter[list[AnyInput]] = TypeAdapter(list[AnyInput])


@dataclass
class Uploaded:
    """A file that came with the request."""

    name: str | None
    size: int | None
    content: bytes = b""


class Renderer:
    """The expression language, with nothing but inputs."""

    def render(self, template: str, inputs: Mapping[str, Any]) -> str:
        return render(template, {"inputs": inputs})

    def render_typed(self, template: str, inputs: Mapping[str, Any]) -> Any:
        return render_typed(template, {"inputs": inputs})


class Reading:
    """Reads inputs as a start does, and remembers what was stored."""

    def __init__(self, *declared: dict[str, Any], encrypts: bool = True) -> None:
        self.declared = INPUTS.validate_python(list(declared))
        self.stored: dict[str, Any] = {}
        self.encrypts = encrypts

    def read(self, files: Mapping[str, Uploaded] | None = None, /, **given: Any) -> ReadInputs:
        return self.read_map(given, files)

    def read_map(self, given: Mapping[str, Any], files: Mapping[str, Uploaded] | None = None) -> ReadInputs:
        return read_inputs(
            self.declared,
            given,
            files=files or {},
            renderer=Renderer(),
            encrypt=(lambda clear: f"sealed({clear})") if self.encrypts else None,
            file_address=self._address,
            store_file=self.stored.__setitem__,
        )

    def validate(self, files: Mapping[str, Uploaded] | None = None, /, **given: Any) -> list[dict[str, Any]]:
        return validate_inputs(
            self.declared,
            given,
            files=files or {},
            renderer=Renderer(),
            can_encrypt=self.encrypts,
            file_address=self._address,
        )

    @staticmethod
    def _address(declared: FileInput, upload: Any) -> str:
        return f"kestra:///a/f/executions/1/inputs/{declared.id}/x{declared.extension}"


def texts(read: ReadInputs) -> list[str]:
    return [str(error) for error in read.errors]


def test_values_are_typed_and_nested() -> None:
    reading = Reading(
        {"id": "count", "type": "INT"},
        {"id": "nested.more.int", "type": "INT"},
        {"id": "nested.text", "type": "STRING"},
        {"id": "json", "type": "JSON"},
        {"id": "optional", "type": "STRING", "required": False},
        {"id": "empty", "type": "STRING", "defaults": ""},
    )

    read = reading.read_map({"count": "42", "nested.more.int": "123", "nested.text": "t", "json": "{}", "unknown": "x"})

    assert read.errors == []
    assert read.values == {
        "count": 42,
        "nested": {"more": {"int": 123}, "text": "t"},
        "json": {},
        "optional": None,
        "empty": "",
    }
    assert reading.read_map({**read.values, "json": "{}"}).values == read.values


def test_all_mistakes_are_told_in_order() -> None:
    reading = Reading(
        {"id": "a", "type": "INT", "min": 10},
        {"id": "b", "type": "STRING"},
        {"id": "c", "type": "BOOLEAN"},
        {"id": "d", "type": "URI"},
    )

    read = reading.read(a="9", c="true", d="http:/bla")

    assert read.values == {}
    assert texts(read) == [
        "Invalid input for `a`, it must be more than `10`, but received `9`",
        "Invalid input for `b`, missing required input, but received `null`",
        "Invalid input for `d`, Expected `URI` but received `http:/bla`, but received `http:/bla`",
    ]
    assert read.message == "a: Invalid input for `a`, it must be more than `10`, but received `9`"


def test_default_is_typed_and_rendered() -> None:
    reading = Reading(
        {"id": "base", "type": "INT", "defaults": "20"},
        {"id": "double", "type": "INT", "defaults": "{{ inputs.base * 2 }}", "dependsOn": {"inputs": ["base"]}},
        {"id": "list", "type": "ARRAY", "itemType": "INT", "defaults": ["1", "{{ 1 + 1 }}"]},
        {"id": "yaml", "type": "YAML", "defaults": {"property": "something"}},
        {"id": "null", "type": "STRING", "defaults": "given"},
    )

    assert reading.read(null=None).values == {
        "base": 20,
        "double": 40,
        "list": [1, 2],
        "yaml": {"property": "something"},
        "null": "given",
    }


def test_default_that_does_not_fit_or_render_is_a_mistake() -> None:
    reading = Reading(
        {"id": "a", "type": "INT", "defaults": "{{ 'many' }}"},
        {"id": "b", "type": "STRING", "defaults": "{{ nothing.there }}", "required": False},
    )

    first, second = texts(reading.read())
    assert first == "Invalid input for `a`, Expected `INT` but received `many`, but received `many`"
    assert second.startswith("Invalid input for `b`, Cannot render 'defaults'. Cause: ")


DEPENDENT: tuple[dict[str, Any], ...] = (
    {"id": "input1", "type": "STRING"},
    {
        "id": "input2",
        "type": "STRING",
        "dependsOn": {"inputs": ["input1"], "condition": "{{ inputs.input1 equals 'v1' }}"},
    },
    {"id": "input3", "type": "STRING", "dependsOn": {"inputs": ["input2"]}},
)


def test_input_that_is_not_enabled_is_dropped_with_its_dependants() -> None:
    read = Reading(*DEPENDENT).read(input1="other", input2="v2", input3="v3")

    assert (read.values, read.errors) == ({"input1": "other"}, [])


def test_enabled_dependants_are_required() -> None:
    assert texts(Reading(*DEPENDENT).read(input1="v1")) == [
        "Invalid input for `input2`, missing required input, but received `null`",
        "Invalid input for `input3`, missing required input, but received `null`",
    ]
    assert Reading(*DEPENDENT).read(input1="v1", input2="a", input3="b").values == {
        "input1": "v1",
        "input2": "a",
        "input3": "b",
    }


def test_order_of_declaration_does_not_matter() -> None:
    backwards = Reading(*reversed(DEPENDENT))

    assert backwards.read(input1="other", input3="v3").values == {"input1": "other"}
    assert list(backwards.read(input1="v1", input2="a", input3="b").values) == ["input3", "input2", "input1"]


@pytest.mark.parametrize(
    ("condition", "enabled"),
    [("{{ true }}", True), ("{{ 'true' }}", False), ("true", False), ("{{ 1 }}", False), ("{{ null }}", False)],
)
def test_condition_must_be_a_true_boolean(condition: str, enabled: bool) -> None:
    reading = Reading({"id": "a", "type": "STRING", "dependsOn": {"condition": condition}})

    assert reading.read(a="x").values == ({"a": "x"} if enabled else {})


def test_condition_that_cannot_be_rendered_is_told_by_validate_only() -> None:
    reading = Reading(
        {"id": "input1", "type": "STRING"},
        {
            "id": "input2",
            "type": "STRING",
            "dependsOn": {"inputs": ["input1"], "condition": "{{ inputs.dummy equals 'dummy' }}"},
        },
    )

    read = reading.read(input1="value1", input2="value2")
    assert (read.values, read.errors) == ({"input1": "value1"}, [])
    first, second = reading.validate(input1="value1", input2="value2")
    assert (first["enabled"], first["value"], first["errors"]) == (True, "value1", [])
    assert (second["enabled"], second["value"], len(second["errors"])) == (False, None, 1)
    assert "Cannot render 'dependsOn.condition'" in second["errors"][0]["message"]


def test_circle_is_told_and_does_not_hang() -> None:
    reading = Reading(
        {"id": "a", "type": "STRING", "dependsOn": {"inputs": ["b"]}},
        {"id": "b", "type": "STRING", "dependsOn": {"inputs": ["a"]}},
    )

    assert reading.read(a="x", b="y").values == {}
    messages = [error["message"] for shown in reading.validate(a="x", b="y") for error in shown["errors"]]
    assert any("depends on itself" in message for message in messages)


def test_secret_is_encrypted_at_rest_and_clear_in_expressions() -> None:
    reading = Reading(
        {"id": "secret", "type": "SECRET", "validator": "[a-z]+"},
        {"id": "list", "type": "ARRAY", "itemType": "SECRET", "required": False},
        {
            "id": "more",
            "type": "STRING",
            "dependsOn": {"inputs": ["secret"], "condition": "{{ inputs.secret == 'hidden' }}"},
        },
    )

    assert reading.read(secret="hidden", list='["x"]', more="m").values == {
        "secret": {"type": "io.kestra.datatype:aes_encrypted", "value": "sealed(hidden)"},
        "list": [{"type": "io.kestra.datatype:aes_encrypted", "value": "sealed(x)"}],
        "more": "m",
    }
    assert reading.validate(secret="hidden")[0]["value"] == "********"
    assert "HIDDEN" not in str((texts(reading.read(secret="HIDDEN")), reading.validate(secret="HIDDEN")))


def test_secret_without_encryption_is_refused() -> None:
    reading = Reading(
        {"id": "secret", "type": "SECRET", "required": False}, {"id": "a", "type": "STRING"}, encrypts=False
    )

    (text,) = texts(reading.read(secret="hidden", a="x"))
    assert text == (
        "Invalid input for `secret`, Unable to use a `SECRET` input/output as encryption is not configured, "
        "but received `********`"
    )
    assert len(reading.validate(secret="hidden", a="x")[0]["errors"]) == 1
    assert reading.read(a="x").values == {"secret": None, "a": "x"}


def test_files_are_stored_only_when_everything_is_valid() -> None:
    reading = Reading(
        {"id": "file", "type": "FILE"}, {"id": "data", "type": "FILE", "extension": ".csv"}, {"id": "a", "type": "INT"}
    )
    files = {"file": Uploaded("one.txt", 3), "data": Uploaded("two.csv", 3), "other": Uploaded("three", 3)}

    assert len(reading.read(files, a="x").errors) == 1
    assert reading.stored == {}
    assert [shown["enabled"] for shown in reading.validate(files, a="1")] == [True, True, True]
    assert reading.stored == {}

    read = reading.read(files, a="1")
    assert read.values["data"] == "kestra:///a/f/executions/1/inputs/data/x.csv"
    assert reading.stored == {read.values["file"]: files["file"], read.values["data"]: files["data"]}


def test_file_may_be_an_address_and_must_not_be_empty() -> None:
    reading = Reading({"id": "file", "type": "FILE"})

    assert reading.read(file="kestra:///a/b.txt").values == {"file": "kestra:///a/b.txt"}
    (text,) = texts(reading.read({"file": Uploaded("one.txt", 0)}))
    assert "Can't upload file: file" in text
    (text,) = texts(reading.read())
    assert "missing required input" in text


def test_expression_computes_the_choices() -> None:
    reading = Reading(
        {"id": "kind", "type": "STRING"},
        {
            "id": "one",
            "type": "SELECT",
            "expression": "{{ inputs.kind == 'n' ? [1, 2] : ['a'] }}",
            "dependsOn": {"inputs": ["kind"]},
            "required": False,
        },
        {"id": "many", "type": "MULTISELECT", "expression": "{{ ['x', 'y'] }}", "required": False},
    )

    assert reading.read(kind="n", one="2", many='["y"]').values == {"kind": "n", "one": "2", "many": ["y"]}
    assert texts(reading.read(kind="n", one="3")) == [
        "Invalid input for `one`, it must match the values `[1, 2]`, but received `3`"
    ]
    assert reading.validate(kind="n")[1]["input"]["values"] == ["1", "2"]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("{{ nothing.there }}", "Cannot render 'expression'. Cause: "),
        ("{{ 'text' }}", "Invalid expression result. Expected a list of strings, but received a text"),
        ("{{ 5 }}", "Invalid expression result. Expected a list of strings, but received a number"),
        ("{{ {'a': 1} }}", "Invalid expression result. Expected a list of strings, but received a map"),
    ],
)
def test_expression_that_gives_no_choices_is_a_mistake(expression: str, reason: str) -> None:
    reading = Reading({"id": "one", "type": "SELECT", "expression": expression, "required": False})

    (text,) = texts(reading.read(one="x"))
    assert text.startswith(f"Invalid input for `one`, {reason}")


def test_validate_never_fails_and_shows_each_input() -> None:
    reading = Reading({"id": "a", "type": "INT"}, {"id": "b", "type": "STRING", "required": False})

    first, second = reading.validate(a="x")
    assert first["input"] == {"id": "a", "type": "INT", "required": True}
    assert first["errors"] == [{"message": "Invalid input for `a`, Expected `INT` but received `x`, but received `x`"}]
    assert (second["enabled"], second["value"], second["errors"]) == (True, None, [])


ids = st.sampled_from(["a", "b", "c", "a.b", "a.c", "b.a.c"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": ids, "type": st.sampled_from(["INT", "JSON", "STRING"]), "required": st.booleans()},
            optional={"dependsOn": st.fixed_dictionaries({"inputs": st.lists(ids, max_size=2)})},
        ),
        unique_by=lambda one: one["id"],
        max_size=5,
    ),
    st.dictionaries(ids, st.text(max_size=5) | st.integers() | st.dictionaries(ids, st.text(max_size=3)), max_size=5),
)
def test_whatever_is_sent_is_read_or_refused(declared: list[dict[str, Any]], given_values: dict[str, Any]) -> None:
    reading = Reading(*declared)
    read = reading.read_map(given_values)

    assert not (read.values and read.errors)
    json.dumps(read.values)
    assert len(reading.validate(**given_values)) == len(declared)
    if not read.errors:
        known = {one["id"].split(".")[0] for one in declared} | {one["id"] for one in declared}
        assert set(read.values) <= known
