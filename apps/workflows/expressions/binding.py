"""Arguments as written → arguments as an operation takes them."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.workflows.expressions.errors import ExpressionError, Failure, Missing, nearest
from apps.workflows.expressions.operation import Operation
from apps.workflows.expressions.scope import Context

Expression = Callable[[Context], object]


@dataclass(frozen=True)
class Written:
    """The compiled arguments of one call, as they stand in the text."""

    positional: tuple[Expression, ...]
    named: tuple[tuple[str, Expression], ...]


def constant(value: object) -> Expression:
    """An expression that is always this value."""
    return lambda context: value


def match_names(written: Written, names: tuple[str, ...]) -> dict[str, Expression]:
    """Each argument under its name; raises Failure for too many and for unknown ones."""
    if len(written.positional) > len(names):
        raise Failure(
            f"The argument at position {len(names) + 1} is not allowed. Only {len(names)} argument(s) are allowed."
        )
    found = dict(zip(names, written.positional, strict=False))
    for name, expression in written.named:
        if name not in names:
            raise Failure(f"The following named argument does not exist: {name}", nearest(name, names))
        found[name] = expression
    return found


def bind(operation: Operation, written: Written) -> tuple[Expression, ...]:
    """The arguments in the order of the implementation, defaults filled in; raises Failure."""
    if operation.variadic:
        if written.named:
            raise Failure(f"The following named argument does not exist: {written.named[0][0]}")
        return written.positional
    found = match_names(written, tuple(parameter.name for parameter in operation.parameters))
    expressions = [found.get(parameter.name) for parameter in operation.parameters]
    # Defaults behind the last argument given are Python's business.
    while expressions and expressions[-1] is None and not operation.parameters[len(expressions) - 1].required:
        expressions.pop()
    return tuple(
        constant(parameter.default) if expression is None else expression
        for parameter, expression in zip(operation.parameters, expressions, strict=False)
    )


def located(error: Exception, position: int, what: str) -> Exception:
    """The error to raise for one that an operation raised. Its text is kept only where we wrote it: Python's own
    messages may quote values, and a value may be a secret."""
    match error:
        case Failure():
            return error.at(position)
        case Missing() | ExpressionError():
            return error
        case RecursionError():
            return Failure("The expression is nested too deep.").at(position)
        case _:
            return Failure(f"{what} failed on this value ({type(error).__name__}).").at(position)
