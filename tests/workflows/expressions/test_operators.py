"""Operators: precedence, arithmetic, comparison, truth, and what is missing."""

from decimal import Decimal
from enum import Enum

import pytest

from apps.workflows.expressions.environment import ExpressionError, render
from apps.workflows.expressions.values import Float32


class State(Enum):
    RUNNING = "running"


NAMES = {
    "two": 2,
    "text": "t",
    "nothing": None,
    "no": False,
    "items": [1, 2, 3],
    "entries": {"a": 1},
    "big": 2**63 - 1,
    "exact": Decimal("1.10"),
    "single": Float32(0.1),
    "state": State.RUNNING,
}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        # Precedence.
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("'a' ~ 'b' | upper", "AB"),
        ("missing ?? 'y' | upper", "Y"),
        ("missing ?? 1 + 2", "3"),
        ("1 + -2 | abs", "3"),
        ("not no == true", "true"),
        ("not two is null", "false"),
        ("1 == 1 is null", "false"),
        ("true ? false ? 1 : 2 : 3", "2"),
        ("no ? 1 : no ? 2 : 3", "3"),
        ("1..two + 1 | length", "[1,2,0]"),
        ("2 - 1 - 1", "0"),
        ("100 / 10 / 5", "2"),
        ("true or false and false", "true"),
        # Arithmetic.
        ("-7 / 2", "-3"),
        ("-7 % 3", "-1"),
        ("7 % -3", "1"),
        ("7.0 / 2", "3.5"),
        ("0.0 / 0", "NaN"),
        ("-1.0 / 0", "-Infinity"),
        ("big + 1", "-9223372036854775808"),
        ("exact + 1", "2.10"),
        ("exact * 0.1", "0.110"),
        ("1 + 'a' + null", "1anull"),
        ("items + [4, 5] - [1, 5]", "[2,3,4]"),
        ("items - 9", "[1,2,3]"),
        ("single + single", "0.2"),
        ("+two", "2"),
        # Comparison.
        ("1 == 1.0", "true"),
        ("'1' == 1", "false"),
        ("true == 1", "false"),
        ("[1, {'a': 2}] == [1, {'a': 2}]", "true"),
        ("[1] == [1.0]", "false"),
        ("null == nothing", "true"),
        ("state == 'RUNNING'", "true"),
        ("state", "RUNNING"),
        ("nothing < 1", "false"),
        ("two >= 2", "true"),
        ("items contains 2", "true"),
        ("items contains [1, 3]", "true"),
        ("items contains true", "false"),
        ("entries contains 'a'", "true"),
        ("nothing contains 1", "false"),
        # Truth and text.
        ("'false' and two", "true"),
        ("'' or 0", "false"),
        ("nothing ? 1 : 2", "2"),
        ("'a' ~ nothing ~ [1, 'b'] ~ {'k': null}", "a[1, b]{k=null}"),
        ('"two is #{two} #{\'}\' ~ "#{text}"}"', "two is 2 }t"),
        ("'c'..'a'", "[]"),
        ("range(5, 1, -2)", "[5,3,1]"),
        # What is missing.
        ("missing.a[0].b ?? 'd'", "d"),
        ("(missing ~ 'a') ?? 'd'", "d"),
        ("max(1, missing) ?? 'd'", "d"),
        ("[missing] ?? 'd'", "d"),
        ("{'a': missing} ?? 'd'", "d"),
        ("(missing and true) ?? 'd'", "d"),
        ("nothing ??? 'd'", ""),
        ("missing ??? 'd'", "d"),
        ("missing ?? missing ?? nothing ?? 'd'", "d"),
        ("missing is defined or two is defined", "true"),
    ],
)
def test_expression_gives(expression: str, result: str) -> None:
    assert render("{{ " + expression + " }}", NAMES) == result


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 / 0", "Could not perform division"),
        ("5 % 0", "Could not perform modulus"),
        ("'a' * 2", "Could not perform multiplication"),
        ("nothing + 1", "Could not perform addition"),
        ("'a' < 'b'", "Could not perform less than comparison"),
        ("(missing == 1) ?? 'd'", "Could not perform equals comparison"),
        ("(missing + 1) ?? 'd'", "Could not perform addition"),
        ("items and true", "Wrong operand(s) type in logical expression"),
        ("not nothing", "Wrong operand(s) type in logical expression"),
        ("items ? 1 : 2", "Wrong operand(s) type in ternary expression"),
        ("5 contains 1", "Contains operator can only be used on Collections, Maps and arrays."),
        ("range(1, 3, 0)", "The increment of the range function must be different than 0"),
        ("entries[0]", "Invalid type for key"),
        ("-text", "A minus sign needs a number."),
    ],
)
def test_expression_fails(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError, match="^" + message.replace("(", r"\(").replace(")", r"\)")) as caught:
        render("{{ " + expression + " }}", NAMES)
    assert caught.value.kind == "evaluation"


def test_inputs_are_never_changed() -> None:
    names = {"items": [3, 1, 2], "entries": {"b": {"c": 1}}}
    text = """{% set items = items + 4 %}{% set entries = entries | merge({'d': 1}) %}{{ items | sort | reverse }}
        {{ [5, 4] | merge(items) | rsort }}{{ entries }}{% for e in entries %}{% set e = 0 %}{% endfor %}"""
    render(text, names)
    assert names == {"items": [3, 1, 2], "entries": {"b": {"c": 1}}}
