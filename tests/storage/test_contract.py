"""What each storage backend must do, whatever it is made of: local disk, S3, Azure Blob, Google Cloud Storage."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from apps.storage.backends.base import FileKind, FileMissing, InvalidPath, PathTaken, StorageBackend
from apps.storage.internal_storage import InternalStorage


@pytest.fixture
def at() -> Iterator[str]:
    """A tenant's folder that no other test uses."""
    yield f"t{uuid4().hex[:12]}"


def put(backend: StorageBackend, path: str, content: bytes) -> None:
    assert backend.put(path, io.BytesIO(content)) == len(content)


def read(backend: StorageBackend, path: str) -> bytes:
    with backend.open(path) as file:
        return file.read()


def test_file_is_read_back_and_replaced(backend: StorageBackend, at: str) -> None:
    put(backend, f"{at}/a/b.txt", b"one")
    put(backend, f"{at}/a/b.txt", b"other")

    assert read(backend, f"{at}/a/b.txt") == b"other"
    assert backend.size(f"{at}/a/b.txt") == 5
    found = backend.attributes(f"{at}/a/b.txt")
    assert (found.path, found.name, found.kind, found.size) == (f"{at}/a/b.txt", "b.txt", FileKind.FILE, 5)
    assert found.modified.tzinfo is not None
    assert backend.attributes(f"{at}/a").kind is FileKind.DIRECTORY
    assert [backend.exists(f"{at}/{path}") for path in ("a", "a/b.txt", "a/b", "b")] == [True, True, False, False]


@pytest.mark.parametrize("name", ["é ü.txt", "a+b & c?d#e.txt", "50%.txt", "日本.csv", "a'b\".txt", "~x"])
def test_any_name_comes_back_as_it_was(backend: StorageBackend, at: str, name: str) -> None:
    put(backend, f"{at}/{name}", b"x")

    assert [found.path for found in backend.list(at)] == [f"{at}/{name}"]
    assert read(backend, f"{at}/{name}") == b"x"
    assert backend.delete(f"{at}/{name}") is True
    assert list(backend.list(at)) == []


def test_empty_file_is_a_file(backend: StorageBackend, at: str) -> None:
    put(backend, f"{at}/empty", b"")

    assert read(backend, f"{at}/empty") == b""
    assert backend.size(f"{at}/empty") == 0


def test_large_file_streams_whole_and_in_parts(backend: StorageBackend, at: str) -> None:
    content = os.urandom(9 * 1024 * 1024) + b"end"  # more than one part of each of them
    put(backend, f"{at}/large", content)

    assert read(backend, f"{at}/large") == content
    with backend.open(f"{at}/large") as file:
        assert file.read(10) == content[:10]
        assert file.seek(5_000_000) == 5_000_000
        assert file.read(1000) == content[5_000_000:5_001_000]
        file.seek(-3, io.SEEK_END)
        assert file.read() == b"end"
        assert file.read() == b""
        file.seek(0)
        assert file.read(3) == content[:3]


def test_lines_of_a_file_are_read_one_by_one(backend: StorageBackend, at: str) -> None:
    put(backend, f"{at}/lines", b"a\nbb\nccc")

    with backend.open(f"{at}/lines") as file:
        assert list(file) == [b"a\n", b"bb\n", b"ccc"]


@pytest.mark.parametrize("size", [10, 20 * 1024 * 1024])
def test_write_that_breaks_off_leaves_the_old_file(backend: StorageBackend, at: str, size: int) -> None:
    class Broken(io.RawIOBase):
        left = size

        def read(self, wanted: int = -1) -> bytes:
            if self.left <= 0:
                raise ConnectionResetError("the client went away")
            given = min(self.left, wanted if wanted > 0 else self.left, 65536)
            self.left -= given
            return b"x" * given

    put(backend, f"{at}/a", b"old")
    with pytest.raises(ConnectionResetError):
        backend.put(f"{at}/a", Broken())  # type: ignore[arg-type]

    assert read(backend, f"{at}/a") == b"old"
    assert [found.path for found in backend.list(at, recursive=True)] == [f"{at}/a"]


def test_absent_file_is_one_typed_error(backend: StorageBackend, at: str) -> None:
    for attempt in (
        lambda: backend.open(f"{at}/none"),
        lambda: backend.size(f"{at}/none"),
        lambda: backend.attributes(f"{at}/none"),
        lambda: backend.move(f"{at}/none", f"{at}/other"),
    ):
        with pytest.raises(FileMissing, match="There is no file at"):
            attempt()
    assert backend.exists(f"{at}/none") is False
    assert backend.delete(f"{at}/none") is False
    assert backend.delete_prefix(f"{at}/none") == []
    assert list(backend.list(f"{at}/none")) == []


def test_list_shows_a_folder_and_recursive_its_files(backend: StorageBackend, at: str) -> None:
    for name in ("a/2.txt", "a/1.txt", "a/deep/er/3.txt", "ab/4.txt"):
        put(backend, f"{at}/{name}", b"x")

    assert [(found.path.removeprefix(at), found.kind.value) for found in backend.list(f"{at}/a")] == [
        ("/a/1.txt", "File"),
        ("/a/2.txt", "File"),
        ("/a/deep", "Directory"),
    ]
    assert [found.path.removeprefix(at) for found in backend.list(f"{at}/a", recursive=True)] == [
        "/a/1.txt",
        "/a/2.txt",
        "/a/deep/er/3.txt",
    ]
    assert list(backend.list(f"{at}/a/1.txt")) == []


def test_empty_folder_is_shown_until_deleted(backend: StorageBackend, at: str) -> None:
    backend.make_folder(f"{at}/a/b")
    backend.make_folder(f"{at}/a/b")

    assert backend.exists(f"{at}/a/b")
    assert backend.attributes(f"{at}/a/b").kind is FileKind.DIRECTORY
    assert [(found.path, found.kind) for found in backend.list(f"{at}/a")] == [(f"{at}/a/b", FileKind.DIRECTORY)]
    assert list(backend.list(f"{at}/a/b")) == []
    assert list(backend.list(at, recursive=True)) == []
    assert backend.delete(f"{at}/a/b") is True
    assert not backend.exists(f"{at}/a/b")


def test_folder_cannot_take_a_files_name(backend: StorageBackend, at: str) -> None:
    put(backend, f"{at}/a", b"x")

    with pytest.raises(PathTaken):
        backend.make_folder(f"{at}/a")


def test_delete_removes_one_file_and_prefix_a_folder(backend: StorageBackend, at: str) -> None:
    for name in ("a/1.txt", "a/deep/2.txt", "a/deep/3.txt", "ab/4.txt"):
        put(backend, f"{at}/{name}", b"x")
    backend.make_folder(f"{at}/a/empty")

    assert (backend.delete(f"{at}/a/1.txt"), backend.delete(f"{at}/a/1.txt")) == (True, False)
    with pytest.raises(PathTaken):
        backend.delete(f"{at}/a")
    assert sorted(backend.delete_prefix(f"{at}/a")) == [f"{at}/a/deep/2.txt", f"{at}/a/deep/3.txt"]
    assert backend.delete_prefix(f"{at}/a") == []
    assert not backend.exists(f"{at}/a")
    assert backend.exists(f"{at}/ab/4.txt")


def test_prefix_of_many_files_is_deleted_in_batches(backend: StorageBackend, at: str) -> None:
    for number in range(301):
        put(backend, f"{at}/many/{number}", b"")

    assert len(list(backend.list(f"{at}/many"))) == 301
    assert len(backend.delete_prefix(f"{at}/many")) == 301
    assert not backend.exists(f"{at}/many")


def test_move_renames_files_and_folders(backend: StorageBackend, at: str) -> None:
    put(backend, f"{at}/a/1.txt", b"one")
    put(backend, f"{at}/a/deep/2.txt", b"two")

    backend.move(f"{at}/a", f"{at}/c/d")
    assert read(backend, f"{at}/c/d/deep/2.txt") == b"two"
    assert not backend.exists(f"{at}/a")
    put(backend, f"{at}/other", b"old")
    backend.move(f"{at}/c/d/1.txt", f"{at}/other")
    assert read(backend, f"{at}/other") == b"one"
    with pytest.raises(PathTaken):
        backend.move(f"{at}/other", f"{at}/c")
    with pytest.raises(PathTaken):
        backend.move(f"{at}/c", f"{at}/c/e")


@pytest.mark.parametrize(
    "path",
    ["", "/", "/etc/passwd", "t//a", "t/", "..", "t/../u/a", "../t/a", ".unfinished/x", "t/%2e%2e/u", "t/..%2fu",
     "t/%252e%252e/u", "t\\..\\u", "t/a\x00b", "t/\uff0e\uff0e/u", "t/" + "a/" * 600 + "a"],
)  # fmt: skip
def test_path_trick_is_refused_by_every_operation(backend: StorageBackend, path: str) -> None:
    for attempt in (
        lambda: backend.put(path, io.BytesIO(b"x")),
        lambda: backend.open(path),
        lambda: backend.exists(path),
        lambda: backend.size(path),
        lambda: backend.attributes(path),
        lambda: list(backend.list(path)),
        lambda: backend.make_folder(path),
        lambda: backend.delete(path),
        lambda: backend.delete_prefix(path),
        lambda: backend.move("t/a", path),
        lambda: backend.move(path, "t/a"),
    ):
        with pytest.raises(InvalidPath):
            attempt()


def test_tenants_stay_apart_on_one_backend(backend: StorageBackend, at: str) -> None:
    mine, other = (InternalStorage(name, backend_for=lambda address: backend) for name in (at, at + "x"))
    mine.put("kestra:///a/1", b"mine")

    with pytest.raises(FileMissing):
        other.open("kestra:///a/1")
    other.put("kestra:///a/1", b"other")
    assert other.delete_prefix("kestra:///a") == ["kestra:///a/1"]
    assert mine.read("kestra:///a/1") == b"mine"
