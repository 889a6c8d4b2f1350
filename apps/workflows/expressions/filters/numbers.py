"""Filters on numbers, and from texts to numbers."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from apps.workflows.expressions import decimal_format
from apps.workflows.expressions.class_names import class_name
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.operation import Operation, filters
from apps.workflows.expressions.values import BigInteger, Float32, Number, is_number

INTEGER = re.compile(r"[+-]?[0-9]+")
HEXADECIMAL = re.compile(r"([+-]?)(?:0[xX]|#)([0-9a-fA-F]+)")
DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.([0-9]*))?|\.([0-9]+))(?:[eE][+-]?[0-9]+)?")
# A number with this many decimals still fits single, or double, precision.
FLOAT_PLACES, DOUBLE_PLACES = 7, 16


def abs_(value: object) -> object:
    """The number without its sign.

    Example: {{ -5 | abs }} → 5
    """
    if not is_number(value):
        raise Failure("The 'abs' filter does require as input a number.")
    return Float32(abs(value)) if isinstance(value, Float32) else abs(value)


def number_format(value: object, format: object = None) -> object:
    """The number as a pattern says: `0` a digit, `#` a digit if needed, `,` groups, `%` a percentage, `E0` an exponent.

    Example: {{ 1234567.891 | numberFormat('#,##0.00') }} → 1,234,567.89
    """
    if not is_number(value):
        raise Failure("The input for the 'NumberFormat' filter has to be a number.")
    if format is not None and not isinstance(format, str):
        raise Failure("The 'numberFormat' filter expects an argument 'format' with type string.")
    return decimal_format.format_number(value, format)


def number(value: object, type: object = None) -> object:
    """The number a text stands for; `type` is INT, FLOAT, LONG, DOUBLE, BIGDECIMAL or BIGINTEGER, else the narrowest.

    Example: {{ '5' | number * 2 }} → 10
    Example: {{ '2.50' | number('BIGDECIMAL') }} → 2.50
    """
    if not isinstance(value, str):
        raise Failure(f"'number' filter can only be applied to String. Actual type was: {class_name(value)}")
    if type is None:
        return narrowest(value)
    reader = READERS.get(type) if isinstance(type, str) else None
    if reader is None:
        raise Failure(f"The 'number' filter expects the value of 'type' to be one of {', '.join(READERS)}.")
    try:
        return reader(value)
    except (ValueError, InvalidOperation):
        raise not_a_number() from None


def not_a_number() -> Failure:
    """The error for texts that are no number; it does not repeat them, as they may be secret."""
    return Failure("The 'number' filter can not read this text as a number of that type.")


def bounded(bits: int) -> Callable[[str], Number]:
    """A reader of whole numbers of so many bits."""

    def read(text: str) -> Number:
        if not INTEGER.fullmatch(text):
            raise not_a_number()
        found = int(text)
        if not -(2 ** (bits - 1)) <= found < 2 ** (bits - 1):
            raise not_a_number()
        return found

    return read


def big_integer(text: str) -> Number:
    """A whole number of any size."""
    if not INTEGER.fullmatch(text):
        raise not_a_number()
    return BigInteger(text)


def double(text: str) -> float:
    """A number of double precision; a suffix d or f is allowed."""
    text = text.strip()
    if text[-1:] in "dDfF" and text[:1] not in ("I", "N") and len(text) > 1:
        text = text[:-1]
    if not DECIMAL.fullmatch(text):
        raise not_a_number()
    return float(text)


def big_decimal(text: str) -> Number:
    """A number with all its digits."""
    if not DECIMAL.fullmatch(text):
        raise not_a_number()
    return Decimal(text)


READERS: dict[str, Callable[[str], Number]] = {
    "INT": bounded(32),
    "FLOAT": lambda text: Float32(double(text)),
    "LONG": bounded(64),
    "DOUBLE": double,
    "BIGDECIMAL": big_decimal,
    "BIGINTEGER": big_integer,
}


def narrowest(text: str) -> Number:
    """The number in the smallest type that holds it; suffixes L, f and d choose one."""
    try:
        if found := HEXADECIMAL.fullmatch(text):
            return sized(int(found[1] + found[2], 16))
        if INTEGER.fullmatch(text):
            return sized(int(text))
        if text[-1:] in ("l", "L") and INTEGER.fullmatch(text[:-1]):
            return sized(int(text[:-1]))
        if text[-1:] in ("f", "F") and DECIMAL.fullmatch(text[:-1]):
            return Float32(float(text[:-1]))
        if text[-1:] in ("d", "D") and DECIMAL.fullmatch(text[:-1]):
            return float(text[:-1])
        found = DECIMAL.fullmatch(text)
        if found is None:
            raise not_a_number()
        return fractional(text, len(found[1] or found[2] or ""))
    except (ValueError, InvalidOperation):
        raise not_a_number() from None


def sized(value: int) -> int:
    """Whole numbers beyond 64 bits are of a type of their own."""
    return value if -(2**63) <= value < 2**63 else BigInteger(value)


def fractional(text: str, places: int) -> Number:
    """Single or double precision, or exact, by the number of decimals."""
    exact = Decimal(text)
    for most, narrow in ((FLOAT_PLACES, Float32), (DOUBLE_PLACES, float)):
        value = narrow(float(text))
        if places <= most and value not in (float("inf"), float("-inf")) and (value != 0 or exact == 0):
            return value
    return exact


FILTERS: dict[str, Operation] = filters({"abs": abs_, "numberFormat": number_format, "number": number})
