"""Questions in plain words, in groups."""

from __future__ import annotations

from typing import Any

import pytest

from apps.userapps.forms import plain_error, questions, steps_of
from apps.workflows.forms import InputField


def field(id: str = "amount", **more: Any) -> InputField:
    held: dict[str, Any] = {"type": "INT", "kind": "number", "label": id, "help": "", "required": True}
    return InputField(id=id, **{**held, **more})


@pytest.mark.parametrize(
    ("one", "declared", "message", "said"),
    [
        (field(), {"max": 5000}, "Invalid input for `amount`, it must be less than `5000`, but received `9000`",
         "Use 5\u202f000 or less."),
        (field(), {"min": 1}, "Invalid input for `amount`, it must be more than `1`, but received `0`",
         "Use 1 or more."),
        (field(), {}, "Invalid input for `amount`, Expected `int` but received `x`, but received `x`",
         "Type a whole number, for example 12."),
        (field(), {}, "Invalid input for `amount`, missing required input, but received `null`", "Fill this in."),
        (field(kind="select", type="SELECT"), {}, "Invalid input for `amount`, missing required input, but received"
         " `null`", "Choose one."),
        (field(kind="email", type="EMAIL"), {}, "Invalid input for `a`, The input must be a valid email, but received"
         " `x`", "Type an e-mail address, for example maya@example.com."),
        (field(), {}, "The storage is full.", "The storage is full."),
    ],
)  # fmt: skip
def test_a_mistake_is_told_as_a_person_would(one: InputField, declared: Any, message: str, said: str) -> None:
    assert plain_error(one, declared, message) == said


def test_names_and_bounds_stand_where_types_and_ids_stood() -> None:
    (one,) = questions([field("request.row_limit", help="Of one file.")], {"request.row_limit": {"min": 1, "max": 9}})
    assert (one.label, one.help) == ("Row limit", "Of one file. From 1 to 9.")


def test_ids_with_a_dot_make_steps_in_their_order() -> None:
    steps = steps_of([field("who.name"), field("what.rows"), field("note"), field("who.mail")])
    assert [(step.label, [one.id for one in step.fields]) for step in steps] == [
        ("Who", ["who.name", "who.mail"]),
        ("What", ["what.rows"]),
        ("", ["note"]),
    ]
