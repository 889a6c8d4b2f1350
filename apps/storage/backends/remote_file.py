"""RemoteFile: a stream of an object that lies elsewhere; seeks fetch a part alone, a broken connection is taken up."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol

TRIES: Final = 5
FIRST_DELAY: Final = 0.1
BUFFER: Final = 128 * 1024


class Body(Protocol):
    """The bytes of an answer."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer: its bytes from the offset on, the whole object's size, and what names this version of it."""

    body: Body
    size: int
    version: str


Reopen = Callable[[int, str], Opened]
"""Offset and version → the rest of the very same object; an error when it was replaced."""


class RemoteFile(io.RawIOBase):
    """Reads one version of one object.

    ``broken`` are the errors after which the rest is asked for again; of the last one ``failed`` makes what is raised.
    """

    def __init__(
        self,
        opened: Opened,
        reopen: Reopen,
        broken: tuple[type[Exception], ...],
        failed: Callable[[str], Exception],
    ) -> None:
        self._size = opened.size
        self._version = opened.version
        self._body: Body | None = opened.body
        self._reopen = reopen
        self._broken: tuple[type[Exception], ...] = (*broken, EOFError)
        self._failed = failed
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """No request; the next read makes one."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        position = base + offset
        if position < 0:
            raise ValueError(f"A file has no position {position}.")
        if position != self._position:
            self._drop()
            self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        """Waits a little longer before each new try."""
        view = memoryview(buffer)
        for tried in range(1, TRIES + 1):
            if self._position >= self._size or not len(view):
                return 0
            try:
                if self._body is None:
                    self._body = self._reopen(self._position, self._version).body
                data = self._body.read(len(view))
                if not data:
                    raise EOFError(f"The answer ended at byte {self._position} of {self._size}.")
            except self._broken as error:
                self._drop()
                if tried == TRIES:
                    raise self._failed(type(error).__name__) from error
                time.sleep(FIRST_DELAY * 2**tried)
                continue
            view[: len(data)] = data
            self._position += len(data)
            return len(data)
        return 0

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        close = getattr(self._body, "close", None)
        self._body = None
        if close is not None:
            # Half-read answers are given up; what their connection says about it is of no use.
            with suppress(*self._broken):
                close()


def buffered(file: RemoteFile) -> BinaryIO:
    """A call for each line would be slow; closing the buffer closes the file."""
    return io.BufferedReader(file, BUFFER)


class Counted(io.RawIOBase):
    """A stream handed to a library that may close it: counts what was given and stays open."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._held = b""
        self.size = 0

    def if_shorter_than(self, size: int) -> bytes | None:
        """All of it when it is short; else None, and it can be read from its beginning."""
        start = self.read(size)
        if len(start) < size:
            return start
        self._held, self.size = start, 0
        return None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Whole pieces, although the stream may give less than it is asked for."""
        pieces: list[bytes] = []
        left = size
        while left != 0:
            piece = self._next(left)
            if not piece:
                break
            pieces.append(piece)
            left = left - len(piece) if size > 0 else left
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.size += len(data)
        return data

    def tell(self) -> int:
        return self.size

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Left to the one who opened it."""

    def _next(self, size: int) -> bytes:
        if not self._held:
            return self._content.read(size if size > 0 else -1)
        given = self._held if size < 0 else self._held[:size]
        self._held = self._held[len(given) :]
        return given
