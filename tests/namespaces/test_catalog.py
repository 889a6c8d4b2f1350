"""Values of KV pairs: which type a text or a value gets, and that it comes back as it was."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from apps.common.errors import IllegalArgument
from apps.namespaces.catalog import KvType, TypedValue, UnfitValue, check_key, decode_value, parse_body, type_value


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ('"text"', "STRING", "text"),
        ("1", "NUMBER", 1),
        ("1.5", "NUMBER", 1.5),
        ("0x1F", "NUMBER", 31),
        ("true", "BOOLEAN", True),
        ('{"a": 1, "b": null}', "JSON", {"a": 1, "b": None}),
        ('["a", 1]', "JSON", ["a", 1]),
        ("{a: b, c: 2021-09-01, d: [x, 1.5, true, null]}", "JSON",
         {"a": "b", "c": "2021-09-01", "d": ["x", 1.5, True, None]}),
        ("null", "JSON", None),
        ("2021-09-01", "DATE", date(2021, 9, 1)),
        ('"2021-09-01"', "STRING", "2021-09-01"),
        ("2021-09-01T01:02:03Z", "DATETIME", datetime(2021, 9, 1, 1, 2, 3, tzinfo=UTC)),
        ("2021-09-01T01:02:03.123456+02:00", "DATETIME", datetime(2021, 8, 31, 23, 2, 3, 123456, tzinfo=UTC)),
        ("PT5S", "DURATION", timedelta(seconds=5)),
        ('"P1DT2H"', "DURATION", timedelta(hours=26)),
        ("hello", "STRING", "hello"),
        ("hello world", "STRING", "hello world"),
        ("'quoted'", "STRING", "quoted"),
        ("", "STRING", ""),
        (" padded", "STRING", " padded"),
        ("key: value", "STRING", "key: value"),
        ("5 // five", "STRING", "5 // five"),
        ("word // more", "STRING", "word // more"),
        ("a::1", "STRING", "a::1"),
        ("nan", "STRING", "nan"),
        ("1e999", "STRING", "1e999"),
        ("2021T", "STRING", "2021T"),
        ("2021-13-01", "STRING", "2021-13-01"),
        ("P", "STRING", "P"),
        ("PT", "STRING", "PT"),
        ("P1Y", "STRING", "P1Y"),
        ("P9999999999D", "STRING", "P9999999999D"),
        ("-----BEGIN KEY-----\nabc\n", "STRING", "-----BEGIN KEY-----\nabc\n"),
        ("[" * 200 + "]" * 200, "JSON", json.loads("[" * 200 + "]" * 200)),
        ("[" * 50_000, "STRING", "[" * 50_000),
    ],
)  # fmt: skip
def test_body_gets_its_type(body: str, kind: str, value: Any) -> None:
    parsed = parse_body(body)

    assert (parsed.type.value, parsed.value) == (kind, value)
    assert type(parsed.value) is type(value)
    assert decode_value(parsed.type, parsed.encode()) == parsed


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("123.45", KvType.NUMBER, 123.45),
        ("7", KvType.NUMBER, 7),
        ("TRUE", KvType.BOOLEAN, True),
        ("yes", KvType.BOOLEAN, False),
        ("2024-01-31T10:00:00+01:00", KvType.DATETIME, datetime(2024, 1, 31, 9, tzinfo=UTC)),
        ("2024-01-31", KvType.DATE, date(2024, 1, 31)),
        ("2024-01-31T23:30:00-02:00", KvType.DATE, date(2024, 2, 1)),
        (datetime(2024, 1, 31, 1, tzinfo=timezone(timedelta(hours=2))), KvType.DATE, date(2024, 1, 30)),
        ("PT5M", KvType.DURATION, timedelta(minutes=5)),
        ("PT5M", KvType.STRING, "PT5M"),
        (5, KvType.STRING, "5"),
        (True, KvType.STRING, "true"),
        ({"a": 1}, KvType.STRING, '{"a": 1}'),
        (date(2024, 1, 31), KvType.STRING, "2024-01-31"),
        ('[{"some": "value"}]', KvType.JSON, [{"some": "value"}]),
        (timedelta(hours=1), KvType.JSON, "PT1H"),
    ],
)
def test_asked_type_converts(value: Any, kind: KvType, expected: Any) -> None:
    typed = type_value(value, kind)

    assert (typed.type, typed.value) == (kind, expected)
    assert decode_value(kind, typed.encode()) == typed


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("many", KvType.NUMBER), ("true", KvType.NUMBER), ("NaN", KvType.NUMBER), ("1e999", KvType.NUMBER),
        ("2024-01-31T10:00:00", KvType.DATETIME), ("soon", KvType.DATETIME), (5, KvType.DATETIME),
        ("soon", KvType.DATE), ("2024-02-30", KvType.DATE), (5, KvType.DATE), ("5", KvType.DURATION),
        (5, KvType.DURATION), ("{a", KvType.JSON), ("[1e999]", KvType.JSON), (float("nan"), None), (object(), None),
        ([float("inf")], None),
    ],
)  # fmt: skip
def test_unfit_value_is_refused(value: Any, kind: KvType | None) -> None:
    with pytest.raises(UnfitValue):
        type_value(value, kind)


def test_value_that_no_file_can_hold_is_refused() -> None:
    with pytest.raises(UnfitValue, match="surrogates"):
        type_value("\ud800").encode()
    with pytest.raises(UnfitValue, match="store a file instead"):
        type_value("x" * 11_000_000).encode()


def test_own_types_of_expressions_become_plain() -> None:
    class Special(str):
        __slots__ = ()

    assert type_value(Decimal("1.5")) == TypedValue(KvType.NUMBER, 1.5)
    assert type(type_value(Special("x")).value) is str
    assert type_value({"when": date(2024, 1, 31), "n": (1, 2)}).value == {"when": "2024-01-31", "n": [1, 2]}


@pytest.mark.parametrize("key", ["", "-a", ".a", "a b", "a/b", "ä", "a\n", "..", "a" * 201])
def test_bad_key_is_refused(key: str) -> None:
    with pytest.raises(IllegalArgument):
        check_key(key)


@given(st.text(max_size=200))
def test_any_body_is_kept(body: str) -> None:
    parsed = parse_body(body)
    try:
        content = parsed.encode()
    except UnfitValue:
        assert any(0xD800 <= ord(letter) < 0xE000 for letter in body) or "\\u" in body
        return
    assert decode_value(parsed.type, content) == parsed
    if parsed.type is KvType.STRING and body not in (parsed.value, f"'{parsed.value}'"):
        assert json.loads(body) == parsed.value if body.strip().startswith('"') else body.strip().strip("'") != body


values = (
    st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])) | st.dates() | st.timedeltas()
    | st.datetimes(timezones=st.just(UTC))
    | st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.integers()))
)  # fmt: skip


@given(values)
def test_value_comes_back_and_its_file_is_ion(value: Any) -> None:
    typed = type_value(value)
    content = typed.encode()

    assert decode_value(typed.type, content) == typed
    assert len(simpleion.loads(content, single_value=False)) == 1
