"""Local backend: whole files or none, and no way out of the folder, whatever the path or the links on the disk."""

from __future__ import annotations

import io
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.storage.backends.base import FileKind, FileMissing, InvalidPath, PathTaken, check_path
from apps.storage.backends.local import CHUNK, UNFINISHED, LocalConfig, LocalStorage


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "base"


@pytest.fixture
def backend(base: Path) -> LocalStorage:
    return LocalStorage(LocalConfig(base_path=base))


def put(backend: LocalStorage, path: str, text: str) -> None:
    assert backend.put(path, io.BytesIO(text.encode())) == len(text.encode())


def read(backend: LocalStorage, path: str) -> str:
    with backend.open(path) as file:
        return file.read().decode()


def unfinished(base: Path) -> list[str]:
    return [left.name for left in (base / UNFINISHED).iterdir()]


def test_file_is_read_back_and_replaced(backend: LocalStorage, base: Path) -> None:
    put(backend, "t/a/b.txt", "one")
    put(backend, "t/a/b.txt", "other")

    assert read(backend, "t/a/b.txt") == "other"
    assert (backend.size("t/a/b.txt"), backend.exists("t/a/b.txt"), backend.exists("t/a/c.txt")) == (5, True, False)
    assert backend.attributes("t/a/b.txt").name == "b.txt"
    assert backend.attributes("t/a").kind is FileKind.DIRECTORY
    assert unfinished(base) == []


def test_large_file_streams_whole(backend: LocalStorage) -> None:
    content = os.urandom(CHUNK) * 3 + b"end"

    assert backend.put("t/large", io.BytesIO(content)) == len(content)
    with backend.open("t/large") as file:
        assert file.read() == content


def test_write_that_breaks_off_leaves_the_old_file(backend: LocalStorage, base: Path) -> None:
    class Broken(io.RawIOBase):
        def __init__(self) -> None:
            self.reads = 0

        def read(self, size: int = -1) -> bytes:
            self.reads += 1
            if self.reads > 2:
                raise ConnectionResetError("the client went away")
            return b"x" * 10

    put(backend, "t/a", "old")
    with pytest.raises(ConnectionResetError):
        backend.put("t/a", Broken())  # type: ignore[arg-type]

    assert read(backend, "t/a") == "old"
    assert unfinished(base) == []


def test_reader_never_meets_half_a_file(backend: LocalStorage) -> None:
    versions = [letter * 300_000 for letter in "abc"]
    put(backend, "t/a", versions[0])
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for number in range(30):
                put(backend, "t/a", versions[number % 3])
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        assert read(backend, "t/a") in versions
    writer.join()
    assert failures == []


def test_list_shows_a_folder_and_recursive_its_files(backend: LocalStorage) -> None:
    for name in ("t/a/2.txt", "t/a/1.txt", "t/a/deep/er/3.txt", "t/b/4.txt"):
        put(backend, name, name)

    assert [(found.path, found.kind.value) for found in backend.list("t/a")] == [
        ("t/a/1.txt", "File"),
        ("t/a/2.txt", "File"),
        ("t/a/deep", "Directory"),
    ]
    assert [found.path for found in backend.list("t/a", recursive=True)] == [
        "t/a/1.txt",
        "t/a/2.txt",
        "t/a/deep/er/3.txt",
    ]
    assert list(backend.list("t/none")) == []
    assert list(backend.list("t/a/1.txt")) == []


def test_delete_removes_one_file_and_prefix_a_folder(backend: LocalStorage, base: Path) -> None:
    for name in ("t/a/1.txt", "t/a/deep/2.txt", "t/ab/3.txt"):
        put(backend, name, name)

    assert (backend.delete("t/a/1.txt"), backend.delete("t/a/1.txt")) == (True, False)
    with pytest.raises(PathTaken):
        backend.delete("t/a")
    assert backend.delete_prefix("t/a") == ["t/a/deep/2.txt"]
    assert backend.delete_prefix("t/a") == []
    assert backend.exists("t/ab/3.txt")
    assert not backend.exists("t/a")
    assert unfinished(base) == []


def test_move_renames_and_refuses_a_taken_name(backend: LocalStorage) -> None:
    put(backend, "t/a/1.txt", "one")
    put(backend, "t/b/2.txt", "two")

    backend.move("t/a", "t/c/d")
    assert read(backend, "t/c/d/1.txt") == "one"
    with pytest.raises(FileMissing):
        backend.move("t/a", "t/e")
    with pytest.raises(PathTaken):
        backend.move("t/c/d/1.txt", "t/b")
    with pytest.raises(PathTaken):
        put(backend, "t/b/2.txt/inner", "x")
    with pytest.raises(PathTaken):
        put(backend, "t/b", "x")


def test_what_a_dead_process_left_is_removed_a_day_later(backend: LocalStorage, base: Path) -> None:
    for name, age in (("old", timedelta(days=2)), ("new", timedelta(hours=1))):
        left = base / UNFINISHED / name
        left.write_text("half")
        then = (datetime.now(UTC) - age).timestamp()
        os.utime(left, (then, then))

    LocalStorage(LocalConfig(base_path=base))
    assert unfinished(base) == ["new"]


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "t//a", "t/", "..", "t/..", "t/../u/a", "t/./a", "t/a/../../u", "../t/a",
        ".unfinished/x", "t/%2e%2e/u", "t/%2E./u", "t/..%2fu", "t/%252e%252e/u", "t/%25252e%25252e/u", "t/a%00b",
        "t/%5c..", "t/a\x00b", "t/a\nb", "t\\..\\u", "t/a\\b", "t/\uff0e\uff0e/u", "t/\u2025/u", "t/\ud800",
        "t/" + "a" * 256, "t/" + "a/" * 600 + "a",
    ],
)  # fmt: skip
def test_path_trick_is_refused_by_every_operation(backend: LocalStorage, path: str) -> None:
    for attempt in (
        lambda: backend.put(path, io.BytesIO(b"x")),
        lambda: backend.open(path),
        lambda: backend.exists(path),
        lambda: backend.size(path),
        lambda: list(backend.list(path)),
        lambda: backend.delete(path),
        lambda: backend.delete_prefix(path),
        lambda: backend.move("t/a", path),
        lambda: backend.move(path, "t/a"),
    ):
        with pytest.raises(InvalidPath):
            attempt()


@given(st.text(st.sampled_from("a.%2e/\\\x00~$\uff0e"), min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_path_nothing_is_written_outside(backend: LocalStorage, base: Path, path: str) -> None:
    outside = {found for found in base.parent.rglob("*") if base not in found.parents and found != base}
    try:
        backend.put("t/" + path, io.BytesIO(b"x"))
    except (InvalidPath, PathTaken):
        pass
    else:
        assert (base / "t" / path).read_bytes() == b"x"
        assert (base / "t" / path).resolve().is_relative_to((base / "t").resolve())
    assert {found for found in base.parent.rglob("*") if base not in found.parents and found != base} == outside


def test_links_are_never_followed(backend: LocalStorage, base: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("hidden")
    put(backend, "t/a/1.txt", "one")
    put(backend, "u/a/1.txt", "of another tenant")
    (base / "t" / "out").symlink_to(outside)
    (base / "t" / "a" / "file").symlink_to(outside / "secret")
    (base / "t" / "other").symlink_to(base / "u")

    for path in ("t/out/secret", "t/a/file", "t/other/a/1.txt", "t/out"):
        with pytest.raises(FileMissing):
            backend.open(path)
        with pytest.raises(FileMissing):
            backend.size(path)
        assert not backend.exists(path)
    with pytest.raises(PathTaken):
        put(backend, "t/out/new", "x")
    assert [found.path for found in backend.list("t", recursive=True)] == ["t/a/1.txt"]
    assert list(backend.list("t/out")) == []
    assert backend.delete_prefix("t/out") == []
    put(backend, "t/a/file", "replaces the link, not what it points to")
    assert backend.delete_prefix("t") == ["t/a/1.txt", "t/a/file"]
    assert (outside / "secret").read_text() == "hidden"
    assert read(backend, "u/a/1.txt") == "of another tenant"


def test_pipe_in_the_folder_does_not_hang_a_reader(backend: LocalStorage, base: Path) -> None:
    put(backend, "t/a", "one")
    os.mkfifo(base / "t" / "pipe")

    with pytest.raises(FileMissing):
        backend.open("t/pipe")


def test_writer_makes_its_folder_again_when_another_removes_it(
    backend: LocalStorage, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, removals = os.rename, iter([True, True])

    def rename_too_late(*args: Any, **kwargs: Any) -> None:
        if next(removals, False):
            shutil.rmtree(base / "t" / "a")
        rename(*args, **kwargs)

    monkeypatch.setattr(os, "rename", rename_too_late)
    put(backend, "t/a/b/c", "x")

    assert read(backend, "t/a/b/c") == "x"


def test_check_path_answers_the_segments() -> None:
    assert check_path("t/a b/c.d/é/50%.csv/...") == ("t", "a b", "c.d", "é", "50%.csv", "...")


def test_configuration_names_its_folder() -> None:
    shape: dict[str, Any] = LocalConfig.model_json_schema(by_alias=True)

    assert list(shape["properties"]) == ["basePath"]
    assert shape["required"] == ["basePath"]
