"""Functions from documents to values: JSON, YAML, Ion."""

from collections.abc import Callable

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.ion_text import parse_ion
from apps.workflows.expressions.json_text import parse_json
from apps.workflows.expressions.operation import Operation, functions, operation
from apps.workflows.expressions.values import ABSENT
from apps.workflows.expressions.yaml_text import parse_yaml


def read(source: object, name: str, argument: str, parse: Callable[[str], object]) -> object:
    """The value of a document. The document is not repeated in errors: it may be secret."""
    if source is ABSENT:
        raise Failure(f"The '{name}' function expects an argument '{argument}'.")
    if not isinstance(source, str):
        raise Failure(f"The '{name}' function expects an argument '{argument}' with type string.")
    try:
        return parse(source)
    except ValueError as error:
        raise Failure(f"Invalid {argument}: {getattr(error, 'msg', error)}") from None


def from_json(json: object = ABSENT) -> object:
    """The value of a JSON text; null stays null.

    Example: {{ fromJson('{"a": [1, 2]}').a[0] }} → 1
    """
    return None if json is None else read(json, "fromJson", "json", parse_json)


def from_ion(ion: object = ABSENT) -> object:
    """The value of an Ion text; null stays null.

    Example: {{ fromIon('{a: {b: true}}').a.b }} → true
    """
    return None if ion is None else read(ion, "fromIon", "ion", parse_ion)


def yaml(yaml: object = ABSENT) -> object:
    """The value of a YAML text; dates stay texts.

    Example: {{ yaml('a: [1, {b: c}]').a[1].b }} → c
    """
    return read(yaml, "yaml", "yaml", parse_yaml)


FUNCTIONS: dict[str, Operation] = {
    **functions({"json": from_json, "fromJson": from_json, "yaml": yaml}),
    "fromIon": operation("function", "fromIon", from_ion),
}
