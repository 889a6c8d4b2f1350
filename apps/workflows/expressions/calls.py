"""Tree → closures: calls of filters, functions, tests and macros, once their arguments are compiled."""

from apps.workflows.expressions.binding import Expression, Written, bind, located, match_names
from apps.workflows.expressions.errors import Failure, Missing, nearest
from apps.workflows.expressions.functions import FUNCTIONS
from apps.workflows.expressions.operation import Operation
from apps.workflows.expressions.scope import Context


def fail_with(message: str, position: int, suggestion: str | None = None) -> Expression:
    """An expression that can only fail: what is unknown matters only when it is reached."""

    def run(context: Context) -> object:
        raise Failure(message, suggestion).at(position)

    return run


def compile_macro_call(name: str, written: Written, position: int) -> Expression:
    """A call of a name that is no function: whether there is such a macro shows when it is reached."""

    def run(context: Context) -> object:
        macro = context.template.macros.get(name)
        if macro is None:
            guess = nearest(name, [*FUNCTIONS, *context.template.macros])
            raise Failure(f"Function or Macro [{name}] does not exist.", guess).at(position)
        try:
            found = match_names(written, macro.names)
            return macro.call(context, {key: value(context) for key, value in found.items()})
        except Failure as failure:
            raise failure.at(position) from None

    return run


def compile_operation(
    operation: Operation, written: Written, position: int, operand: Expression | None = None
) -> Expression:
    """A filter, test (with operand) or function as a function of the context."""
    try:
        arguments = bind(operation, written)
    except Failure as failure:
        return fail_with(failure.message, position, failure.suggestion)
    call = operation.call
    what = f"The {operation.kind} {operation.name}"
    leading: tuple[Expression, ...] = (lambda context: context,) if operation.wants_context else ()
    if operand is not None:
        leading += (tolerant(operand) if operation.accepts_missing else operand,)
    inputs = leading + arguments
    # The operand is the last of the leading ones.
    operand_index = -1 if operation.sees_null or operand is None else len(leading) - 1

    def run(context: Context) -> object:
        values = [expression(context) for expression in inputs]
        if operand_index >= 0 and values[operand_index] is None:
            return None
        try:
            result = call(*values)
            context.budget.add_made(result)
            return result
        except Exception as error:
            raise located(error, position, what) from None

    return run


def tolerant(operand: Expression) -> Expression:
    """The operand, null where it is missing."""

    def run(context: Context) -> object:
        try:
            return operand(context)
        except Missing:
            return None

    return run
