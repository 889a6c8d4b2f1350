"""Functions on numbers, ranges, random values and the outputs of loops."""

import secrets
import string
from collections.abc import Mapping
from uuid import UUID, uuid4

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.operation import Operation, functions
from apps.workflows.expressions.operators import compare, span
from apps.workflows.expressions.scope import Context
from apps.workflows.expressions.text import plain_text
from apps.workflows.expressions.values import ABSENT, is_number

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def max_(*numbers: object) -> object:
    """The largest of the numbers; nulls are skipped.

    Example: {{ max(4, 2.5, 3) }} → 4
    """
    return extreme(numbers, ">", "max")


def min_(*numbers: object) -> object:
    """The smallest of the numbers; nulls are skipped.

    Example: {{ min(4, 2.5, 3) }} → 2.5
    """
    return extreme(numbers, "<", "min")


def extreme(numbers: tuple[object, ...], better: str, name: str) -> object:
    """The number better than all others."""
    best: object = None
    for number in numbers:
        if number is None:
            continue
        if not is_number(number):
            raise Failure(f"The '{name}' function expects numbers.")
        if best is None or compare(better, number, best):
            best = number
    return best


def range_(start: object, end: object, increment: object = 1) -> object:
    """All numbers, or letters, from start to end, both included.

    Example: {{ range(0, 10, 3) }} → [0,3,6,9]
    """
    return span(start, end, 1 if increment is None else increment)


def uuid() -> object:
    """A new random UUID.

    Example: {{ uuid() }} ≈ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}
    """
    return str(uuid4())


def id_() -> object:
    """A new random identifier, as executions have.

    Example: {{ id() }} ≈ [0-9A-Za-z]{1,22}
    """
    return base62(uuid4())


def base62(source: UUID) -> str:
    """The same number in digits and letters."""
    number, digits = source.int, ""
    while number:
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


def random_int(lower: object = ABSENT, upper: object = ABSENT) -> object:
    """A random whole number from lower to before upper.

    Example: {{ randomInt(1, 10) }} ≈ [1-9]
    """
    least, most = bound(lower, "lower"), bound(upper, "upper")
    if most < least:
        raise Failure("In 'randomInt' upper is less than lower")
    return least + secrets.randbelow(max(most - least, 1))


def bound(value: object, name: str) -> int:
    """An argument of `randomInt`."""
    if value is ABSENT:
        raise Failure(f"The 'randomInt' function expects an argument {name}")
    if not isinstance(value, int) or isinstance(value, bool):
        raise Failure(f"The 'randomInt' function expects an argument {name} with type Integer.")
    return value


def current_each_output(context: Context, outputs: object = ABSENT) -> object:
    """The output of a task for the loop values the current task runs in.

    Example: {% set taskrun = {'value': 'b'} %}{% set parents = [] %}{{ currentEachOutput({'b': {'v': 1}}).v }} → 1
    """
    if outputs is ABSENT or not isinstance(outputs, Mapping):
        raise Failure("The 'currentEachOutput' function expects an argument 'outputs' that is a map of outputs.")
    names = context.visible()
    parents = names.get("parents")
    values = [taskrun_value(parent) for parent in reversed(parents)] if isinstance(parents, list | tuple) else []
    values.append(taskrun_value(names))
    current: object = outputs
    before: object = None
    for value in values:
        if value is None:
            continue
        if not isinstance(current, Mapping):
            return None
        if value == before and plain_text(value) not in current:
            continue  # a task of a WorkingDirectory repeats the value its parent stands for
        before = value
        current = current.get(plain_text(value))
    return current


def taskrun_value(holder: object) -> object:
    """The loop value of a task run; null outside of loops."""
    taskrun = holder.get("taskrun") if isinstance(holder, Mapping) else None
    return taskrun.get("value") if isinstance(taskrun, Mapping) else None


def block(context: Context, name: object) -> object:
    """What the block of that name shows.

    Example: {% block a %}A{% endblock %}{{ block('a') }} → AA
    """
    statement = context.template.blocks.get(plain_text(name))
    if statement is None:
        return None
    parts: list[str] = []
    context.budget.enter()
    try:
        statement(context, parts)
    finally:
        context.budget.depth -= 1
    return "".join(parts)


def parent() -> object:
    """The same block in the parent template; there are no parents here, so it is always empty.

    Example: {% block a %}A{{ parent() }}{% endblock %} → A
    """
    return None


FUNCTIONS: dict[str, Operation] = {
    **functions(
        {"max": max_, "min": min_, "range": range_, "uuid": uuid, "id": id_, "randomInt": random_int, "parent": parent}
    ),
    **functions({"currentEachOutput": current_each_output, "block": block}, wants_context=True),
}
