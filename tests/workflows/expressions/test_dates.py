"""Dates: patterns letter by letter, named formats, reading, moving, nanoseconds, methods."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from apps.workflows.expressions.environment import ExpressionError, Functions, render
from apps.workflows.expressions.temporal import Duration, Instant, LocalDateTime, ZonedDateTime, wall_clock

PARIS = ZonedDateTime(datetime(2013, 9, 8, 17, 19, 12, tzinfo=ZoneInfo("Europe/Paris")), 123_456_789)
NEW_YEAR = datetime(2024, 12, 31, 0, 5, 9, tzinfo=UTC)


def dated(value: object, arguments: str) -> str:
    """The value through the filter `date`."""
    return render("{{ d | date(" + arguments + ") }}", {"d": value})


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("y yy yyyy yyyyy u uu", "2013 13 2013 02013 2013 13"),
        ("M MM MMM MMMM MMMMM L LLL LLLL", "9 09 Sep September S 9 Sep September"),
        ("d dd D DDD", "8 08 251 251"),
        ("E EEE EEEE EEEEE", "Sun Sun Sunday S"),
        ("e ee eee c ccc", "1 01 Sun 1 Sun"),
        ("w ww W F Y YY", "37 37 2 2 2013 13"),
        ("Q QQ QQQ QQQQ QQQQQ q qqq", "3 03 Q3 3rd quarter 3 3 Q3"),
        ("H HH h hh k kk K KK", "17 17 5 05 17 17 5 05"),
        ("a B", "PM in the afternoon"),
        ("m mm s ss", "19 19 12 12"),
        ("S SS SSSSSS SSSSSSSSS", "1 12 123456 123456789"),
        ("n N A", "123456789 62352123456789 62352123"),
        ("X XX XXX XXXX XXXXX", "+02 +0200 +02:00 +0200 +02:00"),
        ("x xx xxx Z ZZ ZZZ ZZZZ ZZZZZ", "+02 +0200 +02:00 +0200 +0200 +0200 GMT+02:00 +02:00"),
        (
            "O OOOO VV z zzzz v vvvv",
            "GMT+2 GMT+02:00 Europe/Paris CEST Central European Summer Time CET Central European Time",
        ),
        ("G GGGG GGGGG g", "AD Anno Domini A 56543"),
        ("''yyyy'' 'o''clock' 'T'", "'2013' o'clock T"),
        ("[yyyy]-[MM]", "2013-09"),
    ],
)
def test_pattern(pattern: str, result: str) -> None:
    quoted = '"' + pattern + '"'
    assert dated(PARIS, f"{quoted}, timeZone='Europe/Paris'") == result


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("h K k HH", "12 0 24 00"),
        ("a B", "AM at night"),
        ("X XX XXX x xx xxx Z ZZZZ ZZZZZ O", "Z Z Z +00 +0000 +00:00 +0000 GMT Z GMT"),
        ("YYYY w", "2025 1"),
        ("D", "366"),
    ],
)
def test_pattern_at_the_edges(pattern: str, result: str) -> None:
    assert dated(NEW_YEAR, f"'{pattern}'") == result


@pytest.mark.parametrize(
    "pattern", ["T", "yyyy-MM-ddTHH", "aa", "ddd", "SSSSSSSSSS", "EEEEEE", "V", "'open", "{y}", "b"]
)
def test_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError):
        dated(PARIS, '"' + pattern + '"')


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("iso", "2013-09-08T17:19:12.123456+02:00"),
        ("iso_sec", "2013-09-08T17:19:12+02:00"),
        ("sql", "2013-09-08 17:19:12.123456"),
        ("sql_seq", "2013-09-08 17:19:12"),
        ("iso_date_time", "2013-09-08T17:19:12.123456789+02:00[Europe/Paris]"),
        ("iso_zoned_date_time", "2013-09-08T17:19:12.123456789+02:00[Europe/Paris]"),
        ("iso_offset_date_time", "2013-09-08T17:19:12.123456789+02:00"),
        ("iso_local_date_time", "2013-09-08T17:19:12.123456789"),
        ("iso_date", "2013-09-08+02:00"),
        ("iso_local_date", "2013-09-08"),
        ("iso_time", "17:19:12.123456789+02:00"),
        ("iso_local_time", "17:19:12.123456789"),
        ("iso_offset_time", "17:19:12.123456789+02:00"),
        ("iso_instant", "2013-09-08T15:19:12.123456789Z"),
        ("iso_ordinal_date", "2013-251+02:00"),
        ("iso_week_date", "2013-W36-7+02:00"),
        ("basic_iso_date", "20130908+0200"),
        ("rfc_1123_date_time", "Sun, 8 Sep 2013 17:19:12 +0200"),
        ("medium", "Sep 8, 2013, 5:19:12\u202fPM"),
        ("short", "9/8/13, 5:19\u202fPM"),
    ],
)
def test_named_format(name: str, result: str) -> None:
    assert dated(PARIS, f"'{name}', timeZone='Europe/Paris'") == result


@pytest.mark.parametrize(
    ("text", "pattern", "result"),
    [
        ("2013-09-08T16:19Z", None, "2013-09-08T16:19:00.000000Z"),
        ("2013-09-08T16:19:12.5+02:00[Europe/Paris]", None, "2013-09-08T14:19:12.500000Z"),
        ("2013-09-08", None, "2013-09-08T00:00:00.000000Z"),
        ("20130908", "yyyyMMdd", "2013-09-08T00:00:00.000000Z"),
        ("8/9/13 5:19 PM", "d/M/yy h:mm a", "2013-09-08T17:19:00.000000Z"),
        ("Sunday, September 8, 2013", "EEEE, MMMM d, yyyy", "2013-09-08T00:00:00.000000Z"),
        ("2013-251", "yyyy-DDD", "2013-09-08T00:00:00.000000Z"),
        ("20130908171912123", "yyyyMMddHHmmssSSS", "2013-09-08T17:19:12.123000Z"),
        ("2013-09-08 17:19 +0200", "yyyy-MM-dd HH:mm Z", "2013-09-08T15:19:00.000000Z"),
        ("2013-09-08 17:19 Europe/Paris", "yyyy-MM-dd HH:mm VV", "2013-09-08T15:19:00.000000Z"),
        ("2013-09-08", "yyyy-MM-dd[ HH:mm]", "2013-09-08T00:00:00.000000Z"),
        ("2013-02-31", "yyyy-MM-dd", "2013-02-28T00:00:00.000000Z"),
        ("Tue, 8 Feb 2022 19:38:26 GMT", "rfc_1123_date_time", "2022-02-08T19:38:26.000000Z"),
        ("2013-09-08 17:19:12.5", "yyyy-MM-dd HH:mm:ss.S", "2013-09-08T17:19:12.500000Z"),
    ],
)
def test_reading(text: str, pattern: str | None, result: str) -> None:
    names = {"text": text, "pattern": pattern}
    assert render("{{ text | date(existingFormat=pattern) }}", names) == result


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("garbage", None), ("2013-13-01", None), ("2013-09-08 16:19", None), ("8.9.2013", "d/M/yyyy"), ("17:19", "HH:mm"),
     ("2013-09-08T25:00:00Z", None), ("1378653552", None), ("13 5 PM", "yy K"), ("99999-01-01", "yyyy-MM-dd")],
)  # fmt: skip
def test_reading_is_refused(text: str, pattern: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        render("{{ text | date(existingFormat=pattern) }}", {"text": text, "pattern": pattern})
    assert caught.value.kind == "evaluation"


def test_any_kind_of_date_is_taken() -> None:
    assert dated(1_378_653_552, "'iso_sec'") == "2013-09-08T15:19:12Z"
    assert dated(date(2024, 2, 29), "'iso_sec'") == "2024-02-29T12:00:00Z"
    assert dated(wall_clock(2024, 2, 29, 1), "'iso_sec', 'Europe/Paris'") == "2024-02-29T01:00:00+01:00"
    assert dated(Instant(NEW_YEAR, 5), "'SSSSSSSSS'") == "000000005"
    for refused in (True, 1.5, [1], {}, Duration(1)):
        with pytest.raises(ExpressionError):
            dated(refused, "'iso'")


@pytest.mark.parametrize(
    ("amount", "unit", "result"),
    [
        (1, "MONTHS", "2024-02-29T10:00:00Z"),
        (-1, "YEARS", "2023-01-31T10:00:00Z"),
        (13, "MONTHS", "2025-02-28T10:00:00Z"),
        (2, "WEEKS", "2024-02-14T10:00:00Z"),
        (36, "HOURS", "2024-02-01T22:00:00Z"),
        (1500, "MILLIS", "2024-01-31T10:00:01Z"),
        (1, "HALF_DAYS", "2024-01-31T22:00:00Z"),
        (1, "DECADES", "2034-01-31T10:00:00Z"),
    ],
)
def test_adding(amount: int, unit: str, result: str) -> None:
    names = {"d": "2024-01-31T10:00:00Z", "amount": amount, "unit": unit}
    assert render("{{ d | dateAdd(amount, unit, 'iso_sec') }}", names) == result


def test_adding_across_summer_time_keeps_the_clock_for_days_and_the_time_line_for_hours() -> None:
    text = "{{ '2024-03-30T12:00:00' | dateAdd(24, unit, 'iso_sec', timeZone='Europe/Paris') }}"
    assert render(text, {"unit": "HOURS"}) == "2024-03-31T13:00:00+02:00"
    text = "{{ '2024-03-30T02:30:00' | dateAdd(1, unit, 'iso_sec', timeZone='Europe/Paris') }}"
    assert render(text, {"unit": "DAYS"}) == "2024-03-31T03:30:00+02:00"


def test_timestamps() -> None:
    text = "{{ d | timestamp }} {{ d | timestampNano }} {{ d | timestampMicro }}"
    assert render(text, {"d": PARIS}) == "1378653552 1378653552123456789 1378653552000123456"


@pytest.mark.parametrize(
    ("value", "printed", "in_json"),
    [
        (PARIS, "2013-09-08T17:19:12.123456789+02:00[Europe/Paris]", '"2013-09-08T15:19:12.123456789Z"'),
        (datetime(2013, 9, 8, 16, 19, tzinfo=timezone(timedelta(hours=1))), "2013-09-08T16:19+01:00",
         '"2013-09-08T15:19:00Z"'),
        (Instant(datetime(2013, 9, 8, tzinfo=UTC), 120_000_000), "2013-09-08T00:00:00.120Z",
         '"2013-09-08T00:00:00.120Z"'),
        (LocalDateTime(wall_clock(2013, 9, 8), 120_000_000), "2013-09-08T00:00:00.120", '"2013-09-08T00:00:00.12"'),
        (wall_clock(2013, 9, 8), "2013-09-08T00:00", '"2013-09-08T00:00:00"'),
        (date(2013, 9, 8), "2013-09-08", '"2013-09-08"'),
        (time(9, 5), "09:05", '"09:05:00"'),
        (timedelta(hours=1, seconds=90, milliseconds=500), "PT1H1M30.5S", "3690.500000000"),
        (Duration(-1, 500_000_000), "PT-0.5S", "-0.500000000"),
        (timedelta(), "PT0S", "0.000000000"),
    ],
)  # fmt: skip
def test_texts_of_dates(value: object, printed: str, in_json: str) -> None:
    assert render("{{ v }} {{ [v] }}", {"v": value}) == f"{printed} [{in_json}]"


def test_methods_of_dates() -> None:
    names = {"d": PARIS, "i": Instant(NEW_YEAR), "l": date(2024, 2, 29), "t": timedelta(minutes=90)}
    for expression, result in (
        ("d.year ~ d.getMonthValue() ~ d.month ~ d.dayOfWeek", "20139SEPTEMBERSUNDAY"),
        ("d.plusMonths(1).toLocalDate()", "2013-10-08"),
        ("d.toLocalTime()", "17:19:12.123456"),
        ("d.toInstant().epochSecond", "1378653552"),
        ("d.zone ~ d.offset", "Europe/Paris+02:00"),
        ("i.atZone('Asia/Tokyo').hour", "9"),
        ("i.toEpochMilli()", "1735603509000"),
        ("l.minusYears(1)", "2023-02-28"),
        ("l.isBefore(l.plusDays(1))", "true"),
        ("t.toMinutes()", "90"),
    ):
        assert render("{{ " + expression + " }}", names) == result


def test_other_languages() -> None:
    assert dated(PARIS, "'EEEE d MMMM', locale='fr'") == "dimanche 8 septembre"
    assert dated(PARIS, "'EEE, d. MMM yyyy', locale='de-DE'") == "So., 8. Sept. 2013"
    assert render("{{ '8 mars 2024' | date('iso_local_date', existingFormat='d MMMM yyyy', locale='fr') }}", {}) == (
        "2024-03-08"
    )
    with pytest.raises(ExpressionError, match="Unknown locale"):
        dated(PARIS, "'EEEE', locale='xx-yy-zz'")


def test_now_asks_the_host() -> None:
    host = Functions(now=lambda: datetime(2024, 12, 20, 23, 30, 0, 5, tzinfo=UTC))
    assert render("{{ now() }}", {}, host) == "2024-12-20T23:30:00.000005Z"
    assert render("{{ now('yyyy-MM-dd', timeZone='Europe/Paris') }}", {}, host) == "2024-12-21"
