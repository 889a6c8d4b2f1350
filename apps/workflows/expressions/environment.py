"""The one door of the language: text and variables in, text or value out. Texts are compiled once and cached."""

from collections.abc import Mapping, Set
from functools import lru_cache

from apps.workflows.expressions import raw
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.expressions.host import NO_FUNCTIONS, Functions
from apps.workflows.expressions.limits import CACHED_TEMPLATES, MAX_RENDERINGS
from apps.workflows.expressions.reference import Entry, reference
from apps.workflows.expressions.scope import Budget, Context, Variables
from apps.workflows.expressions.template import Template

__all__ = [
    "Entry",
    "ExpressionError",
    "Functions",
    "check_syntax",
    "is_truthy",
    "reference",
    "render",
    "render_recursive",
    "render_tree",
    "render_typed",
]

FALSE_TEXTS = frozenset({"false", "0", "-0", ""})


@lru_cache(maxsize=CACHED_TEMPLATES)
def compiled(text: str) -> Template:
    """The template of a text; raises ExpressionError."""
    return Template(text)


def render(text: str, variables: Mapping[str, object], functions: Functions | None = None) -> str:
    """The text with its expressions replaced. Raises ExpressionError.

    `variables` may be any mapping, at any depth: only the names that are used are fetched.
    """
    if "{" not in text:
        return text
    template = compiled(text)
    return template.render(Context(variables, Budget(functions or NO_FUNCTIONS, render_within, False), template))


def render_typed(text: str, variables: Mapping[str, object], functions: Functions | None = None) -> object:
    """The value of the text's single expression as it is; text where there is more. Raises ExpressionError."""
    if "{" not in text:
        return text
    template = compiled(text)
    return template.render_typed(Context(variables, Budget(functions or NO_FUNCTIONS, render_within, False), template))


def render_tree(value: object, variables: Mapping[str, object], functions: Functions | None = None) -> object:
    """Every text in maps (keys too) and lists rendered; other values as they are. Raises ExpressionError.

    Of keys that render to the same text, the first wins.
    """
    match value:
        case str():
            return render(value, variables, functions)
        case Mapping():
            result: dict[object, object] = {}
            for key, item in value.items():
                result.setdefault(render_tree(key, variables, functions), render_tree(item, variables, functions))
            return result
        case list() | tuple():
            return [render_tree(item, variables, functions) for item in value]
        case Set():
            return {render_tree(item, variables, functions) for item in value}
        case _:
            return value


def render_recursive(text: str, variables: Mapping[str, object], functions: Functions | None = None) -> str:
    """Render until nothing changes any more. Raises ExpressionError, also after 100 attempts."""
    budget = Budget(functions or NO_FUNCTIONS, render_within, True)
    return render_until_stable(text, variables, budget)


def render_until_stable(text: str, variables: Variables, budget: Budget, parent: Context | None = None) -> str:
    """What comes out of raw blocks is kept from being rendered again."""
    current, blocks = raw.take_out(text, raw.OUTER_MARK)
    for _ in range(MAX_RENDERINGS):
        if "{" not in current:
            break
        template = compiled(current)
        context = Context(variables, budget, template) if parent is None else parent.nested(template)
        rendered = template.render(context)
        if rendered == current:
            break
        current = rendered
    else:
        message = budget.masked("Too many rendering attempts")
        raise ExpressionError("evaluation", message, 1, 1, budget.masked(text))
    return raw.put_back(current, blocks, raw.OUTER_MARK)


def render_within(text: str, context: Context, recursive: bool) -> str:
    """A text met while rendering another: sees the same names, counts towards the same limits."""
    if "{" not in text:
        return text
    context.budget.enter()
    try:
        if recursive:
            return render_until_stable(text, context.variables, context.budget, context)
        template = compiled(text)
        return template.render(context.nested(template))
    except ExpressionError as error:
        # Such a text may be made of secrets, and an error of its grammar quotes it.
        masked = context.budget.masked
        raise ExpressionError(
            error.kind, masked(error.message), error.line, error.column, masked(error.expression), error.suggestion
        ) from None
    finally:
        context.budget.depth -= 1


def check_syntax(text: str) -> None:
    """Raise ExpressionError when the text does not follow the grammar; names are not looked up."""
    if "{" in text:
        compiled(text)


def is_truthy(rendered: str | None) -> bool:
    """Whether a rendered condition holds: all but nothing, `false`, `0`, `-0` and the empty text."""
    return rendered is not None and rendered not in FALSE_TEXTS
