"""Filters that change texts wherever they are, also deep within lists and maps."""

from collections.abc import Callable, Mapping, Set

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_TEXT
from apps.workflows.expressions.operation import Operation, filters
from apps.workflows.expressions.patterns import JavaPattern
from apps.workflows.expressions.text import plain_text

ESCAPES = {"single": ("'", "\\'"), "double": ('"', '\\"'), "shell": ("'", "'\\''")}


def everywhere(value: object, change: Callable[[str], str]) -> object:
    """All texts within the value changed; what is no text becomes one first."""
    size = 0

    def walk(value: object) -> object:
        nonlocal size
        if value is None:
            return None
        if isinstance(value, Mapping):
            return {key: walk(item) for key, item in value.items()}
        if isinstance(value, list | tuple | Set):
            return [walk(item) for item in value]
        text = change(plain_text(value))
        size += len(text)
        if size > MAX_TEXT:
            raise Failure(f"The texts have more than {MAX_TEXT} characters.")
        return text

    return walk(value)


def replace(value: object, replace_pairs: object = None, regexp: object = False) -> object:
    """Each key of a map replaced by its value, one after the other; with regexp, keys are regular expressions.

    Example: {{ 'a-b' | replace({'-': '+'}) }} → a+b
    Example: {{ 'a1b2' | replace({'(\\d)': '<$1>'}, regexp=true) }} → a<1>b<2>
    """
    if replace_pairs is None:
        raise Failure("The argument 'replace_pairs' is required.")
    if not isinstance(replace_pairs, Mapping):
        raise Failure("The argument 'replace_pairs' must be a map.")
    if regexp is not None and not isinstance(regexp, bool):
        raise Failure("The argument 'regexp' must be a boolean.")
    pairs = [
        (JavaPattern.of(plain_text(old)) if regexp else JavaPattern.literal(plain_text(old)), plain_text(new))
        for old, new in replace_pairs.items()
    ]

    def change(text: str) -> str:
        for pattern, new in pairs:
            text = pattern.replace(text, new, plain=not regexp)
        return text

    return everywhere(value, change)


def escape_char(value: object, type: object = None) -> object:
    """Quotes escaped for a place between quotes: single, double, or single within a shell command.

    Example: {{ "it's" | escapeChar('single') }} → it\\'s
    """
    if type is None:
        raise Failure("The 'escapeChar' filter expects an argument 'type'.")
    if type not in ESCAPES:
        message = "The 'escapeChar' filter expects the value of 'type' to be either 'single', 'double', or 'shell'."
        raise Failure(message)
    old, new = ESCAPES[plain_text(type)]
    return everywhere(value, lambda text: text.replace(old, new))


FILTERS: dict[str, Operation] = filters({"replace": replace, "escapeChar": escape_char})
