"""What the operators do: arithmetic, comparison, truth, ranges."""

import math
from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from enum import Enum
from typing import TypeGuard

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_ITEMS, MAX_RANGE, MAX_TEXT
from apps.workflows.expressions.text import float_text, plain_text
from apps.workflows.expressions.values import DIVISION, EXACT, BigInteger, Float32, Number, is_number

LOW, HIGH = -(2**63), 2**63
Items = list[object] | tuple[object, ...] | Set[object]


def is_items(value: object) -> TypeGuard[Items]:
    """Lists and sets: what has items but no keys."""
    return isinstance(value, list | tuple | Set)


def is_true(value: object, where: str = "logical") -> bool:
    """The truth of an operand: booleans, numbers unlike 0, texts unlike ''. Null, lists and maps have none."""
    if value is True or value is False:
        return value
    if isinstance(value, str):
        return value != ""
    if isinstance(value, int | float | Decimal):
        return value != 0
    raise Failure(f"Wrong operand(s) type in {where} expression")


def checked_text(value: str) -> str:
    """The text, unless it is larger than one rendering may make."""
    if len(value) > MAX_TEXT:
        raise Failure(f"A text has more than {MAX_TEXT} characters.")
    return value


def checked_items(value: list[object]) -> list[object]:
    """The list, unless it is larger than one rendering may make."""
    if len(value) > MAX_ITEMS:
        raise Failure(f"A list has more than {MAX_ITEMS} items.")
    return value


def add(left: object, right: object) -> object:
    """Texts join, lists grow, numbers add up."""
    if isinstance(left, str) or isinstance(right, str):
        return checked_text(plain_text(left) + plain_text(right))
    if isinstance(left, list | tuple):
        return checked_items([*left, *right] if is_items(right) else [*left, right])
    return calculate("addition", left, right, lambda a, b: a + b, EXACT.add)


def subtract(left: object, right: object) -> object:
    """Items leave a list; numbers subtract."""
    if isinstance(left, list | tuple):
        gone = list(right) if is_items(right) else [right]
        return [item for item in left if not any(same(item, other) for other in gone)]
    return calculate("subtraction", left, right, lambda a, b: a - b, EXACT.subtract)


def multiply(left: object, right: object) -> object:
    """Numbers only."""
    return calculate("multiplication", left, right, lambda a, b: a * b, EXACT.multiply)


def divide(left: object, right: object) -> object:
    """Whole numbers divide to whole numbers, rounded towards zero."""
    return calculate("division", left, right, divide_numbers, DIVISION.divide)


def modulo(left: object, right: object) -> object:
    """The rest of a division, with the sign of the left side."""
    return calculate("modulus", left, right, remainder, EXACT.remainder)


def calculate(
    operation: str,
    left: object,
    right: object,
    exact: Callable[[float, float], float],
    decimal: Callable[[Decimal, Decimal], Decimal],
) -> Number:
    """Widen both sides to the wider of the two, then work on them."""
    if not (is_number(left) and is_number(right)):
        raise Failure(f"Could not perform {operation}")
    try:
        if isinstance(left, Decimal) or isinstance(right, Decimal):
            return decimal(to_decimal(left), to_decimal(right))
        if isinstance(left, float) or isinstance(right, float):
            result = exact(float(left), float(right))
            double = type(left) is float or type(right) is float
            return result if double else Float32(result)
        whole = int(exact(left, right))
    except ArithmeticError:
        raise Failure(f"Could not perform {operation}") from None
    if LOW <= whole < HIGH:
        return whole
    if (
        isinstance(left, BigInteger)
        or isinstance(right, BigInteger)
        or not (LOW <= left < HIGH and LOW <= right < HIGH)
    ):
        return BigInteger(whole)
    # 64-bit numbers wrap around, as users of the original count on for hashes.
    return (whole - LOW) % (HIGH - LOW) + LOW


def to_decimal(value: Number) -> Decimal:
    """Through the shortest text, so that 0.1 stays 0.1."""
    if isinstance(value, Decimal):
        return value
    return Decimal(float_text(value)) if isinstance(value, float) else Decimal(value)


def divide_numbers(left: float, right: float) -> float:
    """Whole numbers stay whole; a double divided by zero is infinite."""
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    if right == 0:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return left / right


def remainder(left: float, right: float) -> float:
    """Keeps the sign of the left side."""
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


def negate(value: object) -> object:
    """`-value`; null stays null."""
    if value is None:
        return None
    if not is_number(value):
        raise Failure("A minus sign needs a number.")
    return Float32(-value) if isinstance(value, Float32) else -value


def affirm(value: object) -> object:
    """`+value`."""
    if value is not None and not is_number(value):
        raise Failure("A plus sign needs a number.")
    return value


def equal(left: object, right: object) -> bool:
    """`==`: numbers by their double value, an enum equals its name."""
    if is_number(left) and is_number(right):
        try:
            return float(left) == float(right)
        except OverflowError:
            return left == right
    return same(left, right)


def same(left: object, right: object) -> bool:
    """Equal as items of a list are: same type, same content."""
    if isinstance(left, Enum) or isinstance(right, Enum):
        return enum_name(left) == enum_name(right)
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping):
        return isinstance(right, Mapping) and same_maps(left, right)
    if isinstance(left, list | tuple):
        return isinstance(right, list | tuple) and len(left) == len(right) and all(map(same, left, right))
    if is_number(left) and is_number(right):
        return isinstance(left, float) == isinstance(right, float) and left == right
    return bool(left == right)


def same_maps(left: Mapping[object, object], right: Mapping[object, object]) -> bool:
    """Same keys, same values."""
    return len(left) == len(right) and all(key in right and same(value, right[key]) for key, value in left.items())


def enum_name(value: object) -> object:
    """The name of an enum's member; other values as they are."""
    return value.name if isinstance(value, Enum) else value


COMPARISONS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    ">": ("greater than", lambda a, b: a > b),
    ">=": ("greater than or equals", lambda a, b: a >= b),
    "<": ("less than", lambda a, b: a < b),
    "<=": ("less than or equals", lambda a, b: a <= b),
}


def compare(operator: str, left: object, right: object) -> bool:
    """Numbers only; false when a side is null."""
    if left is None or right is None:
        return False
    name, holds = COMPARISONS[operator]
    if not (is_number(left) and is_number(right)):
        raise Failure(f"Could not perform {name} comparison")
    try:
        return holds(float(left), float(right))
    except OverflowError:
        return holds(left, right)  # type: ignore[arg-type]


def contains(left: object, right: object) -> bool:
    """Items of a list (all of them, when a list is sought), keys of a map, parts of a text."""
    if left is None:
        return False
    if isinstance(left, str):
        return plain_text(right) in left
    if isinstance(left, Mapping):
        return is_hashable(right) and right in left
    if is_items(left):
        sought = list(right) if is_items(right) else [right]
        return all(any(same(item, wanted) for item in left) for wanted in sought)
    raise Failure("Contains operator can only be used on Collections, Maps and arrays.")


def is_hashable(value: object) -> bool:
    """Whether it can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def span(start: object, end: object, increment: object = 1) -> list[object]:
    """All numbers, or letters, from start to end, both included."""
    if not is_number(increment):
        raise Failure("The increment of the range function must be a number")
    step = int(increment)
    if step == 0:
        raise Failure("The increment of the range function must be different than 0")
    if is_number(start) and is_number(end):
        first, last = int(start), int(end)
        numbers = range(first, last + (1 if step > 0 else -1), step)
        check_span(len(numbers))
        return list(numbers)
    if isinstance(start, str) and isinstance(end, str) and len(start) == 1 and len(end) == 1:
        letters = range(ord(start), ord(end) + (1 if step > 0 else -1), step)
        check_span(len(letters))
        return [chr(code) for code in letters]
    raise Failure("Arguments of range function must be of type Number or String with a length of 1")


def check_span(length: int) -> None:
    """Refuse ranges no one can have meant."""
    if length > MAX_RANGE:
        raise Failure(f"A range has more than {MAX_RANGE} items.")
