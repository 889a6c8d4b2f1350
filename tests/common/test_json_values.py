"""What the API shows: no nulls in objects, ISO dates and durations, camelCase."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from apps.common.json_values import Shape, to_json_value


class Colour(StrEnum):
    RED = "RED"


class Inner(Shape):
    first_name: str | None = None
    kept: int = 0


class Outer(Shape):
    is_default: bool
    inner: Inner | None = None
    anything: Any = None


@dataclass
class Row:
    flow_id: str
    gone: str | None = None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": None, "b": {"c": None, "d": 1}}, {"b": {"d": 1}}),
        ([None, {"a": None}], [None, {}]),
        (Outer(is_default=False, anything={"x_y": None, "z_z": 1}), {"isDefault": False, "anything": {"z_z": 1}}),
        (
            Outer(is_default=True, inner=Inner(first_name="A")),
            {"isDefault": True, "inner": {"firstName": "A", "kept": 0}},
        ),
        (Row("f"), {"flowId": "f"}),
        (datetime(2026, 1, 15, 10, tzinfo=UTC), "2026-01-15T10:00:00Z"),
        (datetime(2026, 1, 15, 10, 0, 0, 120000, tzinfo=timezone(timedelta(hours=2))), "2026-01-15T08:00:00.120000Z"),
        (date(2026, 1, 15), "2026-01-15"),
        (timedelta(hours=1, seconds=1), "PT1H1S"),
        (Colour.RED, "RED"),
        ({Colour.RED: 1}, {"RED": 1}),
        (Decimal("1.50"), 1.5),
        (Decimal("2"), 2),
        ((1, 2), [1, 2]),
    ],
)
def test_values(value: Any, shown: Any) -> None:
    assert to_json_value(value) == shown


def test_what_has_no_form_is_an_error_not_a_guess() -> None:
    with pytest.raises(TypeError, match="cannot be shown as JSON"):
        to_json_value(object())
    with pytest.raises(TypeError, match="without a zone"):
        to_json_value(datetime(2026, 1, 1))  # noqa: DTZ001
