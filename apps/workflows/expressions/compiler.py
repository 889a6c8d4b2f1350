"""Tree → closures: expressions become functions of the context, statements functions that also write."""

from collections.abc import Callable, Mapping
from typing import Final

from apps.workflows.expressions import nodes, operators
from apps.workflows.expressions.access import get_attribute
from apps.workflows.expressions.binding import Expression, Written, constant, located
from apps.workflows.expressions.calls import compile_macro_call, compile_operation, fail_with
from apps.workflows.expressions.errors import Failure, Missing, nearest
from apps.workflows.expressions.filters import FILTERS
from apps.workflows.expressions.functions import FUNCTIONS
from apps.workflows.expressions.methods import call_method
from apps.workflows.expressions.scope import Context
from apps.workflows.expressions.tests import TESTS
from apps.workflows.expressions.text import concatenated_text, join_texts

# Functions that exist only when texts are rendered once, not until they are stable.
RENDERERS: Final = frozenset({"render", "renderOnce"})
ARITHMETIC: Final[dict[str, tuple[str, Callable[[object, object], object]]]] = {
    "+": ("addition", operators.add),
    "-": ("subtraction", operators.subtract),
    "*": ("multiplication", operators.multiply),
    "/": ("division", operators.divide),
    "%": ("modulus", operators.modulo),
    "==": ("equals comparison", operators.equal),
    "!=": ("not equals comparison", lambda left, right: not operators.equal(left, right)),
    ">": ("greater than comparison", lambda left, right: operators.compare(">", left, right)),
    "<": ("less than comparison", lambda left, right: operators.compare("<", left, right)),
    ">=": ("greater than or equals comparison", lambda left, right: operators.compare(">=", left, right)),
    "<=": ("less than or equals comparison", lambda left, right: operators.compare("<=", left, right)),
}
PLAIN_OPERATORS: Final[dict[str, Callable[[object, object], object]]] = {
    "contains": operators.contains,
    "..": operators.span,
}


def compile_expression(node: nodes.Node) -> Expression:
    """One expression as a function of the context."""
    return COMPILERS[type(node)](node)


def compile_name(node: nodes.Name) -> Expression:
    name, position = node.name, node.position

    def run(context: Context) -> object:
        for scope in context.scopes:
            if name in scope:
                return scope[name]
        try:
            return context.variables[name]
        except KeyError:
            raise Missing(name, position, context.variables) from None

    return run


def compile_attribute(node: nodes.Attribute) -> Expression:
    position = node.position
    if node.arguments is not None:
        return compile_method(node, node.arguments)
    if isinstance(node.key, nodes.Literal):
        return compile_path(node)
    base, key = compile_expression(node.base), compile_expression(node.key)
    named = node.base if isinstance(node.base, nodes.Name) else None

    def run(context: Context) -> object:
        value = base(context)
        if value is None and named is not None:
            raise Missing(named.name, named.position)
        try:
            return get_attribute(value, key(context), position)
        except Failure as failure:
            raise failure.at(position) from None

    return run


def compile_path(node: nodes.Attribute) -> Expression:
    """A chain of fixed names, `a.b['c']`, followed in one function: the most frequent expression by far."""
    keys: list[tuple[object, int]] = []
    current: nodes.Node = node
    while isinstance(current, nodes.Attribute) and current.arguments is None and isinstance(current.key, nodes.Literal):
        keys.append((current.key.value, current.position))
        current = current.base
    keys.reverse()
    base = compile_expression(current)
    root = current.name if isinstance(current, nodes.Name) else None
    root_position = current.position
    steps = tuple(keys)

    def run(context: Context) -> object:
        value = base(context)
        if value is None and root is not None:
            # An attribute of a null variable is reported as the variable.
            raise Missing(root, root_position)
        for key, position in steps:
            if type(value) is dict and key in value:
                value = value[key]
            else:
                try:
                    value = get_attribute(value, key, position)
                except Failure as failure:
                    raise failure.at(position) from None
        return value

    return run


def compile_method(node: nodes.Attribute, arguments: nodes.Arguments) -> Expression:
    base, position = compile_expression(node.base), node.position
    name = str(node.key.value) if isinstance(node.key, nodes.Literal) else ""
    root = node.base if isinstance(node.base, nodes.Name) else None
    written = compile_arguments(arguments)

    def run(context: Context) -> object:
        value = base(context)
        if value is None and root is not None:
            raise Missing(root.name, root.position)
        if written.named:
            raise Failure(f"The following named argument does not exist: {written.named[0][0]}").at(position)
        given = tuple(argument(context) for argument in written.positional)
        try:
            return call_method(value, name, given, position)
        except Exception as error:
            raise located(error, position, f"The method {name}") from None

    return run


def compile_arguments(node: nodes.Arguments) -> Written:
    return Written(
        tuple(map(compile_expression, node.positional)),
        tuple((name, compile_expression(value)) for name, value in node.named),
    )


def compile_call(node: nodes.Call) -> Expression:
    written, position, name = compile_arguments(node.arguments), node.position, node.name
    operation = FUNCTIONS.get(name)
    if operation is None:
        return compile_macro_call(name, written, position)
    run = compile_operation(operation, written, position)
    if name not in RENDERERS:
        return run
    unknown = compile_macro_call(name, written, position)
    return lambda context: unknown(context) if context.budget.recursive else run(context)


def compile_filter(node: nodes.Filter) -> Expression:
    return apply_filter(compile_expression(node.operand), node.name, node.arguments, node.position)


def apply_filter(operand: Expression, name: str, arguments: nodes.Arguments, position: int) -> Expression:
    """The filter around an operand that is compiled already."""
    operation = FILTERS.get(name)
    if operation is None:
        return fail_with(f"Filter [{name}] does not exist.", position, nearest(name, FILTERS))
    return compile_operation(operation, compile_arguments(arguments), position, operand)


def compile_test(node: nodes.Test) -> Expression:
    operation = TESTS.get(node.name)
    if operation is None:
        return fail_with(f"Test [{node.name}] does not exist.", node.position, nearest(node.name, TESTS))
    holds = compile_operation(
        operation, compile_arguments(node.arguments), node.position, compile_expression(node.operand)
    )
    return (lambda context: not holds(context)) if node.negated else holds


def compile_unary(node: nodes.Unary) -> Expression:
    operand, position = compile_expression(node.operand), node.position
    apply = {"not": lambda value: not operators.is_true(value), "-": operators.negate, "+": operators.affirm}[
        node.operator
    ]

    def run(context: Context) -> object:
        try:
            return apply(operand(context))
        except Failure as failure:
            raise failure.at(position) from None

    return run


def compile_binary(node: nodes.Binary) -> Expression:
    match node.operator:
        case "and" | "or":
            return compile_logic(node)
        case "??" | "???":
            return compile_coalescing(node)
        case "~":
            return compile_concatenation(node)
        case "contains" | "..":
            return compile_plain_operator(node)
        case _:
            return compile_arithmetic(node)


def compile_arithmetic(node: nodes.Binary) -> Expression:
    left, right, position = compile_expression(node.left), compile_expression(node.right), node.position
    name, apply = ARITHMETIC[node.operator]

    def run(context: Context) -> object:
        try:
            result = apply(left(context), right(context))
            if result.__class__ is list or result.__class__ is str:
                context.budget.add_made(result)
            return result
        except Exception as error:
            # What went wrong within is hidden on purpose: texts rely on ?? not catching it.
            guess = nearest(error.name, error.known) if isinstance(error, Missing) else None
            raise Failure(f"Could not perform {name}", guess).at(position) from error

    return run


def compile_plain_operator(node: nodes.Binary) -> Expression:
    left, right, position = compile_expression(node.left), compile_expression(node.right), node.position
    apply = PLAIN_OPERATORS[node.operator]

    def run(context: Context) -> object:
        first, second = left(context), right(context)
        try:
            result = apply(first, second)
            context.budget.add_made(result)
            return result
        except Exception as error:
            raise located(error, position, f"The operator {node.operator}") from None

    return run


def compile_logic(node: nodes.Binary) -> Expression:
    left, right, position = compile_expression(node.left), compile_expression(node.right), node.position
    decisive = node.operator == "or"

    def run(context: Context) -> object:
        try:
            if operators.is_true(left(context)) is decisive:
                return decisive
            return operators.is_true(right(context))
        except Failure as failure:
            raise failure.at(position) from None

    return run


def compile_coalescing(node: nodes.Binary) -> Expression:
    left, right = compile_expression(node.left), compile_expression(node.right)
    replaces_null = node.operator == "??"

    def run(context: Context) -> object:
        try:
            value = left(context)
        except Missing:
            return right(context)
        return right(context) if value is None and replaces_null else value

    return run


def compile_concatenation(node: nodes.Binary) -> Expression:
    """`a ~ b ~ c` in one function, so that long chains do not nest."""
    operands: list[nodes.Node] = []
    current: nodes.Node = node
    while isinstance(current, nodes.Binary) and current.operator == "~":
        operands.append(current.right)
        current = current.left
    operands.append(current)
    return join_parts(operands[::-1], node.position)


def join_parts(operands: list[nodes.Node], position: int) -> Expression:
    parts = tuple(map(compile_expression, operands))

    def run(context: Context) -> object:
        values = [part(context) for part in parts]
        try:
            result = join_texts(map(concatenated_text, values))
            context.budget.add_made(result)
            return result
        except Failure as failure:
            raise failure.at(position) from None

    return run


def compile_ternary(node: nodes.Ternary) -> Expression:
    condition, yes, no = map(compile_expression, (node.condition, node.yes, node.no))
    position = node.position

    def run(context: Context) -> object:
        value = condition(context)
        try:
            holds = value is not None and operators.is_true(value, "ternary")
        except Failure as failure:
            raise failure.at(position) from None
        return yes(context) if holds else no(context)

    return run


def compile_list(node: nodes.ListLiteral) -> Expression:
    items = tuple(map(compile_expression, node.items))
    return lambda context: [item(context) for item in items]


def compile_map(node: nodes.MapLiteral) -> Expression:
    entries = tuple((compile_expression(key), compile_expression(value)) for key, value in node.entries)
    position = node.position

    def run(context: Context) -> object:
        result: dict[object, object] = {}
        for key, value in entries:
            found = key(context)
            if not operators.is_hashable(found):
                raise Failure("A list or map can not be the key of a map.").at(position)
            result[found] = value(context)
        return result

    return run


COMPILERS: Final[Mapping[type[nodes.Node], Callable[..., Expression]]] = {
    nodes.Literal: lambda node: constant(node.value),
    nodes.Name: compile_name,
    nodes.Attribute: compile_attribute,
    nodes.Call: compile_call,
    nodes.Filter: compile_filter,
    nodes.Test: compile_test,
    nodes.Unary: compile_unary,
    nodes.Binary: compile_binary,
    nodes.Ternary: compile_ternary,
    nodes.ListLiteral: compile_list,
    nodes.MapLiteral: compile_map,
    nodes.Interpolated: lambda node: join_parts(list(node.parts), node.position),
}
