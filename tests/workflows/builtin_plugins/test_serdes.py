"""Files of other formats to Ion and back: what goes through both ways is what it was."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.workflows.builtin_plugins.ion_reader import parse_row, read_rows
from apps.workflows.builtin_plugins.ion_writer import IonWriter, value_text
from apps.workflows.builtin_plugins.serdes.date_patterns import format_temporal, parse_moment
from apps.workflows.expressions.ion_text import parse_ion
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.registry import plugin_class
from tests.support.run_context import FakeRunContext

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Surrogates are no text in any file; a carriage return is a line's end to some readers.
TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
NAMES = st.lists(
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\n\x00"), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
    unique=True,
)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12)
DATES = st.dates() | st.times() | st.datetimes() | st.datetimes(timezones=st.just(UTC))
SCALARS = (
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | DECIMALS | TEXT | DATES | st.binary(max_size=9)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path)


def run(context: FakeRunContext, kind: str, content: bytes | str | dict[str, str], **properties: Any) -> Any:
    if not isinstance(content, dict):
        content = context.storage.put(content.encode() if isinstance(content, str) else content, "source")
    name = f"io.kestra.plugin.serdes.{kind}"
    written = {"id": "t", "type": name, "from": content, **properties}
    return plugin_class(name).model_validate(written, context={"by_name": False}, by_name=False).run(context)  # type: ignore[attr-defined]


def rows(context: FakeRunContext, uri: str) -> list[Any]:
    with context.storage.open(uri) as content:
        return list(read_rows(context, content))


def raw(context: FakeRunContext, uri: str) -> bytes:
    with context.storage.open(uri) as content:
        return content.read()


def ion(values: list[Any]) -> str:
    return "".join(value_text(value) + "\n" for value in values)


# Ion itself


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_ion_that_is_written_is_read_again(value: Any) -> None:
    text = value_text(value)
    assert "\n" not in text
    found = parse_row(text)
    assert found == value
    assert type(found) is type(value)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | NUMBERS | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
    )
)
def test_the_library_reads_the_same(value: Any) -> None:
    assert parse_ion(value_text(value)) == value


@given(st.lists(st.tuples(SCALARS, SCALARS, st.none() | TEXT), max_size=8))
@settings(max_examples=100, deadline=None)
def test_rows_by_column_are_the_rows(values: list[tuple[Any, ...]]) -> None:
    file = io.BytesIO()
    if values:
        IonWriter(file, ["a", "b c", "100%"]).write(list(zip(*values, strict=True)))
    found = [parse_row(line) for line in file.getvalue().decode().split("\n") if line]
    assert [tuple(row.values()) for row in found] == values
    assert all(list(row) == ["a", "b c", "100%"] for row in found)


# CSV and JSON


@SLOW
@given(names=NAMES, data=st.data())
def test_csv_goes_through_both_ways(context: FakeRunContext, names: list[str], data: st.DataObject) -> None:
    row = st.fixed_dictionaries({name: TEXT for name in names})
    written = data.draw(st.lists(row, min_size=1, max_size=5))
    separator = data.draw(st.sampled_from([",", ";", "\t"]))
    made = run(context, "csv.IonToCsv", ion(written), fieldSeparator=separator, alwaysDelimitText=True)
    back = run(context, "csv.CsvToIon", raw(context, made.uri), fieldSeparator=separator)
    assert rows(context, back.uri) == written


def test_csv_has_its_properties(context: FakeRunContext) -> None:
    text = "\ufeffid;name\n1;'a;b'\n\n2;\n3;x;more\n"
    properties = {"fieldSeparator": ";", "textDelimiter": "'"}
    assert rows(context, run(context, "csv.CsvToIon", text, **properties).uri) == [
        {"id": "1", "name": "a;b"},
        {"id": None, "name": None},
        {"id": "2", "name": ""},
        {"id": "3", "name": "x"},
    ]
    found = run(context, "csv.CsvToIon", text, **properties, skipEmptyRows=True, skipRows=1)
    assert [row["id"] for row in rows(context, found.uri)] == ["2", "3"]
    assert rows(context, run(context, "csv.CsvReader", "a,b\n1,2\n", header=False).uri) == [["a", "b"], ["1", "2"]]
    latin = run(context, "csv.CsvToIon", "name\né\n".encode("latin-1"), charset="ISO-8859-1")
    assert rows(context, latin.uri) == [{"name": "é"}]
    with pytest.raises(TaskFailed, match="Row 4 has 3 values, but 2 are expected"):
        run(context, "csv.CsvToIon", text, **properties, skipEmptyRows=True, errorOnDifferentFieldCount=True)
    with pytest.raises(TaskFailed, match="not written in UTF-8"):
        run(context, "csv.CsvToIon", "name\né\n".encode("latin-1"))


def test_csv_writes_values_of_all_kinds(context: FakeRunContext) -> None:
    row = {
        "n": 1,
        "d": Decimal("1.50"),
        "yes": True,
        "none": None,
        "day": date(2024, 2, 29),
        "clock": time(10, 15),
        "at": datetime(2024, 1, 2, 3, 4, 5, 6000, tzinfo=UTC),
        "map": {"a": [1, "x"]},
        "text": 'a "b", c',
    }
    made = run(context, "csv.IonToCsv", ion([row]), timeZoneId="Europe/Paris", dateFormat="dd/MM/yyyy")
    header, line = csv.reader(io.StringIO(raw(context, made.uri).decode()))
    assert header == list(row)
    assert line == [
        "1", "1.50", "true", "", "29/02/2024", "10:15:00", "2024-01-02T04:04:05.006+01:00", '{"a":[1,"x"]}', 'a "b", c'
    ]  # fmt: skip
    with pytest.raises(TaskFailed, match="Invalid data of type List with header"):
        run(context, "csv.IonToCsv", "[1, 2]\n")
    assert raw(context, run(context, "csv.IonToCsv", "[1, 2]\n", header=False, lineDelimiter="\r\n").uri) == b"1,2\r\n"


JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | DECIMALS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


@SLOW
@given(values=st.lists(JSON, max_size=5), new_line=st.booleans())
def test_json_goes_through_both_ways(context: FakeRunContext, values: list[Any], new_line: bool) -> None:
    made = run(context, "json.IonToJson", ion(values), newLine=new_line)
    text = raw(context, made.uri).decode()
    read = [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line] if new_line else None
    assert read in (None, values)
    back = run(context, "json.JsonToIon", text, newLine=new_line)
    assert rows(context, back.uri) == values
    assert made.uri.endswith(".jsonl" if new_line else ".json")


def test_a_long_list_is_read_in_parts(context: FakeRunContext) -> None:
    values = [{"id": number, "text": "x" * 100} for number in range(10_000)]
    back = run(context, "json.JsonToIon", json.dumps(values, indent=1), newLine=False)
    assert rows(context, back.uri) == values
    assert context.metrics[-1][:3] == ("counter", "records", 10_000)
    assert rows(context, run(context, "json.JsonToIon", ' {"a": 1} ', newLine=False).uri) == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "new_line", "message"),
    [
        ('{"a": 1}\n{"a"', True, "Line 2 is no JSON: .*; a file of one list needs `newLine: false`"),
        ("[1, 2", False, "its list has no end"),
        ("[1 2]", False, "no JSON list"),
        ("[nope]", False, "The file is no JSON"),
    ],
)
def test_what_is_no_json_says_where(context: FakeRunContext, text: str, new_line: bool, message: str) -> None:
    with pytest.raises(TaskFailed, match=message):
        run(context, "json.JsonToIon", text, newLine=new_line)


# Avro and Parquet

FIELDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "yes": ("boolean", st.booleans()),
    "small": ("int", st.integers(-(2**31), 2**31 - 1)),
    "big": ("long", NUMBERS),
    "real": ("double", st.floats(allow_nan=False)),
    "text": ("string", TEXT),
    "maybe": (["null", "string"], st.none() | st.text("abc", min_size=1)),
    "bytes": ("bytes", st.binary(max_size=9)),
    "day": ({"type": "int", "logicalType": "date"}, st.dates()),
    "clock": ({"type": "long", "logicalType": "time-micros"}, st.times()),
    "at": (
        {"type": "long", "logicalType": "timestamp-micros"},
        st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    "amount": ({"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 3}, DECIMALS),
    "list": ({"type": "array", "items": "long"}, st.lists(NUMBERS, max_size=3)),
    "map": ({"type": "map", "values": "string"}, st.dictionaries(TEXT, TEXT, max_size=3)),
}
SCHEMA = json.dumps(
    {"type": "record", "name": "row", "fields": [{"name": name, "type": kind} for name, (kind, _) in FIELDS.items()]}
)
ROW = st.fixed_dictionaries({name: values for name, (_, values) in FIELDS.items()})


@pytest.mark.parametrize("kind", ["avro.{}Avro", "parquet.{}Parquet"])
@SLOW
@given(written=st.lists(ROW, min_size=1, max_size=4))
def test_columns_go_through_both_ways(context: FakeRunContext, kind: str, written: list[dict[str, Any]]) -> None:
    made = run(context, kind.format("IonTo"), ion(written), schema=SCHEMA)
    family, name = kind.format("").split(".")
    back = run(context, f"{family}.{name}ToIon", raw(context, made.uri))
    # An empty map and an empty list are one in Parquet's rows.
    assert [_same(row) for row in rows(context, back.uri)] == [_same(row) for row in written]


def _same(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value or None if name == "map" else value for name, value in row.items()}


def test_texts_become_what_the_schema_wants(context: FakeRunContext) -> None:
    source = 'yes,n,real,day,at,maybe\non,7,"1,5",2024-02-29,2024-01-02T03:04:05,NA\n'
    columns = run(context, "csv.CsvToIon", source)
    fields = [
        {"name": "yes", "type": "boolean"},
        {"name": "n", "type": "long"},
        {"name": "real", "type": "double"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "maybe", "type": ["null", "string"]},
        {"name": "new", "type": "string", "default": "d"},
    ]
    schema = json.dumps({"type": "record", "name": "row", "fields": fields})
    properties = {"schema": schema, "decimalSeparator": ",", "timeZoneId": "Europe/Paris"}
    made = run(context, "parquet.IonToParquet", raw(context, columns.uri), **properties, compressionCodec="ZSTD")
    (row,) = rows(context, run(context, "parquet.ParquetToIon", raw(context, made.uri)).uri)
    assert row == {
        "yes": True,
        "n": 7,
        "real": 1.5,
        "day": date(2024, 2, 29),
        "at": datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC),
        "maybe": None,
        "new": "d",
    }


@pytest.mark.parametrize("kind", ["avro.IonToAvro", "parquet.IonToParquet"])
def test_a_row_that_does_not_fit_says_which(context: FakeRunContext, kind: str) -> None:
    schema = '{"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}]}'
    for row, message in (
        ('{n:"x"}', "Row 2: field `n`: `x` is no number"),
        ("{n:null}", "Row 2: field `n`: it is null"),
    ):
        with pytest.raises(TaskFailed, match=message):
            run(context, kind, "{n:1}\n" + row, schema=schema)
    with pytest.raises(TaskFailed, match="Row 1: the schema has no field m"):
        run(context, kind, "{n:1,m:2}", schema=schema, strictSchema=True)
    with pytest.raises(TaskFailed, match="`schema` is no Avro schema"):
        run(context, kind, "{n:1}", schema="{")


@pytest.mark.parametrize(("kind", "message"), [("avro.Avro", "no Avro"), ("parquet.Parquet", "no Parquet")])
def test_what_is_no_such_file_is_told(context: FakeRunContext, kind: str, message: str) -> None:
    with pytest.raises(TaskFailed, match=f"The file is {message}"):
        run(context, f"{kind}ToIon", b"nothing of the kind")


# Excel


def test_excel_goes_through_both_ways(context: FakeRunContext) -> None:
    orders = [{"id": 1, "name": "=1+1", "day": datetime(2024, 2, 29, 1, 2, 3), "n": 1.5}]  # noqa: DTZ001
    people = [{"name": "é", "yes": True}, {"name": "x", "yes": None}]
    sources = {
        "Orders": context.storage.put(ion(orders).encode(), "orders.ion"),
        "People": context.storage.put(ion(people).encode(), "people.ion"),
    }
    made = run(context, "excel.IonToExcel", sources)
    assert (made.size, made.uri.endswith(".xlsx")) == (3, True)
    book = openpyxl.load_workbook(io.BytesIO(raw(context, made.uri)))
    assert book["Orders"]["B2"].data_type == "s"
    back = run(context, "excel.ExcelToIon", raw(context, made.uri))
    assert back.size == 3
    assert {title: rows(context, uri) for title, uri in back.uris.items()} == {"Orders": orders, "People": people}
    one = run(context, "excel.ExcelToIon", raw(context, made.uri), sheetsTitle=["People"], header=False, skipRows=1)
    assert rows(context, one.uris["People"]) == [["é", True], ["x"]]
    with pytest.raises(TaskFailed, match="There is no sheet `Nope`; there are Orders, People"):
        run(context, "excel.ExcelToIon", raw(context, made.uri), sheetsTitle=["Nope"])
    with pytest.raises(TaskFailed, match="no Excel file"):
        run(context, "excel.ExcelToIon", b"nothing")


# Dates


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_date_is_read_as_it_was_written(at: datetime) -> None:
    for pattern in (
        "yyyy-MM-dd'T'HH:mm:ss.SSSSSS[XXX]",
        "dd/MM/yyyy hh:mm:ss a SSSSSSxx",
        "EEE"[:0] + "yyyyMMddHHmmssSSSSSSX",
    ):
        assert parse_moment(format_temporal(at, pattern), pattern) == at


def test_a_pattern_that_asks_for_too_much_is_told() -> None:
    with pytest.raises(TaskFailed, match="has nothing for `H`"):
        format_temporal(date(2024, 1, 2), "yyyy HH")
    with pytest.raises(TaskFailed, match="letter `Q`"):
        format_temporal(date(2024, 1, 2), "Q")
