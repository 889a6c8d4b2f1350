"""All tests by name: what may follow `is` and `is not`."""

from collections.abc import Mapping

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.json_text import parse_json
from apps.workflows.expressions.operation import Operation, operation
from apps.workflows.expressions.operators import is_items
from apps.workflows.expressions.values import is_number


def defined(value: object) -> bool:
    """Whether there is such a variable, with a value.

    Example: {{ nothing is defined }} → false
    """
    return value is not None


def null(value: object) -> bool:
    """Whether the value is null.

    Example: {{ null is null }} → true
    """
    return value is None


def empty(value: object) -> bool:
    """Whether the value is null, a blank text, or a list or map without content.

    Example: {{ [] is empty }} → true
    """
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Mapping) or is_items(value):
        return not value
    return value is None


def integer(value: object, name: str) -> int:
    """The operand of a test on whole numbers."""
    if value is None:
        raise Failure(f'Can not pass null value to "{name}" test.')
    if not is_number(value):
        raise Failure(f'Only numbers can be passed to "{name}" test.')
    return int(value)


def even(value: object) -> bool:
    """Whether the number can be divided by two.

    Example: {{ 2 is even }} → true
    """
    return integer(value, "even") % 2 == 0


def odd(value: object) -> bool:
    """Whether the number can not be divided by two.

    Example: {{ 3 is odd }} → true
    """
    return integer(value, "odd") % 2 != 0


def iterable(value: object) -> bool:
    """Whether the value is a list; maps and texts are not.

    Example: {{ [1] is iterable }} → true
    """
    return is_items(value)


def map_(value: object) -> bool:
    """Whether the value is a map.

    Example: {{ {'a': 1} is map }} → true
    """
    return isinstance(value, Mapping)


def json(value: object) -> bool:
    """Whether the text is JSON.

    Example: {{ '{"a": 1}' is json }} → true
    """
    if not isinstance(value, str):
        raise Failure('Only texts can be passed to "json" test.')
    try:
        parse_json(value or "null")
    except ValueError:
        return False
    return True


TESTS: dict[str, Operation] = {
    **{
        name: operation("test", name, call)
        for name, call in {
            "null": null,
            "empty": empty,
            "even": even,
            "odd": odd,
            "iterable": iterable,
            "map": map_,
            "json": json,
        }.items()
    },
    "defined": operation("test", "defined", defined, accepts_missing=True),
}
