"""Values that Python has no type for, and how numbers are told apart."""

import struct
from decimal import Context, Decimal
from typing import TypeGuard

Number = int | float | Decimal

# Decimals are exact until far beyond what anyone prints; a bound keeps 1E+999999999 + 1 from eating the memory.
EXACT = Context(prec=1000)
DIVISION = Context(prec=34)


class BigInteger(int):
    """A whole number without the 64-bit border."""

    __slots__ = ()


class Float32(float):
    """A number of single precision: it prints shorter than its double."""

    __slots__ = ()

    def __new__(cls, value: float) -> "Float32":
        try:
            return super().__new__(cls, struct.unpack("f", struct.pack("f", value))[0])
        except OverflowError:
            return super().__new__(cls, float("inf") if value > 0 else float("-inf"))


class Character(str):
    """One letter taken out of a text, which `className` tells from a text of length one."""

    __slots__ = ()


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


# An argument that was not given, where that differs from null.
ABSENT = Absent()


def is_number(value: object) -> TypeGuard[Number]:
    """Numbers, and no booleans although Python counts them among them."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def to_plain(value: object) -> object:
    """The same value in Python's own types, for callers outside the language."""
    match value:
        case BigInteger():
            return int(value)
        case Float32():
            return float(value)
        case Character():
            return str(value)
        case _:
            return value
