"""The filter grammar as people type it, as it stands in an address, and the times it understands."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.common.search_filters import BadFilter, Criterion, Op
from apps.common.search_filters.address import address_pairs, encode, parse_address
from apps.common.search_filters.as_api import as_api, typed_criteria
from apps.common.search_filters.keys import OPS, Gathering, Key, Keys, Kind, Parsed, read_span, span_milliseconds
from apps.common.search_filters.moments import DAYS, NAMED, read_phrase, read_time, resolve, say_time
from apps.common.search_filters.phrases import suggest_phrase
from apps.common.search_filters.text import format_text, parse_text

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS = Keys(
    "things",
    Key("state", "State", Kind.CHOICE, values=("RUNNING", "SUCCESS", "WARNING", "FAILED")),
    Key("namespace", "Namespace", Kind.NAMESPACE),
    Key("flow", "Flow", api="flowId"),
    Key("labels", "Labels", Kind.MAP),
    Key("time", "Started", Kind.TIME, api="startDate"),
    Key("ended", "Ended", Kind.TIME),
    Key("duration", "Duration", Kind.DURATION),
    Key("attempt", "Attempt", Kind.NUMBER),
    Key("enabled", "Enabled", Kind.FLAG),
    older={"flowId": "flow", "timeRange": "time"},
)
OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def read(text: str) -> list[Criterion]:
    parsed = parse_text(text, KEYS)
    assert parsed.problems == (), text
    return list(parsed.criteria)


@pytest.mark.parametrize(
    ("text", "criteria"),
    [
        ("state:failed,WARNING", [Criterion("state", Op.IN, ("FAILED", "WARNING"))]),
        ("state:FAILED last 2 days", [Criterion("state", Op.IN, ("FAILED",)), Criterion("time", Op.IN, ("-2d",))]),
        ("-state:FAILED", [Criterion("state", Op.NOT_IN, ("FAILED",))]),
        ("state!:FAILED", [Criterion("state", Op.NOT_IN, ("FAILED",))]),
        ("state:FAILED state:WARNING", [Criterion("state", Op.IN, ("FAILED", "WARNING"))]),
        ("namespace:a.b", [Criterion("namespace", Op.PREFIX, ("a.b",))]),
        ("-namespace:a.b", [Criterion("namespace", Op.NOT_PREFIX, ("a.b",))]),
        ("namespace=a.b", [Criterion("namespace", Op.IN, ("a.b",))]),
        ('flow:"two words",x\\,y', [Criterion("flow", Op.IN, ("two words", "x,y"))]),
        ("flow~:ord flow^:a flow$:z flow=~/^a\\/b c$/",
         [Criterion("flow", Op.STARTS_WITH, ("a",)), Criterion("flow", Op.ENDS_WITH, ("z",)),
          Criterion("flow", Op.CONTAINS, ("ord",)), Criterion("flow", Op.REGEX, ("^a/b c$",))]),
        ("-labels[team]:data", [Criterion("labels", Op.NOT_IN, ("data",), "team")]),
        ("has:labels[team] no:flow",
         [Criterion("flow", Op.IS_NOT_SET), Criterion("labels", Op.IS_SET, (), "team")]),
        ("duration>10min", [Criterion("duration", Op.GREATER_THAN, ("10m",))]),
        ("attempt:2..5", [Criterion("attempt", Op.GREATER_THAN_OR_EQUAL_TO, ("2",)),
                          Criterion("attempt", Op.LESS_THAN_OR_EQUAL_TO, ("5",))]),
        ("bui req -test", [Criterion("q", Op.CONTAINS, ("bui", "req")), Criterion("q", Op.NOT_CONTAINS, ("test",))]),
        ('"last 2 days" "a:b"', [Criterion("q", Op.CONTAINS, ("last 2 days", "a:b"))]),
        ("time:PT48H enabled:true",
         [Criterion("time", Op.IN, ("-48h",)), Criterion("enabled", Op.IN, ("YES",))]),
    ],
)  # fmt: skip
def test_typed_text(text: str, criteria: list[Criterion]) -> None:
    assert sorted(map(str, read(text))) == sorted(map(str, criteria))


@pytest.mark.parametrize(
    ("text", "place", "said", "kept"),
    [
        ("flow:x namspace:y", 7, "did you mean 'namespace'", 1),
        ("state:FALED flow:x", 0, "did you mean 'FAILED'", 1),
        ("flow:x duration:soon", 7, "cannot be asked for", 1),
        ("duration>soon", 0, "no length of time", 0),
        ("labels:data", 0, "needs a name", 0),
        ("flow=~/(/", 0, "no regular expression", 0),
        ("time:whenever", 0, "is no time", 0),
        ("flow:", 0, "has no value", 0),
        ("-flow^:a", 0, "cannot be negated", 0),
        ("http://example.com", 0, "in quotes", 0),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_rest_applies(text: str, place: int, said: str, kept: int) -> None:
    parsed = parse_text(text, KEYS)
    assert len(parsed.criteria) == kept
    (problem,) = parsed.problems
    assert problem.position == place
    assert said.lower() in problem.message.lower()
    with pytest.raises(BadFilter, match=f"At character {place + 1}"):
        typed_criteria(text, KEYS, now=NOW, zone=OSLO)


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
names = st.text("abcdefgh.-_/: ", min_size=1, max_size=8).map(str.strip).filter(bool)
moments = st.one_of(
    st.sampled_from([*NAMED, *DAYS, "all", "2026-01-31", "2026-01-31..", "..2026-01-31T10:00:00Z", "-2d/d..-0d/d"]),
    st.builds("{}{}{}".format, st.sampled_from("-+"), st.integers(1, 999), st.sampled_from("smhdwMy")),
)


@st.composite
def gathered(draw: st.DrawFn) -> Parsed:
    """Any criteria at all, in their one order."""
    found = Gathering(KEYS)
    for _ in range(draw(st.integers(0, 5))):
        key = draw(st.sampled_from(list(KEYS)))
        op = draw(st.sampled_from(sorted(OPS[key.kind])))
        values = {
            Kind.CHOICE: st.sampled_from(key.values or ("x",)),
            Kind.TIME: moments,
            Kind.DURATION: st.builds("{}{}".format, st.integers(0, 9999), st.sampled_from("smhdw")),
            Kind.NUMBER: st.integers(-999, 999).map(str),
            Kind.FLAG: st.sampled_from(["YES", "NO"]),
        }.get(key.kind, words)
        if op is Op.REGEX:
            values = st.text("ab/.\\d", max_size=6).filter(lambda text: text and not text.endswith("\\"))
        chosen = [] if op in {Op.IS_SET, Op.IS_NOT_SET} else draw(st.lists(values, min_size=1, max_size=3))
        found.add(key, op, chosen, sub=draw(names) if key.kind is Kind.MAP else None, text="")
    found.add_words(draw(st.lists(st.one_of(words, st.sampled_from(["last", "today", "-x", "a:b", '"'])), max_size=3)))
    found.add_words(draw(st.lists(words, max_size=2)), without=True)
    return Parsed(found.finish().criteria)


@unhurried
@given(gathered())
def test_text_of_criteria_gives_the_criteria_back(parsed: Parsed) -> None:
    assert parse_text(format_text(parsed.criteria, KEYS), KEYS) == parsed


@unhurried
@given(gathered())
def test_the_address_of_criteria_gives_the_criteria_back(parsed: Parsed) -> None:
    again, older = parse_address(address_pairs(parsed.criteria, KEYS), KEYS)
    assert again == parsed
    assert not older


@unhurried
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_whatever_is_typed_is_read_and_read_the_same_again(text: str) -> None:
    parsed = parse_text(text, KEYS)
    assert parse_text(format_text(parsed.criteria, KEYS), KEYS) == Parsed(parsed.criteria)


@pytest.mark.parametrize(
    ("pairs", "address"),
    [
        ([("filters[state][IN]", "FAILED,WARNING")], "state=FAILED,WARNING"),
        ([("filters[labels][EQUALS][team]", "data")], "labels[team]=data"),
        ([("filters[namespace][PREFIX]", "a.b"), ("filters[flowId][NOT_EQUALS]", "x")], "flow.not=x&namespace=a.b"),
        ([("timeRange", "PT48H")], "time=-48h"),
        ([("startDate", "2026-01-01T00:00:00Z")], "time=2026-01-01T00:00:00Z.."),
        ([("startDate", "2026-01-01"), ("endDate", "2026-01-02")], "time=2026-01-01..2026-01-02"),
        ([("labels", "team:data"), ("flowId", "x")], "flow=x&labels[team]=data"),
        ([("query", "state:FAILED last 2 days")], "state=FAILED&time=-2d"),
    ],
)
def test_older_addresses_become_the_one_form(pairs: list[tuple[str, str]], address: str) -> None:
    parsed, older = parse_address(pairs, KEYS)
    assert parsed.problems == ()
    assert encode(address_pairs(parsed.criteria, KEYS)) == address
    assert older


def test_an_unknown_parameter_is_told_and_the_rest_applies() -> None:
    parsed, _ = parse_address([("namspace", "x"), ("state", "FAILED"), ("size", "25")], KEYS, others={"size"})
    assert [problem.near for problem in parsed.problems] == ["namespace"]
    assert [one.field for one in parsed.criteria] == ["state"]


@pytest.mark.parametrize(
    ("said", "token"),
    [
        ("last 2 days", "-2d"), ("past 15 min", "-15m"), ("last hour", "-1h"), ("last 2 full days", "-2d/d..-0d/d"),
        ("today", "today"), ("day before yesterday", "-2d/d..-1d/d"), ("this month so far", "month"),
        ("last week", "lastweek"), ("since monday", "monday"), ("since 14:00", "14:00.."),
        ("since 2024-12-01", "2024-12-01.."), ("before 2024-12-01", "..2024-12-01"),
        ("between 2024-12-01 and 2024-12-03", "2024-12-01..2024-12-03"), ("next 24 hours", "+24h"),
        ("q1 2026", "2026-01-01..2026-03-31"),
    ],
)  # fmt: skip
def test_times_in_words(said: str, token: str) -> None:
    assert read_phrase(said.split()) == (token, len(said.split()))
    assert say_time(token)


@pytest.mark.parametrize(
    ("token", "begin", "end"),
    [
        ("-2d", "2026-01-13T10:00", None),
        ("-2d/d..-0d/d", "2026-01-12T23:00", "2026-01-14T22:59:59.999999"),
        ("today", "2026-01-14T23:00", "2026-01-15T22:59:59.999999"),
        ("week", "2026-01-11T23:00", "2026-01-18T22:59:59.999999"),
        ("lastmonth", "2025-11-30T23:00", "2025-12-31T22:59:59.999999"),
        ("-1M", "2025-12-15T10:00", None),
        ("monday", "2026-01-11T23:00", None),
        ("14:00..", "2026-01-15T13:00", None),
        ("2026-01-10..2026-01-11", "2026-01-09T23:00", "2026-01-11T22:59:59.999999"),
        ("2026-01-10", "2026-01-09T23:00", "2026-01-10T22:59:59.999999"),
        ("2026-01-10T12:00:00Z..", "2026-01-10T12:00", None),
        ("+24h", "2026-01-15T10:00", "2026-01-16T10:00"),
        ("all", None, None),
    ],
)
def test_moments_of_a_time_in_oslo(token: str, begin: str | None, end: str | None) -> None:
    def moment(text: str | None) -> datetime | None:
        return None if text is None else datetime.fromisoformat(text + "+00:00")

    assert resolve(token, NOW, OSLO) == (moment(begin), moment(end))


@pytest.mark.parametrize("text", ["soon", "-2x", "2026-13-01", "..", "2026-01-01..soon", "-9999999d", "99:00"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadFilter):
        read_time(text)


def test_a_time_beyond_all_dates_is_refused() -> None:
    with pytest.raises(BadFilter, match="beyond the dates"):
        resolve("-99999y", NOW, OSLO)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("failed last 2 days", "state:FAILED time:-2d"),
        ("running now", "state:RUNNING"),
        ("longer than 10 min", "duration>10m"),
        ("in company.team", "namespace:company.team"),
        ("without label team", "no:labels[team]"),
        ("failed builds", ""),
        ("", ""),
    ],
)
def test_sentences_are_offered_as_criteria(said: str, text: str) -> None:
    assert suggest_phrase(said, KEYS) == text


def test_criteria_as_the_api_has_them() -> None:
    assert as_api(read("flow:x time:-1h duration>2s enabled:yes -a b"), KEYS, now=NOW, zone=OSLO) == [
        Criterion("flowId", Op.IN, ("x",)),
        Criterion("startDate", Op.GREATER_THAN_OR_EQUAL_TO, ("2026-01-15T09:00:00+00:00",)),
        Criterion("duration", Op.GREATER_THAN, ("2000",)),
        Criterion("enabled", Op.IN, ("true",)),
        Criterion("q", Op.EQUALS, ("b",)),
        Criterion("q", Op.NOT_CONTAINS, ("a",)),
    ]


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("30", 30_000), ("1.5h", 5_400_000), ("PT10M", 600_000), ("5ms", 5)]
)
def test_lengths_of_time(text: str, milliseconds: int) -> None:
    assert span_milliseconds(text) == milliseconds
    assert read_span(read_span(text)) == read_span(text)
