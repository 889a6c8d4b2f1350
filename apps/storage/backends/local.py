"""LocalStorage: internal storage on a disk. Every name is opened relative to its folder and no link is followed."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from pydantic import Field

from apps.common.clock import now
from apps.common.ids import new_id
from apps.isolation.catalog import BackendConfig
from apps.storage.backends.base import (
    FileAttributes,
    FileKind,
    FileMissing,
    InvalidPath,
    PathTaken,
    StorageFailed,
    check_path,
    probe_storage,
)

CHUNK: Final = 1024 * 1024
UNFINISHED: Final = ".unfinished"
"""Folder of writes under way, beside the tenants' (whose names begin with a letter or digit): a rename stays atomic."""
UNFINISHED_SECONDS: Final = 24 * 3600
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalConfig(BackendConfig):
    """Where the files lie. All processes must see the same folder."""

    base_path: Path = Field(title="Folder that holds the files of all tenants")

    def host_access(self) -> str:
        """The disk."""
        return "a folder of the machine"


class LocalStorage:
    """A folder per tenant below ``base_path``; its own link, if it is one, is followed once, at the start."""

    config_class: ClassVar[type[BackendConfig]] = LocalConfig

    def __init__(self, config: LocalConfig) -> None:
        config.base_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._base = config.base_path.resolve(strict=True)
        (self._base / UNFINISHED).mkdir(exist_ok=True, mode=0o700)
        self._remove_abandoned()

    def put(self, path: str, content: BinaryIO) -> int:
        """Written to a file of its own, flushed to the disk, then renamed: after a crash it is there whole or not."""
        *folders, name = self._segments(path)
        temporary = self._base / UNFINISHED / new_id()
        try:
            with os.fdopen(os.open(temporary, _NEW, 0o600), "wb") as file:
                shutil.copyfileobj(content, file, CHUNK)
                file.flush()
                size = file.tell()
                os.fsync(file.fileno())

            def place() -> None:
                with self._folder(path, folders, create=True) as folder:
                    os.rename(temporary, name, dst_dir_fd=folder)
                    os.fsync(folder)

            self._retried(place, path)
        finally:
            # Gone already when the rename was made.
            with suppress(FileNotFoundError):
                temporary.unlink()
        return size

    def open(self, path: str) -> BinaryIO:
        """An unbuffered read would make a call per line, so it is buffered."""
        with self._parent(path) as (folder, name):
            found = os.open(name, _FILE, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise FileMissing(path)
        return io.BufferedReader(io.FileIO(found), CHUNK // 8)

    def exists(self, path: str) -> bool:
        """A link is nothing."""
        try:
            self.attributes(path)
        except FileMissing:
            return False
        return True

    def size(self, path: str) -> int:
        """Of a file."""
        found = self.attributes(path)
        if found.kind is not FileKind.FILE:
            raise FileMissing(path)
        return found.size

    def attributes(self, path: str) -> FileAttributes:
        """One system call, besides those for the folders."""
        with self._parent(path) as (folder, name):
            return self._described(path, os.stat(name, dir_fd=folder, follow_symlinks=False))

    def list(self, path: str, *, recursive: bool = False) -> Iterator[FileAttributes]:
        """Reads one folder at a time."""
        try:
            with self._folder(path, self._segments(path)) as folder:
                names = sorted(os.listdir(folder))
                found = [(name, os.stat(name, dir_fd=folder, follow_symlinks=False)) for name in names]
        except (FileMissing, FileNotFoundError):
            return
        for name, facts in found:
            inner = f"{path}/{name}"
            if recursive and stat.S_ISDIR(facts.st_mode):
                yield from self.list(inner, recursive=True)
            elif stat.S_ISREG(facts.st_mode) or (not recursive and stat.S_ISDIR(facts.st_mode)):
                yield self._described(inner, facts)

    def make_folder(self, path: str) -> None:
        """With those above it."""

        def make() -> None:
            with self._folder(path, self._segments(path), create=True) as folder:
                os.fsync(folder)

        self._retried(make, path)

    def move(self, source: str, target: str) -> None:
        """One rename."""
        *folders, new_name = self._segments(target)

        def rename() -> None:
            with (
                self._parent(source) as (old_folder, name),
                self._folder(target, folders, create=True) as new_folder,
            ):
                self._described(source, os.stat(name, dir_fd=old_folder, follow_symlinks=False))
                os.rename(name, new_name, src_dir_fd=old_folder, dst_dir_fd=new_folder)
                os.fsync(new_folder)
                os.fsync(old_folder)

        try:
            rename()
        except OSError as error:
            if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST, errno.EINVAL):
                raise PathTaken(target) from error
            raise

    def delete(self, path: str) -> bool:
        """A folder that is not empty is left, and that is an error: `delete_prefix` is for it."""
        try:
            with self._parent(path) as (folder, name):
                facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISDIR(facts.st_mode):
                    os.rmdir(name, dir_fd=folder)
                else:
                    os.unlink(name, dir_fd=folder)
                os.fsync(folder)
        except (FileMissing, FileNotFoundError):
            return False
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise PathTaken(path) from error
            raise
        return True

    def delete_prefix(self, path: str) -> Sequence[str]:
        """First moved out of sight in one step, so that no reader meets a folder that is half gone."""
        files = [found.path for found in self.list(path, recursive=True)]
        doomed = new_id()
        bin_path = self._base / UNFINISHED
        try:
            with self._parent(path) as (folder, name):
                if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    return []
                # Its age counts from now, or another process that starts would take it for one left long ago.
                os.utime(name, dir_fd=folder, follow_symlinks=False)
                os.rename(name, bin_path / doomed, src_dir_fd=folder)
                os.fsync(folder)
        except (FileMissing, FileNotFoundError):
            return []
        shutil.rmtree(bin_path / doomed)
        return files

    def probe(self, tenant_id: str) -> None:
        """On the disk."""
        try:
            probe_storage(self, tenant_id)
        except OSError as error:
            raise StorageFailed("The storage local", "a test", str(error.strerror or type(error).__name__)) from error

    def _segments(self, path: str) -> tuple[str, ...]:
        segments = check_path(path)
        if segments[0].startswith("."):
            raise InvalidPath(path, "a tenant's folder does not begin with a dot")
        return segments

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder a path lies in, open, and its last name. FileMissing when anything is absent or is a link."""
        *folders, name = self._segments(path)
        with self._folder(path, folders) as folder:
            try:
                yield folder, name
            except FileNotFoundError as error:
                raise FileMissing(path) from error
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    raise FileMissing(path) from error
                raise

    @contextmanager
    def _folder(self, path: str, folders: Sequence[str], *, create: bool = False) -> Iterator[int]:
        folder = os.open(self._base, _FOLDER)
        try:
            for name in folders:
                inner = self._entered(path, folder, name, create)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    def _entered(self, path: str, folder: int, name: str, create: bool) -> int:
        try:
            return os.open(name, _FOLDER, dir_fd=folder)
        except FileNotFoundError as error:
            if not create:
                raise FileMissing(path) from error
        except OSError as error:
            # Not a folder, or a link: the same answer, for what a link points to is nobody's business.
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise (PathTaken(path) if create else FileMissing(path)) from error
        # Not flushed one by one (each flush costs as much as the file): the one that ends the write takes the journal
        # along, in which these folders come first. Another process may make the same one at this moment.
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
        return os.open(name, _FOLDER, dir_fd=folder)

    def _retried(self, place: Callable[[], None], path: str) -> None:
        """A folder may be deleted by another process after it was opened or made: then it is made again."""
        for last in (False, False, True):
            try:
                return place()
            except FileNotFoundError:
                if last:
                    raise
            except OSError as error:
                if error.errno in (errno.EISDIR, errno.ENOTDIR):
                    raise PathTaken(path) from error
                raise
        return None

    def _described(self, path: str, facts: os.stat_result) -> FileAttributes:
        is_folder = stat.S_ISDIR(facts.st_mode)
        if not is_folder and not stat.S_ISREG(facts.st_mode):
            raise FileMissing(path)
        return FileAttributes(
            path=path,
            kind=FileKind.DIRECTORY if is_folder else FileKind.FILE,
            size=0 if is_folder else facts.st_size,
            modified=datetime.fromtimestamp(facts.st_mtime, UTC),
            # Linux keeps no birth time that Python can read; a file is never changed in place, so these are the same.
            created=datetime.fromtimestamp(facts.st_mtime, UTC),
        )

    def _remove_abandoned(self) -> None:
        """What a process that died left unfinished, a day later."""
        oldest = now().timestamp() - UNFINISHED_SECONDS
        for left in (self._base / UNFINISHED).iterdir():
            try:
                if left.lstat().st_mtime > oldest:
                    continue
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left)
                else:
                    left.unlink()
            except FileNotFoundError:
                continue  # another process does the same
