"""The tasks on files of internal storage: what is cut, turned around, filtered, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.workflows.builtin_plugins.storage.reverse import lines_from_end
from apps.workflows.builtin_plugins.storage.splitting import Cut, parse_size, split_lines
from apps.workflows.plugin_api.errors import TaskFailed, TaskKilled
from apps.workflows.plugin_api.registry import plugin_class
from apps.workflows.plugin_api.task import RunnableTask
from tests.support.run_context import FakeRunContext

STORAGE = "io.kestra.plugin.core.storage."


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path)


def run(context: FakeRunContext, name: str, **properties: Any) -> dict[str, Any]:
    found = plugin_class(STORAGE + name).model_validate({"id": "t", "type": STORAGE + name, **properties})
    assert isinstance(found, RunnableTask)
    output = found.run(context)
    assert output is not None
    assert not isinstance(output, dict)
    return output.model_dump(mode="json", by_alias=True)


def stored(context: FakeRunContext, content: str | bytes) -> str:
    return context.storage.put(content.encode() if isinstance(content, str) else content, "source.txt")


def parts(context: FakeRunContext, content: str, cut: Cut) -> list[str]:
    source = stored(context, content)
    return [context.storage.read(uri) for uri in split_lines(context, source, cut, "part-")]


@pytest.mark.parametrize(
    ("content", "cut", "expected"),
    [
        ("a\nb\nc\n", Cut(rows=2), ["a\nb\n", "c\n"]),
        ("a\nb", Cut(rows=2), ["a\nb\n"]),
        ("a\r\nb\r\n", Cut(rows=1), ["a\n", "b\n"]),
        ("a\nb\n", Cut(rows=1, separator=";"), ["a;", "b;"]),
        ("", Cut(rows=3), []),
        ("a\nb\nc\nd\ne\n", Cut(partitions=2), ["a\nc\ne\n", "b\nd\n"]),
        ("a\n", Cut(partitions=5), ["a\n"]),
        ("aa\nbb\ncc\n", Cut(size=6), ["aa\nbb\n", "cc\n"]),
        ("a long line\nb\n", Cut(size=4), ["a long line\n", "b\n"]),
        ("a\nb\nc\n", Cut(size=2, partitions=1, rows=3), ["a\n", "b\n", "c\n"]),
        ("a\nb\nc\n", Cut(partitions=1, rows=1), ["a\nb\nc\n"]),
    ],
)
def test_a_file_is_cut_at_the_ends_of_lines(
    context: FakeRunContext, content: str, cut: Cut, expected: list[str]
) -> None:
    assert parts(context, content, cut) == expected


def test_parts_are_named_by_their_number(context: FakeRunContext) -> None:
    uris = list(split_lines(context, stored(context, "a\nb\n"), Cut(rows=1), "batch-"))
    assert [uri.rsplit("/", 1)[1] for uri in uris] == ["batch-1.txt", "batch-2.txt"]


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (Cut(), "no size, count, nor rows"),
        (Cut(rows=0), "`rows` must be at least 1, but is 0"),
        (Cut(partitions=-1), "`partitions` must be at least 1"),
        (Cut(partitions=5000), "can be at most 1000"),
    ],
)
def test_a_cut_that_makes_no_parts_fails(context: FakeRunContext, cut: Cut, message: str) -> None:
    with pytest.raises(TaskFailed, match=message):
        parts(context, "a\n", cut)


def test_a_killed_task_does_not_go_on_cutting(context: FakeRunContext) -> None:
    source = stored(context, "a\n" * 20)
    context.cancellation.kill()
    with pytest.raises(TaskKilled):
        list(split_lines(context, source, Cut(rows=1), "part-"))


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("10B", 10), ("2KB", 2048), (" 1 mb ", 1024**2), ("3GB", 3 * 1024**3)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "0KB", "ten", "10XB", "-5", "1.5MB"])
def test_what_is_no_size_is_told(text: str) -> None:
    with pytest.raises(TaskFailed, match="is no size of a part"):
        parse_size(text)


@given(
    st.lists(st.text(alphabet="ab;|", max_size=6), max_size=8),
    st.sampled_from([b";", b";|", b"|;|"]),
    st.integers(min_value=1, max_value=9),
    st.booleans(),
)
def test_lines_from_the_end_are_those_from_the_start_turned_around(
    lines: list[str], separator: bytes, block: int, ends: bool
) -> None:
    # A line must not end so that it makes another separator with what follows.
    plain = [line.encode().replace(b";", b"").replace(b"|", b"") for line in lines]
    content = separator.join(plain) + (separator if ends and plain else b"")
    expected = content.removesuffix(separator).split(separator) if content else []
    assert list(lines_from_end(io.BytesIO(content), separator, block)) == expected[::-1]


def test_reverse_takes_a_separator_and_a_charset(context: FakeRunContext) -> None:
    source = stored(context, "ä;ö;".encode("latin-1"))
    uri = run(context, "Reverse", **{"from": source}, separator=";", charset="ISO-8859-1")["uri"]
    with context.storage.open(uri) as file:
        assert file.read().decode("latin-1") == "ö;ä;"
    with pytest.raises(TaskFailed, match="`charset` is `klingon`"):
        run(context, "Reverse", **{"from": source}, charset="klingon")


def test_concat_takes_the_json_of_a_list_and_keeps_the_order(context: FakeRunContext) -> None:
    one, two = context.storage.put(b"1", "one"), context.storage.put(b"2", "two")
    uri = run(context, "Concat", files=f'["{two}", "{one}", "{two}"]', separator="{{ x }}", extension=".csv")["uri"]
    assert uri.endswith(".csv")
    assert context.storage.read(uri) == "2{{ x }}1{{ x }}2{{ x }}"


@pytest.mark.parametrize("files", ["nothing", "[1]", '{"a": 1}'])
def test_concat_says_what_it_needs(context: FakeRunContext, files: str) -> None:
    with pytest.raises(TaskFailed, match="`files` must be a list of addresses"):
        run(context, "Concat", files=files)


ROWS = '{key: "k1", value: 1}\n\n{"key": "k2", "value": "dummy"}\n{key: "k1", value: 4}\n'


def test_the_last_row_of_each_key_is_kept_in_the_order_of_the_file(context: FakeRunContext) -> None:
    output = run(context, "DeduplicateItems", **{"from": stored(context, ROWS)}, expr=" {{ key }} ")
    assert (output["numKeys"], output["processedItemsTotal"], output["droppedItemsTotal"]) == (2, 3, 1)
    assert context.storage.read(output["uri"]) == '{"key": "k2", "value": "dummy"}\n{key: "k1", value: 4}\n'


@pytest.mark.parametrize(
    ("kind", "behavior", "kept"),
    [
        ("INCLUDE", "INCLUDE", ["dummy", "4"]),
        ("INCLUDE", "EXCLUDE", ["4"]),
        ("EXCLUDE", "INCLUDE", ["1", "dummy"]),
        ("EXCLUDE", "EXCLUDE", ["1"]),
    ],
)
def test_rows_are_kept_by_a_condition(context: FakeRunContext, kind: str, behavior: str, kept: list[str]) -> None:
    output = run(
        context,
        "FilterItems",
        **{"from": stored(context, ROWS)},
        filterCondition="{{ value % 2 == 0 }}",
        filterType=kind,
        errorOrNullBehavior=behavior,
    )
    lines = context.storage.read(output["uri"]).splitlines()
    assert [next(word for word in kept if word in line) for line in lines] == kept
    assert (output["processedItemsTotal"], output["droppedItemsTotal"]) == (3, 3 - len(kept))


@pytest.mark.parametrize("condition", ["{{ value % 2 == 0 }}", "{{ nothing ?? '' }}"])
def test_a_condition_that_cannot_be_told_fails_and_names_the_row(context: FakeRunContext, condition: str) -> None:
    number = 2 if "value" in condition else 1
    with pytest.raises(TaskFailed, match=f"row {number}"):
        run(context, "FilterItems", **{"from": stored(context, ROWS)}, filterCondition=condition)


def test_a_line_that_is_no_row_is_named(context: FakeRunContext) -> None:
    with pytest.raises(TaskFailed, match="Line 2 of the file is no row"):
        run(context, "DeduplicateItems", **{"from": stored(context, "{a: 1}\n{a: ")}, expr="{{ a }}")


def test_a_row_without_fields_is_read_as_value(context: FakeRunContext) -> None:
    output = run(context, "FilterItems", **{"from": stored(context, "1\n2\n3\n")}, filterCondition="{{ value > 1 }}")
    assert context.storage.read(output["uri"]) == "2\n3\n"


def test_local_files_takes_the_json_of_its_properties(context: FakeRunContext) -> None:
    output = run(context, "LocalFiles", inputs='{"a/b.txt": "x", "c.md": "y"}', outputs='["a/*"]')
    assert list(output["uris"]) == ["a/b.txt"]
    assert run(context, "LocalFiles", outputs=["nothing.*"])["uris"] == {}
    with pytest.raises(TaskFailed, match="must be a path inside the working directory"):
        run(context, "LocalFiles", inputs={"../x": "y"})


def test_delete_can_insist(context: FakeRunContext) -> None:
    with pytest.raises(TaskFailed, match="Unable to find file"):
        run(context, "Delete", uri="kestra:///company/nothing.txt", errorOnMissing=True)
