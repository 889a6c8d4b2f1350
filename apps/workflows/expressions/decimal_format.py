"""Java's number patterns: `#,##0.00`, `0.0%`, `0.###E0`."""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_DIGITS

DEFAULT_PATTERN = "#,##0.###"
WIDE = Context(prec=MAX_DIGITS + 50, rounding=ROUND_HALF_EVEN)
PATTERN_CHARACTERS = "0#,."


@dataclass(frozen=True)
class Pattern:
    """A pattern taken apart."""

    prefix: str
    suffix: str
    negative_prefix: str
    negative_suffix: str
    least_whole: int
    most_whole: int
    least_fraction: int
    most_fraction: int
    grouping: int
    exponent: int
    factor: int


def read_affix(pattern: str, start: int, stop: str) -> tuple[str, int, int]:
    """Literal text up to one of the characters in `stop`; quotes protect. Text, where it ended, factor."""
    result: list[str] = []
    index, factor, quoted = start, 1, False
    while index < len(pattern):
        character = pattern[index]
        if character == "'":
            if pattern.startswith("''", index):
                result.append("'")
                index += 1
            else:
                quoted = not quoted
        elif quoted:
            result.append(character)
        elif character in stop:
            break
        else:
            if character in "%‰":
                factor = 100 if character == "%" else 1000
            result.append("$" if character == "¤" else character)
        index += 1
    return "".join(result), index, factor


@lru_cache(maxsize=256)
def parse(pattern: str) -> Pattern:
    """Read a pattern; raises Failure."""
    prefix, start, factor = read_affix(pattern, 0, PATTERN_CHARACTERS + ";")
    end = start
    while end < len(pattern) and pattern[end] in PATTERN_CHARACTERS:
        end += 1
    body, exponent = pattern[start:end], 0
    if pattern.startswith("E0", end):
        exponent = len(pattern[end + 1 :]) - len(pattern[end + 1 :].lstrip("0"))
        end += 1 + exponent
    suffix, end, factor_after = read_affix(pattern, end, PATTERN_CHARACTERS + ";")
    negative_prefix, negative_suffix = "-" + prefix, suffix
    if pattern.startswith(";", end):
        negative_prefix, index, _ = read_affix(pattern, end + 1, PATTERN_CHARACTERS)
        while index < len(pattern) and pattern[index] in PATTERN_CHARACTERS:
            index += 1
        negative_suffix, end, _ = read_affix(pattern, index, "")
    if end != len(pattern):
        raise Failure(f'Malformed pattern "{pattern}"')
    affixes = (prefix, suffix, negative_prefix, negative_suffix)
    return assemble(pattern, body, affixes, exponent, max(factor, factor_after))


def assemble(pattern: str, body: str, affixes: tuple[str, str, str, str], exponent: int, factor: int) -> Pattern:
    """Count the places before and after the point; raises Failure."""
    whole, point, fraction = body.partition(".")
    digits = whole.replace(",", "") + fraction
    left = len(digits) - len(digits.lstrip("#"))
    right = len(digits) - len(digits.rstrip("#")) if "0" in digits else 0
    zeros = len(digits) - left - right
    ends_well = not whole.endswith(",") and "," not in fraction and "." not in fraction
    if not ends_well or "#" in digits[left : left + zeros] or len(body) > MAX_DIGITS:
        raise Failure(f'Malformed pattern "{pattern}"')
    before_point = len(digits) - len(fraction)
    if zeros == 0 and left > 0 and point:
        # One digit is shown before the point, or the first after it.
        one = max(before_point, 1)
        left, zeros, right = one - 1, 1, left - one
    least_whole = before_point - left
    return Pattern(
        *affixes,
        least_whole=least_whole,
        most_whole=left + least_whole,
        least_fraction=left + zeros - before_point if point else 0,
        most_fraction=len(fraction),
        grouping=len(whole) - 1 - whole.rfind(",") if "," in whole else 0,
        exponent=exponent,
        factor=factor,
    )


def format_number(value: int | float | Decimal, pattern: str | None) -> str:
    """The number as the pattern says, rounded half to even."""
    form = parse(pattern or DEFAULT_PATTERN)
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    negative = value < 0 or (isinstance(value, float) and math.copysign(1, value) < 0)
    head, tail = (form.negative_prefix, form.negative_suffix) if negative else (form.prefix, form.suffix)
    if isinstance(value, float) and math.isinf(value):
        return f"{head}∞{tail}"
    # A percentage of a double is a double again, with a double's rounding.
    number = (-value if negative else value) * form.factor
    if number and abs(Decimal(number).adjusted()) > MAX_DIGITS:
        raise Failure(f"A number has more than {MAX_DIGITS} digits.")
    text = scientific(number, form) if form.exponent else plain(number, form)
    return f"{head}{text}{tail}"


def rounded(number: int | float | Decimal, places: int) -> Decimal:
    """The number with so many decimals at most. Its shortest text counts, but ties are decided by its exact value."""
    shortest = Decimal(repr(float(number))) if isinstance(number, float) else Decimal(number)
    unit = Decimal(1).scaleb(-places)
    exponent = shortest.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return shortest.quantize(unit, context=WIDE)
    return Decimal(number).quantize(unit, context=WIDE)


def plain(number: int | float | Decimal, form: Pattern) -> str:
    """Digits, point and grouping."""
    whole, _, fraction = format(rounded(number, form.most_fraction), "f").partition(".")
    whole = whole.lstrip("0").rjust(form.least_whole, "0")
    fraction = fraction.rstrip("0").ljust(form.least_fraction, "0")
    if not whole and not fraction:
        whole = "0"
    if form.grouping:
        whole = group(whole, form.grouping)
    return f"{whole}.{fraction}" if fraction else whole


def group(whole: str, size: int) -> str:
    """Commas between groups of digits."""
    first = len(whole) % size
    groups = [whole[index : index + size] for index in range(first, len(whole), size)]
    return ",".join([whole[:first], *groups] if first else groups)


def scientific(number: int | float | Decimal, form: Pattern) -> str:
    """A mantissa and an exponent, which is a multiple of the whole places where several are asked for."""
    exact = Decimal(repr(float(number))) if isinstance(number, float) else Decimal(number)
    significant = Context(prec=max(form.most_whole + form.most_fraction, 1), rounding=ROUND_HALF_EVEN).plus(exact)
    digits = "".join(map(str, significant.as_tuple().digits)).rstrip("0")
    at = significant.adjusted() + 1 if significant else 0
    least_whole = form.least_whole
    if form.most_whole > 1 and form.most_whole > form.least_whole:
        exponent = (at - 1) // form.most_whole * form.most_whole
        least_whole = 1
    else:
        exponent = at - form.least_whole
    whole_digits = at - exponent if digits else least_whole
    shown = max(form.least_whole + form.least_fraction, whole_digits, len(digits))
    digits = digits.ljust(shown, "0")
    whole, fraction = digits[:whole_digits], digits[whole_digits:]
    exponent = exponent if significant else 0
    power = str(abs(exponent)).rjust(form.exponent, "0")
    return f"{whole}{'.' + fraction if fraction else ''}E{'-' if exponent < 0 else ''}{power}"
