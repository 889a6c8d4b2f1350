"""The list of all filters, functions and tests, for documentation and completion."""

from dataclasses import dataclass

from apps.workflows.expressions.filters import FILTERS
from apps.workflows.expressions.functions import FUNCTIONS
from apps.workflows.expressions.operation import Operation, OperationKind
from apps.workflows.expressions.tests import TESTS
from apps.workflows.expressions.values import ABSENT

MARK = "Example: "


@dataclass(frozen=True)
class Example:
    """A text and what it renders to; `pattern` says that the result is a regular expression it matches."""

    template: str
    result: str
    pattern: bool


@dataclass(frozen=True)
class Entry:
    """One operation, as documentation shows it."""

    name: str
    kind: OperationKind
    signature: str
    meaning: str
    examples: tuple[Example, ...]

    @property
    def example(self) -> str:
        """The first example's text."""
        return self.examples[0].template if self.examples else ""


def reference() -> list[Entry]:
    """All operations, by kind and name."""
    operations = [*FILTERS.values(), *FUNCTIONS.values(), *TESTS.values()]
    return [entry(operation) for operation in sorted(operations, key=lambda found: (found.kind, found.name))]


def entry(operation: Operation) -> Entry:
    """One operation, read from its docstring."""
    meaning, *examples = operation.documentation.split(MARK)
    return Entry(
        operation.name,
        operation.kind,
        signature(operation),
        " ".join(meaning.split()),
        tuple(map(read_example, examples)),
    )


def signature(operation: Operation) -> str:
    """`date(format='iso', timeZone=…)` and the like."""
    if operation.variadic:
        return f"{operation.name}(…)"
    parameters = [
        parameter.name + ("" if parameter.required else f"={shown(parameter.default)}")
        for parameter in operation.parameters
    ]
    return f"{operation.name}({', '.join(parameters)})"


def shown(default: object) -> str:
    """A default as texts write it; `…` where there is none to write."""
    if default is ABSENT or default is None:
        return "…"
    if isinstance(default, bool):
        return str(default).lower()
    return f"'{default}'" if isinstance(default, str) else str(default)


def read_example(text: str) -> Example:
    """`template → result`, where `\\n` in the result is a line break; with ≈ the result is a regular expression."""
    mark = "≈" if "≈" in text else "→"
    template, _, result = text.rpartition(mark)
    result = result.removeprefix(" ").rstrip("\n")
    return Example(template.strip(), result if mark == "≈" else result.replace("\\n", "\n"), mark == "≈")
