"""Short ids: a UUID shown as 22 letters and digits; ids made later sort later, as UUID and as text."""

import os
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 22
_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)
_VALUES: Final = {pair: value for value, pair in enumerate(_PAIRS)}
_HALF: Final = 62**10
_LARGEST: Final = 2**128 - 1


class BadId(ValueError):
    """A text that is no id."""

    def __init__(self, text: str) -> None:
        super().__init__(f"'{text[:60]}' is not an id: it must have {LENGTH} letters and digits.")


def new_id(now: datetime | None = None) -> str:
    """A new id that begins with the time (UUID version 7); `now` is the system's time when None."""
    micros = time.time_ns() // 1000 if now is None else round(now.timestamp() * 1_000_000)
    millis, rest = divmod(micros, 1000)
    random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    # the microseconds, in 4096ths of a millisecond, keep the order of ids made within one
    return _to_text(millis << 80 | 0x7000 << 64 | (rest * 4096 // 1000) << 64 | 1 << 63 | random)


def derived_id(*parts: str | int, at: datetime | None = None) -> str:
    """The one id of these parts, always the same: starting a thing twice makes one row.

    With `at` (itself derived, say a schedule's date) the id sorts by it, like those of `new_id`.
    """
    digest = blake2b(digest_size=16)
    for part in parts:
        piece = str(part).encode()
        digest.update(b"%d:" % len(piece) + piece)
    number = int.from_bytes(digest.digest())
    if at is not None:
        number = number & ((1 << 80) - 1) | round(at.timestamp() * 1000) << 80
    return _to_text(number & ~(0xF000 << 64 | 0xC << 60) | 0x8000 << 64 | 0x8 << 60)


def from_uuid(value: UUID) -> str:
    """The 22 characters of a UUID."""
    return _to_text(value.int)


def to_uuid(text: str) -> UUID:
    """The UUID of 22 characters. Raises BadId for any other text."""
    if len(text) != LENGTH:
        raise BadId(text)
    number = 0
    try:
        for pair in _pairs_of(text):
            number = number * 3844 + _VALUES[pair]
    except KeyError:
        raise BadId(text) from None
    if number > _LARGEST:
        raise BadId(text)
    return UUID(int=number)


def is_id(text: str) -> bool:
    """Whether `to_uuid` would take it."""
    try:
        to_uuid(text)
    except BadId:
        return False
    return True


def _pairs_of(text: str) -> Iterator[str]:
    return (text[start : start + 2] for start in range(0, LENGTH, 2))


def _to_text(number: int) -> str:
    # two numbers that fit a machine word are much faster to divide than one of 128 bits
    high, low = divmod(number, _HALF)
    high, middle = divmod(high, _HALF)
    pairs = _PAIRS
    out = [pairs[high]]
    for part in (middle, low):
        part, e = divmod(part, 3844)
        part, d = divmod(part, 3844)
        part, c = divmod(part, 3844)
        a, b = divmod(part, 3844)
        out += (pairs[a], pairs[b], pairs[c], pairs[d], pairs[e])
    return "".join(out)
