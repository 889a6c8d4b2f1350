"""Cron expressions: strict ranges, either-day rule, and dates around changes of the clock, all written by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from apps.workflows.builtin_plugins.trigger.cron import Cron, InvalidCron, parse_cron

BERLIN, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


def dates(cron: str, after: str, count: int, zone: ZoneInfo | None = None, *, seconds: bool = False) -> list[str]:
    """The next dates after a UTC moment, in UTC."""
    parsed: Cron = parse_cron(cron, with_seconds=seconds)
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = []
    for _ in range(count):
        following = parsed.next(moment, zone or UTC)
        assert following is not None and following > moment
        before = parsed.previous(following, zone or UTC)
        assert before is None or before <= moment or not found
        moment = following
        found.append(following.astimezone(UTC).strftime("%m-%dT%H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("*/15 * * * *", "2026-01-15T10:00:00", ["01-15T10:15:00", "01-15T10:30:00"]),
        ("5 4 * * SUN", "2026-01-15T10:00:00", ["01-18T04:05:00", "01-25T04:05:00"]),
        ("5 4 * * 7", "2026-01-15T10:00:00", ["01-18T04:05:00", "01-25T04:05:00"]),
        ("0 0 31 * *", "2026-01-31T00:00:00", ["03-31T00:00:00", "05-31T00:00:00"]),
        ("0 0 29 2 *", "2026-01-01T00:00:00", ["02-29T00:00:00"]),
        ("0 12 13 * FRI", "2026-02-01T00:00:00", ["02-06T12:00:00", "02-13T12:00:00", "02-20T12:00:00"]),
        ("0 12 */2 * MON", "2026-02-01T13:00:00", ["02-09T12:00:00", "02-23T12:00:00"]),
        ("30 22 1-3,28 12 *", "2026-12-03T00:00:00", ["12-03T22:30:00", "12-28T22:30:00"]),
        ("0-10/5 8-9 * JAN MON-FRI", "2026-01-16T09:00:00", ["01-16T09:05:00", "01-16T09:10:00", "01-19T08:00:00"]),
        ("@hourly", "2026-01-15T10:59:59", ["01-15T11:00:00"]),
        ("@yearly", "2026-01-01T00:00:00", ["01-01T00:00:00"]),
        ("@Weekly", "2026-01-15T00:00:00", ["01-18T00:00:00"]),
    ],
)
def test_dates(cron: str, after: str, expected: list[str]) -> None:
    assert dates(cron, after, len(expected)) == expected


def test_seconds() -> None:
    assert dates("*/20 59 23 * * *", "2026-01-15T23:59:39", 3, seconds=True) == [
        "01-15T23:59:40",
        "01-16T23:59:00",
        "01-16T23:59:20",
    ]


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("* * * *", "4 fields"),
        ("0 0 0 1 1 *", "withSeconds"),
        ("60 * * * *", "not between 0 and 59"),
        ("* 24 * * *", "not between 0 and 23"),
        ("* * 0 * *", "not between 1 and 31"),
        ("* * * 13 *", "not between 1 and 12"),
        ("* * * * 8", "not between 0 and 7"),
        ("30-10 * * * *", "ends before it begins"),
        ("*/0 * * * *", "no step"),
        ("*/x * * * *", "no step"),
        ("a * * * *", "no minute"),
        ("1,,2 * * * *", "no minute"),
        ("@never", "nickname"),
        ("0 0 30 2 *", "no month"),
        ("", "0 fields"),
    ],
)
def test_what_is_no_cron_expression(cron: str, reason: str) -> None:
    with pytest.raises(InvalidCron, match=reason) as caught:
        parse_cron(cron)
    assert str(caught.value).startswith(f"invalid cron expression '{cron}': ")


@pytest.mark.parametrize(
    ("zone", "cron", "after", "expected"),
    [
        # Berlin, 29 March 2026: 02:00 CET (01:00 UTC) becomes 03:00 CEST
        (BERLIN, "30 2 * * *", "2026-03-27T12:00:00", ["03-28T01:30:00", "03-29T01:30:00", "03-30T00:30:00"]),
        (BERLIN, "0 * * * *", "2026-03-28T23:30:00", ["03-29T00:00:00", "03-29T01:00:00", "03-29T02:00:00"]),
        (BERLIN, "30 2,3 * * *", "2026-03-29T00:00:00", ["03-29T01:30:00", "03-30T00:30:00", "03-30T01:30:00"]),
        (BERLIN, "0 3 * * *", "2026-03-28T12:00:00", ["03-29T01:00:00", "03-30T01:00:00"]),
        # Berlin, 25 October 2026: 03:00 CEST (01:00 UTC) becomes 02:00 CET
        (BERLIN, "30 2 * * *", "2026-10-24T12:00:00", ["10-25T00:30:00", "10-26T01:30:00"]),
        (BERLIN, "30 * * * *", "2026-10-24T23:00:00", ["10-24T23:30:00", "10-25T00:30:00", "10-25T01:30:00"]),
        (BERLIN, "30 * * * *", "2026-10-25T01:30:00", ["10-25T02:30:00"]),
        # New York, 8 March 2026: 02:00 EST (07:00 UTC) becomes 03:00 EDT; 1 November: 02:00 EDT becomes 01:00 EST
        (NEW_YORK, "15 2 * * *", "2026-03-07T12:00:00", ["03-08T07:15:00", "03-09T06:15:00"]),
        (NEW_YORK, "15 1 * * *", "2026-11-01T04:00:00", ["11-01T05:15:00", "11-02T06:15:00"]),
        (NEW_YORK, "*/30 1 * * *", "2026-11-01T04:59:00", ["11-01T05:00:00", "11-01T05:30:00", "11-02T06:00:00"]),
        (NEW_YORK, "0 0 * * *", "2026-10-31T12:00:00", ["11-01T04:00:00", "11-02T05:00:00"]),
        # Lord Howe moves by half an hour: 4 October 2026, 02:00 +10:30 (15:30 UTC the day before) becomes 02:30 +11:00
        (LORD_HOWE, "10 2 * * *", "2026-10-02T20:00:00", ["10-03T15:40:00", "10-04T15:10:00"]),
        (LORD_HOWE, "40 * * * *", "2026-10-03T14:30:00", ["10-03T15:10:00", "10-03T15:40:00", "10-03T16:40:00"]),
        # and on 5 April 2026, 02:00 +11:00 (15:00 UTC) becomes 01:30 +10:30
        (LORD_HOWE, "45 1 * * *", "2026-04-03T20:00:00", ["04-04T14:45:00", "04-05T15:15:00"]),
        (LORD_HOWE, "45 * * * *", "2026-04-04T14:00:00", ["04-04T14:45:00", "04-04T15:15:00", "04-04T16:15:00"]),
    ],
)
def test_changes_of_the_clock(zone: ZoneInfo, cron: str, after: str, expected: list[str]) -> None:
    assert dates(cron, after, len(expected), zone) == expected


def test_the_date_before() -> None:
    cron = parse_cron("30 2 * * *")
    assert cron.previous(datetime(2026, 3, 30, 0, 30, tzinfo=UTC), BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert cron.previous(datetime(2026, 1, 15, 10, tzinfo=UTC), UTC) == datetime(2026, 1, 15, 2, 30, tzinfo=UTC)
    assert parse_cron("0 0 29 2 *").previous(datetime(2026, 1, 1, tzinfo=UTC), UTC) == datetime(2024, 2, 29, tzinfo=UTC)
    assert parse_cron("* * * * *").previous(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), UTC) == datetime(
        2026, 1, 1, tzinfo=UTC
    )


def test_a_leap_day_on_a_sunday_is_found_over_decades() -> None:
    assert parse_cron("0 0 29 2 *").next(datetime(2097, 1, 1, tzinfo=UTC), UTC) == datetime(2104, 2, 29, tzinfo=UTC)
