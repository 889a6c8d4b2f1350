"""A compiled text: everything it needs to be rendered any number of times, by any thread."""

from apps.workflows.expressions import raw
from apps.workflows.expressions.errors import (
    ExpressionError,
    Failure,
    Kind,
    Missing,
    SyntaxFailure,
    line_and_column,
    nearest,
)
from apps.workflows.expressions.printing import TypedOutput
from apps.workflows.expressions.scope import Context
from apps.workflows.expressions.statements import Macro, Output, Statement, compile_body
from apps.workflows.expressions.tags import parse


class Template:
    """One text, read and compiled. Raises ExpressionError when the text does not follow the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.source, self.raw_blocks = raw.take_out(text)
        try:
            tree = parse(self.source)
            self.macros = {name: Macro(macro) for name, macro in tree.macros.items()}
            self.blocks: dict[str, Statement] = {name: compile_body(body) for name, body in tree.blocks.items()}
            self.body: Statement = compile_body(tree.body)
        except SyntaxFailure as failure:
            raise self._syntax_error(failure) from None
        except RecursionError:
            message = f"The expression is nested too deep. ({self.text}:1)"
            raise ExpressionError("syntax", message, 1, 1, text) from None

    def render(self, context: Context) -> str:
        """The text with all expressions replaced."""
        out: list[str] = []
        self._run(context, out)
        return raw.put_back("".join(out), self.raw_blocks)

    def render_typed(self, context: Context) -> object:
        """The value of the one expression, or text."""
        out = TypedOutput()
        self._run(context, out)
        return raw.put_back(out.value, self.raw_blocks) if isinstance(out.value, str) else out.value

    def _run(self, context: Context, out: Output) -> None:
        try:
            self.body(context, out)
        except Missing as missing:
            raise self._undefined(missing, context) from None
        except Failure as failure:
            raise self._failed(failure, context) from None
        except ExpressionError:
            raise
        except RecursionError:
            raise self._failed(Failure("The expression is nested too deep."), context) from None
        except Exception as error:
            # Its text may quote a value, and a value may be a secret.
            raise self._failed(Failure(f"The expression failed ({type(error).__name__})."), context) from None

    def _syntax_error(self, failure: SyntaxFailure) -> ExpressionError:
        line, column = line_and_column(self.text, failure.position)
        message = f"{failure.message} ({self.text}:{line})"
        return ExpressionError(failure.kind, message, line, column, self.text, failure.suggestion)

    def _undefined(self, missing: Missing, context: Context) -> ExpressionError:
        line, column = line_and_column(self.text, missing.position)
        message = f"Unable to find `{missing.name}` used in the expression `{self.text}` at line {line}"
        return self._masked("undefined", message, line, column, nearest(missing.name, missing.known), context)

    def _failed(self, failure: Failure, context: Context) -> ExpressionError:
        line, column = line_and_column(self.text, failure.position or 0)
        message = f"{failure.message} ({self.text}:{line})"
        return self._masked("evaluation", message, line, column, failure.suggestion, context)

    def _masked(
        self, kind: Kind, message: str, line: int, column: int, suggestion: str | None, context: Context
    ) -> ExpressionError:
        masked = context.budget.masked
        guess = None if suggestion is None else masked(suggestion)
        return ExpressionError(kind, masked(message), line, column, masked(self.text), guess)
