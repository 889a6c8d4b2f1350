"""Filters on texts."""

import re
import unicodedata

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_TEXT
from apps.workflows.expressions.operation import Operation, filters, operation
from apps.workflows.expressions.patterns import JavaPattern
from apps.workflows.expressions.text import plain_text
from apps.workflows.expressions.values import is_number

# All that counts as blank around a text: everything up to the space.
BLANKS = "".join(map(chr, range(0x21)))
LINE_BREAK = re.compile(r"\r\n|\n\r|\n|\r")


def text_of(value: object, name: str) -> str:
    """The operand, which must be a text."""
    if not isinstance(value, str):
        raise Failure(f"The '{name}' filter can only be applied to String.")
    return value


def whole(value: object, name: str, argument: str) -> int:
    """An argument that must be a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Failure(f"The '{name}' filter expects an argument '{argument}' that is a whole number.")
    return value


def upper(value: object) -> object:
    """The text in upper case.

    Example: {{ 'hello' | upper }} → HELLO
    """
    return plain_text(value).upper()


def lower(value: object) -> object:
    """The text in lower case.

    Example: {{ 'HELLO' | lower }} → hello
    """
    return plain_text(value).lower()


def capitalize(value: object) -> object:
    """The first letter in upper case, the rest as it is.

    Example: {{ 'hello WORLD' | capitalize }} → Hello WORLD
    """
    text = text_of(value, "capitalize")
    start = len(text) - len(text.lstrip())
    return text[:start] + text[start : start + 1].upper() + text[start + 1 :]


def title(value: object) -> object:
    """The first letter of each word in upper case, the rest as it is.

    Example: {{ 'hello wORLD' | title }} → Hello WORLD
    """
    return re.sub(r"(^|\s)(\S)", lambda found: found[1] + found[2].upper(), text_of(value, "title"))


def trim(value: object) -> object:
    """The text without blanks around it.

    Example: {{ '  a b ' | trim }} → a b
    """
    return text_of(value, "trim").strip(BLANKS)


def abbreviate(value: object, length: object) -> object:
    """The text cut to a length, the last three of its letters being dots.

    Example: {{ 'abcdefgh' | abbreviate(5) }} → ab...
    """
    text, most = text_of(value, "abbreviate"), whole(length, "abbreviate", "length")
    if most < 0:
        raise Failure("Invalid argument to abbreviate filter; must be greater than zero")
    if len(text) < most:
        return text
    return text[:most] if most <= 3 else text[: most - 3] + "..."


def split(value: object, delimiter: object, limit: object = None) -> object:
    """The parts of a text between matches of a regular expression, at most `limit` of them.

    Example: {{ 'a,b,c' | split(',') }} → ["a","b","c"]
    Example: {{ 'a,b,c' | split(',', 2) }} → ["a","b,c"]
    """
    if not isinstance(delimiter, str):
        raise Failure("The 'split' filter expects an argument 'delimiter'.")
    most = 0 if limit is None else whole(limit, "split", "limit")
    return JavaPattern.of(delimiter).split(text_of(value, "split"), most)


def starts_with(value: object, prefix: object) -> object:
    """Whether the text starts with another.

    Example: {{ 'Hello World' | startsWith('Hello') }} → true
    """
    return plain_text(value).startswith(separator_of(prefix, "startsWith", "value"))


def ends_with(value: object, suffix: object) -> object:
    """Whether the text ends with another.

    Example: {{ 'Hello World' | endsWith('World') }} → true
    """
    return plain_text(value).endswith(separator_of(suffix, "endsWith", "value"))


def separator_of(value: object, name: str, argument: str = "separator") -> str:
    """An argument that must be given, as text."""
    if value is None:
        raise Failure(f"The '{name}' filter expects an argument '{argument}'.")
    return plain_text(value)


def substring_before(value: object, separator: object = None) -> object:
    """What stands before the first separator; the whole text without one.

    Example: {{ 'a.b.c' | substringBefore('.') }} → a
    """
    text, mark = plain_text(value), separator_of(separator, "substringBefore")
    return text.split(mark, 1)[0] if mark else ""


def substring_after(value: object, separator: object = None) -> object:
    """What stands after the first separator; nothing without one.

    Example: {{ 'a.b.c' | substringAfter('.') }} → b.c
    """
    text, mark = plain_text(value), separator_of(separator, "substringAfter")
    return text.partition(mark)[2] if mark else text


def substring_before_last(value: object, separator: object = None) -> object:
    """What stands before the last separator; the whole text without one.

    Example: {{ 'a.b.c' | substringBeforeLast('.') }} → a.b
    """
    text, mark = plain_text(value), separator_of(separator, "substringBeforeLast")
    return text.rsplit(mark, 1)[0] if mark else text


def substring_after_last(value: object, separator: object = None) -> object:
    """What stands after the last separator; nothing without one.

    Example: {{ 'a.b.c' | substringAfterLast('.') }} → c
    """
    text, mark = plain_text(value), separator_of(separator, "substringAfterLast")
    return text.rsplit(mark, 1)[1] if mark and mark in text else ""


def slugify(value: object) -> object:
    """The text as part of a URL: plain lower-case letters, digits and dashes.

    Example: {{ 'Été à la Plage' | slugify }} → ete-a-la-plage
    """
    text = re.sub(r"\s", "-", plain_text(value))
    text = re.sub(r"[^\w-]", "", unicodedata.normalize("NFD", text), flags=re.ASCII)
    return re.sub(r"-{2,}", "-", text.replace("_", "-")).lower().strip("-")


def indent(value: object, amount: object, prefix: object = " ") -> object:
    """All lines but the first moved to the right: `prefix` is put before each of them `amount` times.

    Example: {{ 'a
    b' | indent(2) }} → a\\n  b
    """
    text = plain_text(value)
    newline, filling = line_break(text), filling_of(text, amount, prefix, "indent")
    return text.replace(newline, newline + filling)


def nindent(value: object, amount: object, prefix: object = " ") -> object:
    """A line break, then all lines moved to the right.

    Example: {{ 'a' | nindent(2) }} → \\n  a
    """
    text = plain_text(value)
    if not text:
        return ""
    newline, filling = line_break(text), filling_of(text, amount, prefix, "nindent")
    return newline + filling + text.replace(newline, newline + filling)


def line_break(text: str) -> str:
    """The way the text breaks its lines."""
    return next((mark for mark in ("\r\n", "\n\r", "\n", "\r") if mark in text), "\n")


def filling_of(text: str, amount: object, prefix: object, name: str) -> str:
    """What is put before a line; refused when the result would be too large."""
    times = whole(amount, name, "amount")
    if times < 0:
        raise Failure(f"The '{name}' filter expects a positive amount.")
    mark = plain_text(prefix)
    if times * len(mark) * (1 + text.count("\n") + text.count("\r")) > MAX_TEXT:
        raise Failure(f"A text has more than {MAX_TEXT} characters.")
    return mark * times


def default(value: object, default: object = None) -> object:
    """Another value in place of what is missing, null, blank or empty.

    Example: {{ nothing | default('here') }} → here
    """
    if isinstance(value, str):
        return default if not value.strip(BLANKS) else value
    if value is None:
        return default
    if isinstance(value, bool) or is_number(value) or not hasattr(type(value), "__len__"):
        return value
    return value if len(value) else default  # type: ignore[arg-type]


FILTERS: dict[str, Operation] = {
    **filters(
        {
            "upper": upper,
            "lower": lower,
            "capitalize": capitalize,
            "title": title,
            "trim": trim,
            "abbreviate": abbreviate,
            "split": split,
            "substringBefore": substring_before,
            "substringAfter": substring_after,
            "substringBeforeLast": substring_before_last,
            "substringAfterLast": substring_after_last,
            "slugify": slugify,
            "indent": indent,
            "nindent": nindent,
        }
    ),
    "default": operation("filter", "default", default, accepts_missing=True),
    "startsWith": operation("filter", "startsWith", starts_with, sees_null=False, names=("value",)),
    "endsWith": operation("filter", "endsWith", ends_with, sees_null=False, names=("value",)),
}
