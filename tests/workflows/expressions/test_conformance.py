"""The language against the conformance cases: one item per case, read from the file named by EXPRESSION_CASES."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.expressions.environment import (
    ExpressionError,
    render,
    render_recursive,
    render_tree,
    render_typed,
)
from tests.workflows.expressions.cases import FixtureFunctions, converted, read_value

REPOSITORY = Path(__file__).resolve().parents[3]
CASES_FILE = Path(
    os.environ.get("EXPRESSION_CASES") or REPOSITORY.parent / "shared" / "conformance" / "expressions.json"
)

# Artefacts of Java's types that we answer otherwise on purpose, by template, and what we answer instead.
OUR_ANSWERS: dict[str, str] = {
    # Whole numbers are one type for us: an int variable may be an argument, an epoch, or an index.
    "{{ l | chunk(n) }}": "[[1],[2]]",
    "{{ n | date('iso_sec') }}": "2013-09-08T15:19:12Z",
    "{{ 'abc'.substring(1) }}": "bc",
    # The engine's own variables are not ours.
    "{{ locale }}": "ERROR",
}


def load_cases() -> list[Any]:
    """The cases as pytest parameters; one skipped item when there is no file."""
    if not CASES_FILE.is_file():
        reason = f"no conformance cases at {CASES_FILE.name}; set EXPRESSION_CASES"
        return [pytest.param(None, id="no-cases", marks=pytest.mark.skip(reason=reason))]
    cases = json.loads(CASES_FILE.read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in cases]


def run(case: Mapping[str, Any]) -> object:
    """What the language answers."""
    variables = read_value(case["variables"])
    functions = FixtureFunctions(case.get("fixtures", {}), variables)
    template = case["template"]
    match case.get("mode", "render"):
        case "typed":
            return render_typed(template, variables, functions)
        case "recursive":
            return render_recursive(template, variables, functions)
        case "object":
            return render_tree(template, variables, functions)
        case "property":
            return converted(render(template, variables, functions), case["target"])
        case _:
            return render(template, variables, functions)


def fits(actual: object, expected: Any, how: str) -> bool:
    """Whether an answer meets the expectation."""
    if how in ("json", "json_unordered", "json_superset"):
        actual = json.loads(actual) if isinstance(actual, str) else actual
        expected = json.loads(expected) if isinstance(expected, str) else expected
    match how:
        case "exact":
            # 1 is not True and 1.0 is not 1.
            return json.dumps(actual) == json.dumps(expected)
        case "contains":
            return expected in str(actual)
        case "starts_with":
            return str(actual).startswith(expected)
        case "regex":
            return re.search(expected, str(actual)) is not None
        case "not_equal":
            return actual != expected
        case "json":
            return actual == expected
        case "json_unordered":
            return sorted(map(json.dumps, actual)) == sorted(map(json.dumps, expected))  # type: ignore[call-overload]
        case "json_superset":
            assert isinstance(actual, dict)
            return all(actual.get(key) == value for key, value in expected.items())
    raise AssertionError(f"unknown match {how}")


@pytest.mark.parametrize("case", load_cases())
def test_case(case: dict[str, Any]) -> None:
    answer = OUR_ANSWERS.get(case["template"]) if case.get("quirk") else None
    if answer is not None:
        if answer == "ERROR":
            with pytest.raises(ExpressionError):
                run(case)
        else:
            assert run(case) == answer
    elif "error" in case:
        with pytest.raises(ExpressionError) as caught:
            run(case)
        wanted = case["error"]
        if wanted.startswith("kind:"):
            assert caught.value.kind == wanted.removeprefix("kind:"), str(caught.value)
        else:
            assert wanted in str(caught.value)
    else:
        actual = run(case)
        assert fits(actual, case["expected"], case.get("match", "exact")), f"{case['template']!r} gave {actual!r}"
