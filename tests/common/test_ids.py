"""Short ids: 22 characters that are a UUID and sort by time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common.ids import ALPHABET, LENGTH, BadId, derived_id, from_uuid, is_id, new_id, to_uuid


@given(st.uuids())
def test_every_uuid_has_one_text(value: UUID) -> None:
    text = from_uuid(value)
    assert len(text) == LENGTH
    assert set(text) <= set(ALPHABET)
    assert to_uuid(text) == value


@given(st.uuids(), st.uuids())
def test_texts_sort_as_the_uuids_do(one: UUID, other: UUID) -> None:
    assert (from_uuid(one) < from_uuid(other)) == (one < other)


@pytest.mark.parametrize("value", [UUID(int=0), UUID(int=2**128 - 1), UUID(int=62**20), UUID(int=62**10 - 1)])
def test_ends_of_the_range(value: UUID) -> None:
    assert to_uuid(from_uuid(value)) == value


@pytest.mark.parametrize(
    "text", ["", "short", "z" * 22, "7" * 21 + "-", "7" * 23, "é" * 22, "c8a6c5d0-5b0e-4a5e-9a43-0d9f6f3f6f00"]
)
def test_other_texts_are_no_ids(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(BadId, match="is not an id"):
        to_uuid(text)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_new_ids_are_uuid_7_with_their_time(moment: datetime) -> None:
    value = to_uuid(new_id(moment))
    assert value.version == 7
    assert value.variant == "specified in RFC 4122"
    assert abs(value.int >> 80) == int(moment.timestamp() * 1_000_000 + 0.5) // 1000


def test_ids_sort_by_time_down_to_the_microsecond() -> None:
    start = datetime(2026, 1, 15, 10, tzinfo=UTC)
    made = [new_id(start + timedelta(microseconds=step)) for step in range(0, 5000, 7)]
    assert made == sorted(made)


def test_ids_do_not_repeat() -> None:
    moment = datetime(2026, 1, 15, 10, tzinfo=UTC)
    assert len({new_id(moment) for _ in range(10_000)}) == 10_000


def test_derived_ids_depend_on_their_parts_and_where_they_are_cut() -> None:
    assert derived_id("trigger", "2026-01-15") == derived_id("trigger", "2026-01-15")
    assert derived_id("ab", "c") != derived_id("a", "bc")
    assert derived_id("a") != derived_id("a", "")
    assert derived_id(1) == derived_id("1")
    assert to_uuid(derived_id("a")).version == 8


def test_derived_ids_sort_by_their_date_when_it_is_given() -> None:
    dates = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 20)]
    made = [derived_id("flow", date.isoformat(), at=date) for date in dates]
    assert made == sorted(made)
    assert made[0] == derived_id("flow", dates[0].isoformat(), at=dates[0])
