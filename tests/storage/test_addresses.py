"""Addresses of internal storage: where each kind of file lies, and what is no address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common.ids import new_id
from apps.storage.internal_storage import (
    InvalidPath,
    cache_address,
    execution_address,
    execution_id_of,
    input_address,
    is_below,
    kv_value_address,
    namespace_address,
    namespace_file_address,
    path_of,
    slug,
    task_file_address,
    trigger_file_address,
)


def test_each_kind_of_file_has_its_place() -> None:
    flow = ("io.kestra.tests", "My_Flow", "5f1")

    assert execution_address(*flow) == "kestra:///io/kestra/tests/my-flow/executions/5f1"
    assert task_file_address(*flow, "a_task", "77x", "out/a.csv") == (
        "kestra:///io/kestra/tests/my-flow/executions/5f1/tasks/a-task/77x/out/a.csv"
    )
    assert trigger_file_address(*flow, "on_file", "b.txt") == (
        "kestra:///io/kestra/tests/my-flow/executions/5f1/trigger/on-file/b.txt"
    )
    assert namespace_file_address("a.b", "/dir/x.py") == "kestra:///a/b/_files/dir/x.py"
    assert namespace_file_address("a.b", "/") == "kestra:///a/b/_files"
    assert kv_value_address("a.b", "my.key", "v1") == "kestra:///a/b/_kv/my.key.v1.ion"
    assert cache_address("a.b", "F", "t") == "kestra:///a/b/f/t/cache/cache.zip"
    assert cache_address("a.b", "F", "t", "1") != cache_address("a.b", "F", "t", "2")


def test_input_address_is_new_each_time() -> None:
    first, second = (input_address("a.b", "f", "5f1", "file", ".csv") for _ in range(2))

    assert first != second
    assert first.startswith("kestra:///a/b/f/executions/5f1/inputs/file/")
    assert first.endswith(".csv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("My_Flow", "my-flow"), ("a.b", "ab"), ("a__b--c", "a-b-c"), ("café x", "cafe-x"), ("-a-", "a")],
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


@pytest.mark.parametrize(
    "address",
    ["", "/a/b", "file:///a", "kestra://a/b", "kestra:/a", "kestra:///", "kestra:////a", "kestra:///../main/a",
     "kestra:///a/%2e%2e/b", "KESTRA:///a"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidPath):
        path_of(address)


def test_name_cannot_leave_its_folder() -> None:
    for name in ("../x", "a/../../x", "", "/x", "a\x00b"):
        with pytest.raises(InvalidPath):
            task_file_address("a.b", "f", "5f1", "t", "77x", name)
    for path in ("../_kv/x", "a/../../x", "a//b"):
        with pytest.raises(InvalidPath):
            namespace_file_address("a.b", path)


def test_namespace_cannot_lie_in_the_files_of_its_parent() -> None:
    for namespace in ("a._files", "a._kv.b", "a..b", "..", ""):
        with pytest.raises(InvalidPath):
            namespace_address(namespace)


def test_owner_of_a_file_is_read_from_its_address() -> None:
    execution_id = new_id()
    folder = execution_address("a.b", "f", execution_id)

    assert execution_id_of(folder + "/tasks/t/x") == execution_id
    assert execution_id_of("kestra:///a/b/_files/executions/list.txt") is None
    assert is_below(folder + "/tasks/t/x", folder)
    assert not is_below(folder, folder)
    assert not is_below(folder + "0/x", folder)


@given(st.text())
def test_any_text_is_an_address_below_its_folder_or_refused(text: str) -> None:
    try:
        address = namespace_file_address("a.b", text)
    except InvalidPath:
        return
    assert address == "kestra:///a/b/_files" or is_below(address, "kestra:///a/b/_files")
