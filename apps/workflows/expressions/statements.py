"""Tree → closures, second half: text, print statements and tags."""

from collections.abc import Callable, Mapping
from typing import Final

from apps.workflows.expressions import nodes, operators
from apps.workflows.expressions.binding import Expression, located
from apps.workflows.expressions.compiler import apply_filter, compile_expression
from apps.workflows.expressions.errors import Failure, Missing
from apps.workflows.expressions.printing import TypedOutput, printed_text
from apps.workflows.expressions.scope import Context
from apps.workflows.expressions.text import plain_text

Output = list[str] | TypedOutput
Statement = Callable[[Context, Output], None]
NOT_A_CONDITION: Final = "Wrong operand(s) type in conditional expression"


def compile_body(body: nodes.Body) -> Statement:
    """All statements in order, as one."""
    statements = tuple(STATEMENTS[type(statement)](statement) for statement in body.statements)
    if len(statements) == 1:
        return statements[0]

    def run(context: Context, out: Output) -> None:
        for statement in statements:
            statement(context, out)

    return run


def compile_text(node: nodes.Text) -> Statement:
    value, length = node.value, len(node.value)

    def run(context: Context, out: Output) -> None:
        context.budget.add_text(length)
        out.append(value)

    return run


def compile_print(node: nodes.Print) -> Statement:
    expression, position = compile_expression(node.expression), node.position

    def run(context: Context, out: Output) -> None:
        value = expression(context)
        try:
            if isinstance(out, TypedOutput):
                out.print(value)
                return
            kind = type(value)
            text: str = value if kind is str else str(value) if kind is int else printed_text(value)  # type: ignore[assignment]
            context.budget.add_text(len(text))
            out.append(text)
        except Exception as error:
            raise located(error, position, "Printing") from None

    return run


def compile_if(node: nodes.If) -> Statement:
    branches = tuple(
        (compile_expression(condition), condition.position, compile_body(body)) for condition, body in node.branches
    )
    otherwise = compile_body(node.otherwise) if node.otherwise else None

    def run(context: Context, out: Output) -> None:
        for condition, position, body in branches:
            if holds(condition, context, position):
                body(context, out)
                return
        if otherwise is not None:
            otherwise(context, out)

    return run


def holds(condition: Expression, context: Context, position: int) -> bool:
    """Whether a branch is taken; what is missing or null is no condition."""
    try:
        return operators.is_true(condition(context), "conditional")
    except Missing as error:
        raise Failure(NOT_A_CONDITION).at(position) from error
    except Failure as failure:
        raise failure.at(position) from None


def items_of(value: object) -> list[object]:
    """What a loop runs over: items, or the entries of a map."""
    if isinstance(value, Mapping):
        return [{"key": key, "value": item} for key, item in value.items()]
    if operators.is_items(value):
        return list(value)
    raise Failure(f"Not an iterable object. Value = [{plain_text(value)}]")


def compile_for(node: nodes.For) -> Statement:
    source, body, variable, position = (
        compile_expression(node.items),
        compile_body(node.body),
        node.variable,
        node.position,
    )
    otherwise = compile_body(node.otherwise) if node.otherwise else None

    def run(context: Context, out: Output) -> None:
        value = source(context)
        if value is None:
            return
        try:
            items = items_of(value)
        except Failure as failure:
            raise failure.at(position) from None
        if not items:
            if otherwise is not None:
                otherwise(context, out)
            return
        last = len(items) - 1
        budget, scope = context.budget, dict[str, object]()
        context.scopes.insert(0, scope)
        try:
            for index, item in enumerate(items):
                budget.add_step()
                scope[variable] = item
                scope["loop"] = {
                    "index": index,
                    "length": last + 1,
                    "first": index == 0,
                    "last": index == last,
                    "revindex": last - index,
                }
                body(context, out)
        except Failure as failure:
            raise failure.at(position) from None
        finally:
            context.scopes.pop(0)

    return run


def compile_set(node: nodes.Set) -> Statement:
    name, value = node.name, compile_expression(node.value)
    return lambda context, out: context.assign(name, value(context))


def compile_filter_tag(node: nodes.FilterTag) -> Statement:
    body = compile_body(node.body)

    def captured(context: Context) -> object:
        parts: list[str] = []
        body(context, parts)
        return "".join(parts)

    expression: Expression = captured
    for position, name, arguments in node.filters:
        expression = apply_filter(expression, name, arguments, position)

    def run(context: Context, out: Output) -> None:
        text = printed_text(expression(context))
        context.budget.add_text(len(text))
        out.append(text)

    return run


def compile_block(node: nodes.Block) -> Statement:
    name = node.name
    return lambda context, out: context.template.blocks[name](context, out)


STATEMENTS: Final[Mapping[type[nodes.Node], Callable[..., Statement]]] = {
    nodes.Text: compile_text,
    nodes.Print: compile_print,
    nodes.If: compile_if,
    nodes.For: compile_for,
    nodes.Set: compile_set,
    nodes.FilterTag: compile_filter_tag,
    nodes.Block: compile_block,
}


class Macro:
    """A compiled macro: called by name, sees its arguments only."""

    def __init__(self, node: nodes.Macro) -> None:
        self.names = tuple(name for name, _ in node.parameters)
        self.defaults = {name: compile_expression(default) for name, default in node.parameters if default is not None}
        self.body = compile_body(node.body)

    def call(self, context: Context, given: dict[str, object]) -> str:
        """The text the body writes."""
        inner = context.closed(given)
        for name, default in self.defaults.items():
            if name not in given:
                given[name] = default(inner)
        parts: list[str] = []
        context.budget.enter()
        try:
            self.body(inner, parts)
        finally:
            context.budget.depth -= 1
        return "".join(parts)
