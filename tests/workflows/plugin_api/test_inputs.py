"""Input declarations: what each type accepts, how its value is kept, and the exact reason when it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from apps.workflows.plugin_api.inputs import (
    AnyInput,
    FlowOutput,
    Input,
    InvalidInput,
    InvalidOutput,
    check_declarations,
)
from apps.workflows.plugin_api.yaml_value import parse_yaml

ANY_INPUT: TypeAdapter[AnyInput] = TypeAdapter(AnyInput)


def declare(kind: str, **properties: Any) -> Input:
    return ANY_INPUT.validate_python({"id": "x", "type": kind, **properties})


@pytest.mark.parametrize(
    ("kind", "properties", "given_value", "typed"),
    [
        ("STRING", {}, "text", "text"),
        ("STRING", {}, 12, "12"),
        ("STRING", {}, True, "true"),
        ("STRING", {"validator": r"A\d+"}, "A123", "A123"),
        ("SECRET", {}, "hidden", "hidden"),
        ("INT", {}, "42", 42),
        ("INT", {"min": 10, "max": 20}, "10", 10),
        ("INT", {}, 7.0, 7),
        ("FLOAT", {}, "42.42", 42.42),
        ("FLOAT", {}, 3, 3.0),
        ("BOOLEAN", {}, "TRUE", True),
        ("BOOLEAN", {}, "yes", False),
        ("BOOLEAN", {}, "1", False),
        ("DATETIME", {}, "2019-10-06T18:27:49Z", "2019-10-06T18:27:49Z"),
        ("DATETIME", {}, "2019-10-06T20:27:49.5+02:00", "2019-10-06T18:27:49.500Z"),
        ("DATETIME", {"after": "2023-01-01T00:00:00Z"}, "2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z"),
        ("DATE", {}, "2019-10-06", "2019-10-06"),
        ("TIME", {}, "18:27:49", "18:27:49"),
        ("TIME", {}, "18:27:00", "18:27"),
        ("DURATION", {}, "PT5M6S", "PT5M6S"),
        ("DURATION", {}, "P1DT12H", "PT36H"),
        ("FILE", {}, "kestra:///io/kestra/a.txt", "kestra:///io/kestra/a.txt"),
        ("JSON", {}, '{"a": "b"}', {"a": "b"}),
        ("JSON", {}, {"a": [1]}, {"a": [1]}),
        ("YAML", {}, "some: property\nalist:\n- of\n- values", {"some": "property", "alist": ["of", "values"]}),
        ("YAML", {}, "a: 2024-01-31\nb: yes\nc: 0o7\nd: 1:30\ne: !!str 3", {
            "a": "2024-01-31", "b": "yes", "c": "0o7", "d": "1:30", "e": "3"}),
        ("URI", {}, "https://www.google.com", "https://www.google.com"),
        ("EMAIL", {}, "someone@example.com", "someone@example.com"),
        ("EMAIL", {}, "", ""),
        ("SELECT", {"values": ["A", "B"]}, "A", "A"),
        ("SELECT", {"values": ["A", "B"], "allowCustomValue": True}, "C", "C"),
        ("SELECT", {"values": [1, 2]}, "1", "1"),
        ("ENUM", {"values": ["A", "B"]}, "B", "B"),
        ("MULTISELECT", {"values": ["A", "B"]}, '["A"]', ["A"]),
        ("MULTISELECT", {"options": ["A", "B"]}, ["B", "A"], ["B", "A"]),
        ("MULTISELECT", {"values": ["1", "2"], "itemType": "INT"}, "[1, 2]", [1, 2]),
        ("ARRAY", {"itemType": "INT"}, "[1, 2, 3]", [1, 2, 3]),
        ("ARRAY", {"itemType": "DATE"}, ["2024-01-31"], ["2024-01-31"]),
    ],
)  # fmt: skip
def test_value_is_kept_in_its_type(kind: str, properties: dict[str, Any], given_value: Any, typed: Any) -> None:
    parsed = declare(kind, **properties).parse(given_value)

    assert parsed == typed
    assert type(parsed) is type(typed)
    assert json.loads(json.dumps(parsed)) == typed


@pytest.mark.parametrize(
    ("kind", "properties", "given_value", "reason"),
    [
        ("STRING", {"validator": r"A\d+"}, "foo", r"it must match the pattern `A\d+`"),
        ("STRING", {"validator": r"A\d+"}, "A1 and more", r"it must match the pattern `A\d+`"),
        ("INT", {"min": 10}, "9", "it must be more than `10`"),
        ("INT", {"max": 20}, "21", "it must be less than `20`"),
        ("INT", {}, "1.5", "Expected `INT` but received `1.5`"),
        ("INT", {}, True, "Expected `INT` but received `true`"),
        ("INT", {}, "2147483648", "Expected `INT` but received `2147483648`"),
        ("FLOAT", {"max": 0.5}, "1.01", "it must be less than `0.5`"),
        ("FLOAT", {}, "NaN", "Expected `FLOAT` but received `NaN`"),
        ("FLOAT", {}, "1e999", "Expected `FLOAT` but received `1e999`"),
        ("DATETIME", {"after": "2023-01-01T00:00:00Z"}, "2022-01-01T00:00:00Z",
         "it must be after `2023-01-01T00:00:00Z`"),
        ("DATETIME", {"before": "2023-12-31T23:59:59Z"}, "2023-12-31T23:59:59.001Z",
         "it must be before `2023-12-31T23:59:59Z`"),
        ("DATETIME", {}, "2023-01-01T00:00:00", "Expected `DATETIME` but received `2023-01-01T00:00:00`"),
        ("DATE", {"before": "2023-12-31"}, "2024-01-01", "it must be before `2023-12-31`"),
        ("DATE", {}, "20240101", "Expected `DATE` but received `20240101`"),
        ("DATE", {}, "2024-02-30", "Expected `DATE` but received `2024-02-30`"),
        ("TIME", {"after": "01:00:00"}, "00:30", "it must be after `01:00`"),
        ("TIME", {"before": "11:59:59"}, "14:00:00", "it must be before `11:59:59`"),
        ("DURATION", {"min": "PT10S"}, "PT1S", "It must be more than `PT10S`"),
        ("DURATION", {"max": "PT20S"}, "PT30S", "It must be less than `PT20S`"),
        ("DURATION", {}, "P1M", "Expected `DURATION` but received `P1M`"),
        ("FILE", {}, "/etc/passwd", "Expected `FILE` but received `/etc/passwd`"),
        ("FILE", {}, "kestra:///a/../b", "Expected `FILE` but received `kestra:///a/../b`"),
        ("JSON", {}, "{a", "Expected `JSON` but received `{a`"),
        ("JSON", {}, "NaN", "Expected `JSON` but received `NaN`"),
        ("YAML", {}, "a: [", "Expected `YAML` but received `a: [`"),
        ("URI", {}, "http:/bla", "Expected `URI` but received `http:/bla`"),
        ("EMAIL", {}, "nobody", "The input must be a valid email"),
        ("SELECT", {"values": ["A", "B"]}, "C", "it must match the values `[A, B]`"),
        ("ENUM", {"values": ["A", "B"]}, "C", "it must match the values `[A, B]`"),
        ("ARRAY", {"itemType": "INT"}, "text", "Expected `ARRAY` but received `text`"),
        ("ARRAY", {"itemType": "INT"}, '["s1", "s2"]', "Unable to parse array element as `INT` on `s1`"),
    ],
)  # fmt: skip
def test_refused_value_names_reason_and_value(
    kind: str, properties: dict[str, Any], given_value: Any, reason: str
) -> None:
    shown = "true" if given_value is True else given_value
    with pytest.raises(InvalidInput) as caught:
        declare(kind, **properties).parse(given_value)

    assert str(caught.value) == f"Invalid input for `x`, {reason}, but received `{shown}`"
    assert (caught.value.input_id, caught.value.reason) == ("x", reason)


def test_refused_multiselect_prints_its_list() -> None:
    with pytest.raises(InvalidInput) as caught:
        declare("MULTISELECT", values=["A", "B"]).parse(["A", "C"])

    assert str(caught.value) == "Invalid input for `x`, it must match the values `[A, B]`, but received `[A, C]`"


def test_refused_secret_does_not_show_its_value() -> None:
    with pytest.raises(InvalidInput) as caught:
        declare("SECRET", validator="[a-z]+").parse("UPPER")

    assert "UPPER" not in str(caught.value)
    assert "********" in str(caught.value)


def test_pattern_that_explodes_is_given_up() -> None:
    with pytest.raises(InvalidInput, match="takes too long"):
        declare("STRING", validator=r"(a|a)*[b-d]{2}").parse("a" * 40 + "b")


@pytest.mark.parametrize(
    ("declaration", "text"),
    [
        ({"type": "FILE", "defaults": "x"}, "x: no `defaults` can be set for inputs of type 'FILE'"),
        ({"type": "ARRAY", "itemType": "ARRAY"}, "x: `itemType` cannot be `ARRAY`"),
        ({"type": "STRING", "validator": "\\"}, "invalid pattern [\\]"),
        ({"type": "INT", "defaults": "many"}, "x: invalid `defaults`: Expected `INT` but received `many`"),
        ({"type": "MULTISELECT", "values": ["A"], "options": ["A"]}, "only one of `values` and `options` may be set"),
        ({"type": "SELECT"}, "one of `values` and `expression` is required"),
        ({"type": "STRING", "unknown": 1}, "Extra inputs are not permitted"),
        ({"type": "DATE", "after": "soon"}, "Expected `DATE` but received `soon`"),
    ],
)
def test_wrong_declaration_is_refused_when_the_flow_is_saved(declaration: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ANY_INPUT.validate_python({"id": "x", **declaration})

    assert text in str(caught.value)


def test_default_that_is_an_expression_is_checked_only_when_rendered() -> None:
    assert declare("INT", defaults="{{ 1 + 1 }}").defaults == "{{ 1 + 1 }}"


def test_legacy_name_is_the_id_and_required_is_always_shown() -> None:
    declared = ANY_INPUT.validate_python({"name": "old", "type": "DURATION", "min": "PT10S", "displayName": "Old"})

    assert declared.to_json() == {
        "id": "old", "type": "DURATION", "min": "PT10S", "displayName": "Old", "required": True}  # fmt: skip


def test_output_is_typed_and_its_error_names_it() -> None:
    output = FlowOutput.model_validate({"id": "o", "type": "INT", "value": "{{ outputs.x.value }}"})

    assert output.parse("7") == 7
    with pytest.raises(InvalidOutput) as caught:
        output.parse("seven")
    assert str(caught.value) == "Invalid output for `o`, Expected `INT` but received `seven`, but received `seven`"


def test_list_of_inputs_is_checked_as_a_whole() -> None:
    def named(name: str, *needs: str) -> Input:
        return ANY_INPUT.validate_python({"id": name, "type": "STRING", "dependsOn": {"inputs": list(needs)}})

    assert check_declarations([named("a"), named("b", "a"), named("c", "a", "b")]) == []
    assert check_declarations([named("a"), named("a")]) == ["Duplicate input with name [a]"]
    assert check_declarations([named("a", "b")]) == ["Input with id 'a' depends on a non-existent input 'b'."]
    assert check_declarations([named("a", "b"), named("b", "a"), named("c", "a")]) == [
        "Cycle dependency detected for input with id 'a': [a, b]",
        "Cycle dependency detected for input with id 'b': [b, a]",
    ]


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
        "[" * 150 + "]" * 150,
        "[" * 5000 + "]" * 5000,
        "a: &a [*a]",
    ],
    ids=["aliases", "deep", "very deep", "endless"],
)
def test_yaml_bomb_is_refused(bomb: str) -> None:
    with pytest.raises(ValueError, match="YAML"):
        parse_yaml(bomb)
    with pytest.raises(InvalidInput):
        declare("YAML").parse(bomb)


@given(st.text())
@pytest.mark.parametrize(
    "kind",
    ["INT", "FLOAT", "BOOLEAN", "DATETIME", "DATE", "TIME", "DURATION", "FILE", "JSON", "YAML", "URI", "EMAIL"],
)
def test_any_text_is_typed_or_refused(kind: str, text: str) -> None:
    declared = declare(kind)
    try:
        typed = declared.parse(text)
    except InvalidInput as error:
        assert str(error).startswith("Invalid input for `x`, ")
    else:
        json.dumps(typed, allow_nan=False)


@given(st.datetimes(timezones=st.timezones()))
def test_instant_keeps_its_moment(moment: Any) -> None:
    text = declare("DATETIME").parse(moment.isoformat()) if moment.utcoffset().seconds % 60 == 0 else None
    if text is not None:
        assert declare("DATETIME").parse(text) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_json_survives_text_and_structure(value: Any) -> None:
    declared = declare("JSON")

    assert declared.parse(json.dumps(value)) == value
    assert declared.parse(json.dumps(declared.parse(json.dumps(value)))) == value
