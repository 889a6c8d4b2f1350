"""Functions that render texts found in variables, and that show the variables."""

from collections.abc import Mapping, Set

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.json_text import to_json
from apps.workflows.expressions.operation import Operation, functions
from apps.workflows.expressions.operators import is_hashable
from apps.workflows.expressions.scope import Context
from apps.workflows.expressions.values import ABSENT


def render(context: Context, to_render: object = ABSENT, recursive: object = True) -> object:
    """The expressions within a text, or within a list or map of texts, rendered until nothing changes any more.

    Example: {% set greeting = '{' ~ '{ name }}' %}{% set name = 'Ada' %}{{ render(greeting) }} → Ada
    """
    if to_render is ABSENT:
        raise Failure("The 'render' function expects an argument 'toRender'.")
    if not isinstance(recursive, bool):
        raise Failure("The 'render' function expects an optional argument 'recursive' with type boolean.")
    return rendered(context, to_render, recursive)


def render_once(context: Context, to_render: object = ABSENT) -> object:
    """The expressions within a text, or within a list or map of texts, rendered once.

    Example: {% set greeting = '{' ~ '{ name }}' %}{% set name = 'Ada' %}{{ renderOnce(greeting) }} → Ada
    """
    if to_render is ABSENT:
        raise Failure("The 'renderOnce' function expects an argument 'toRender'.")
    return rendered(context, to_render, False)


def rendered(context: Context, value: object, recursive: bool) -> object:
    """All texts within the value rendered, keys too."""
    if isinstance(value, str):
        return context.budget.render(value, context, recursive)
    if isinstance(value, Mapping):
        result: dict[object, object] = {}
        for key, item in value.items():
            result.setdefault(rendered(context, key, recursive), rendered(context, item, recursive))
        return result
    if isinstance(value, list | tuple | Set):
        items = [rendered(context, item, recursive) for item in value]
        return set(items) if isinstance(value, Set) and all(map(is_hashable, items)) else items
    return value


def print_context(context: Context) -> object:
    """All variables as JSON, to look at.

    Example: {% set a = 1 %}{{ printContext() }} → {"a":1}
    """
    return to_json(context.visible())


def fetch_context(context: Context) -> object:
    """All variables as a map.

    Example: {% set a = 1 %}{{ fetchContext().a }} → 1
    """
    return dict(context.visible())


FUNCTIONS: dict[str, Operation] = functions(
    {
        "render": render,
        "renderOnce": render_once,
        "printContext": print_context,
        "fetchContext": fetch_context,
    },
    wants_context=True,
)
