"""JSON, YAML and Ion: layout and quoting, and reading back."""

from decimal import Decimal
from typing import Any

import pytest
import yaml

from apps.workflows.expressions.environment import ExpressionError, render, render_typed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None, "b": [None]}, '{"b":[null]}'),
        ('\x1f/é\u2028"\\\b', '"\\u001F/é\u2028\\"\\\\\\b"'),
        ([1.0, 1e21, 0.1 + 0.2], "[1.0,1.0E21,0.30000000000000004]"),
        ([float("nan"), float("-inf")], '["NaN","-Infinity"]'),
        ([Decimal("1E+3"), Decimal("2.50")], "[1000,2.50]"),
        ({1: True, None: False}, '{"1":true,"null":false}'),
        ((1, (2,)), "[1,[2]]"),
    ],
)
def test_json(value: object, text: str) -> None:
    assert render("{{ v | toJson }}", {"v": value}) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {"b": [1, {"c": None}]}}, "a:\n  b:\n   - 1\n   -\n    c: null\n"),
        ([[1, [2]], {}, []], " -\n   - 1\n   -\n     - 2\n - {}\n - []\n"),
        ({"a": "x\ny"}, "a: |-\n  x\n  y\n"),
        ({"a": "x\n\n"}, "a: |+\n  x\n\n"),
        ({"a": " x\ny"}, "a: |2-\n   x\n  y\n"),
        (["x\ny\n"], " - |\n  x\n  y\n"),
        ({"a": "no", "b": "~", "c": "- x", "d": "@x", "e": "x #y", "f": "it's"},
         "a: \"no\"\nb: \"~\"\nc: '- x'\nd: '@x'\ne: \"x #y\"\nf: it's\n"),
        ({"a": "{x}", "b": "x:", "c": "x:y", "d": " x", "e": "'x"},
         "a: \"{x}\"\nb: \"x:\"\nc: x:y\nd: ' x'\ne: '''x'\n"),
        ({"a b": 1, "1": 2, "x: y": 3, "": 4}, 'a b: 1\n"1": 2\n"x: y": 3\n"": 4\n'),
        ({"t": "a\tb", "l": "a \nb"}, 't: "a\\tb"\nl: "a \\nb"\n'),
        (1.5, "1.5\n"),
        ("text", "text\n"),
    ],
)  # fmt: skip
def test_yaml(value: object, text: str) -> None:
    assert render("{{ v | yaml }}", {"v": value}) == text
    assert yaml.safe_load(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None, "b c": [1, 1.5, "x\n"]}, "{a:null,'b c':[1,1.5e0,\"x\\n\"]}"),
        ({"null": True, "1": 1e10}, "{'null':true,'1':1.0e10}"),
        ([Decimal("1.10"), Decimal(5), 2.0], "[1.10,5.,2e0]"),
    ],
)
def test_ion(value: Any, text: str) -> None:
    assert render("{{ v | toIon }}", {"v": value}) == text
    assert render_typed("{{ fromIon(v) }}", {"v": text}) == value


def test_yaml_is_read_as_plain_data() -> None:
    source = "date: 2024-01-01\nkey: &anchor {a: 1}\nuse: *anchor\nyes: [1, 2.5, null]\n"
    assert render_typed("{{ yaml(y) }}", {"y": source}) == {
        "date": "2024-01-01",
        "key": {"a": 1},
        "use": "anchor",
        True: [1, 2.5, None],
    }


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("fromJson('{\"a\": NaN}')", "Invalid json: "),
        ("fromJson('')", "Invalid json: "),
        ("fromJson(5)", "The 'fromJson' function expects an argument 'json' with type string."),
        ("yaml(null)", "The 'yaml' function expects an argument 'yaml' with type string."),
        ("yaml('a: b: c')", "Invalid yaml: "),
        ("fromIon('{a')", "Invalid ion: "),
    ],
)
def test_what_can_not_be_read(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render("{{ " + expression + " }}", {})
    assert caught.value.message.startswith(message)
