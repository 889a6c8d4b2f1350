"""Java's number patterns: `#,##0.00`, `0.0%`, `0.###E0`."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_DIGITS
from apps.workflows.expressions.values import Float32

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
    return assemble(
        pattern, body, (prefix, suffix, negative_prefix, negative_suffix), exponent, max(factor, factor_after)
    )


def assemble(pattern: str, body: str, affixes: tuple[str, str, str, str], exponent: int, factor: int) -> Pattern:
    """Count the places before and after the point."""
    whole, point, fraction = body.partition(".")
    digits = whole.replace(",", "")
    well_formed = "." not in fraction and "," not in fraction
    well_formed = well_formed and "#" not in digits.lstrip("#") and "0" not in fraction.lstrip("0")
    if not well_formed or (whole.endswith(",") and whole != ",") or len(body) > MAX_DIGITS:
        raise Failure(f'Malformed pattern "{pattern}"')
    grouping = len(whole) - 1 - whole.rfind(",") if "," in whole else 0
    least_whole = digits.count("0")
    if least_whole == 0 and digits and not fraction.count("0") and not point and not exponent:
        least_whole = 1 if not body.strip("#,") and not digits else 0
    prefix, suffix, negative_prefix, negative_suffix = affixes
    return Pattern(
        prefix,
        suffix,
        negative_prefix,
        negative_suffix,
        least_whole,
        len(digits),
        fraction.count("0"),
        len(fraction),
        grouping,
        exponent,
        factor,
    )


def format_number(value: int | float | Decimal, pattern: str | None) -> str:
    """The number as the pattern says, rounded half to even."""
    form = parse(pattern or DEFAULT_PATTERN)
    if isinstance(value, float) and value != value:
        return "NaN"
    negative = value < 0 or (value == 0 and str(value).startswith("-"))
    head, tail = (form.negative_prefix, form.negative_suffix) if negative else (form.prefix, form.suffix)
    if value in (float("inf"), float("-inf")):
        return f"{head}∞{tail}"
    # Single precision is widened first: its exact value decides the rounding.
    number = abs(Decimal(float(value)) if isinstance(value, Float32) else Decimal(str(value)))
    if number and abs(number.adjusted()) > MAX_DIGITS:
        raise Failure(f"A number has more than {MAX_DIGITS} digits.")
    number = WIDE.multiply(number, Decimal(form.factor))
    text = scientific(number, form) if form.exponent else plain(number, form)
    return f"{head}{text}{tail}"


def plain(number: Decimal, form: Pattern) -> str:
    """Digits, point and grouping."""
    rounded = number.quantize(Decimal(1).scaleb(-form.most_fraction), context=WIDE)
    whole, _, fraction = format(rounded, "f").partition(".")
    whole = whole.lstrip("0").rjust(form.least_whole, "0")
    fraction = fraction.rstrip("0").ljust(form.least_fraction, "0")
    if not whole and not fraction:
        whole = "0"
    elif not whole and form.least_whole == 0 and form.most_whole > 0 and form.least_fraction == 0:
        whole = "0"
    if form.grouping:
        whole = group(whole, form.grouping)
    return f"{whole}.{fraction}" if fraction else whole


def group(whole: str, size: int) -> str:
    """Commas between groups of digits."""
    first = len(whole) % size
    groups = [whole[index : index + size] for index in range(first, len(whole), size)]
    return ",".join([whole[:first], *groups] if first else groups)


def scientific(number: Decimal, form: Pattern) -> str:
    """A mantissa and an exponent, which is a multiple of the places where several are asked for."""
    exponent = number.adjusted() if number else 0
    if form.most_whole > 1 and form.most_whole > form.least_whole:
        exponent = exponent // form.most_whole * form.most_whole
        most_fraction = max(form.least_whole + form.most_fraction - (number.adjusted() - exponent + 1), 0)
    else:
        exponent -= max(form.least_whole, 1) - 1
        most_fraction = form.most_fraction
    mantissa = number.scaleb(-exponent, context=WIDE).quantize(Decimal(1).scaleb(-most_fraction), context=WIDE)
    if mantissa and form.most_whole <= 1 and mantissa.adjusted() > 0:
        exponent, mantissa = exponent + 1, mantissa / 10
    whole, _, fraction = format(mantissa, "f").partition(".")
    fraction = fraction.rstrip("0").ljust(form.least_fraction, "0")
    power = str(abs(exponent)).rjust(form.exponent, "0")
    return f"{whole}{'.' + fraction if fraction else ''}E{'-' if exponent < 0 else ''}{power}"
