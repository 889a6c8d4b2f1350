"""Input: what every declared input shares, the errors that name one, and what is checked of a whole list of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer, model_validator

from apps.workflows.plugin_api.input_values import InputType, Unparsable, parse_typed, show
from apps.workflows.plugin_api.model import PluginModel

MISSING = "missing required input"
NOT_ENCRYPTED = "Unable to use a `SECRET` input/output as encryption is not configured"

InputId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][.a-zA-Z0-9_-]*$")]


class InvalidValue(ValueError):
    """A value that does not fit its declaration; base of InvalidInput and InvalidOutput."""

    noun = "value"

    def __init__(self, declared_id: str, reason: str, received: Any) -> None:
        super().__init__(f"Invalid {self.noun} for `{declared_id}`, {reason}, but received `{show(received)}`")
        self.declared_id = declared_id
        self.reason = reason


class InvalidInput(InvalidValue):
    """Invalid input for `id`, <reason>, but received `value`"""

    noun = "input"

    @property
    def input_id(self) -> str:
        """Id of the input, as declared."""
        return self.declared_id


class InvalidOutput(InvalidValue):
    """Invalid output for `id`, <reason>, but received `value`"""

    noun = "output"


class DependsOn(PluginModel):
    """When an input is asked for: all named inputs are enabled and the condition renders to true."""

    inputs: list[str] = Field(default_factory=list, title="The inputs it depends on; its expressions know them.")
    condition: str | None = Field(default=None, title="An expression that gives true when this input is asked for.")


class Input(PluginModel):
    """What all inputs share. ``parse`` gives the typed, JSON-able value of anything but null."""

    id: InputId = Field(title="Name of the input; a dot nests it.")
    type: InputType = Field(title="Type of the value.")
    description: str | None = Field(default=None, title="What it is for, as Markdown.")
    display_name: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, title="Name that people see in forms."
    )
    required: bool = Field(default=True, title="Whether a start without it (and without default) is refused.")
    defaults: Any = Field(default=None, title="The value when none is given; may be an expression.")
    depends_on: DependsOn | None = Field(default=None, title="When this input is asked for.")

    @model_validator(mode="before")
    @classmethod
    def _accept_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "name" in data and "id" not in data:
            return {("id" if key == "name" else key): value for key, value in data.items()}
        return data

    @model_validator(mode="after")
    def _check_defaults(self) -> Self:
        if self.defaults is not None and not is_expression(self.defaults):
            try:
                self.convert(self.defaults)
            except Unparsable as error:
                raise ValueError(f"{self.id}: invalid `defaults`: {error}") from error
        return self

    @model_serializer(mode="wrap")
    def _always_show_required(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Clients read a missing `required` as false, so it is shown although true is the default.
        shown: dict[str, Any] = handler(self)
        return {**shown, "required": self.required}

    def parse(self, value: Any) -> Any:
        """The typed value. InvalidInput when it is not of the type or breaks a rule of the declaration."""
        try:
            typed = self.convert(value)
            self.check_value(typed)
        except Unparsable as error:
            raise self.invalid(str(error), value) from error
        return typed

    def convert(self, value: Any) -> Any:
        """The value in its type, its rules not yet looked at. Unparsable, with the reason."""
        return parse_typed(self.type, value)

    def check_value(self, typed: Any) -> None:
        """Raise Unparsable, with the reason, when a typed value breaks a rule of the declaration."""

    def invalid(self, reason: str, received: Any) -> InvalidInput:
        """The error that names this input."""
        return InvalidInput(self.id, reason, received)


def is_expression(value: Any) -> bool:
    """True for a text (or a tree with a text) that is known only when rendered."""
    match value:
        case str():
            return "{{" in value or "{%" in value
        case dict():
            return any(is_expression(part) for pair in value.items() for part in pair)
        case list():
            return any(is_expression(item) for item in value)
    return False


def check_declarations(inputs: Iterable[Input]) -> list[str]:
    """What is wrong with a list of inputs as a whole: ids given twice, dependencies that are missing or circular."""
    declared: dict[str, Input] = {}
    problems: list[str] = []
    for one in inputs:
        if one.id in declared:
            problems.append(f"Duplicate input with name [{one.id}]")
        declared.setdefault(one.id, one)
    for one in declared.values():
        missing = [name for name in _needs(one) if name not in declared]
        problems += [f"Input with id '{one.id}' depends on a non-existent input '{name}'." for name in missing]
    problems += [
        f"Cycle dependency detected for input with id '{one.id}': {show(cycle)}"
        for one in declared.values()
        if (cycle := _cycle_through(one.id, declared))
    ]
    return problems


def _needs(declared: Input) -> list[str]:
    return declared.depends_on.inputs if declared.depends_on is not None else []


def _cycle_through(start: str, declared: dict[str, Input]) -> list[str]:
    """The ids on a way from an input back to itself, or none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in _needs(declared[way[-1]]):
            if name == start:
                return way
            if name in declared and name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []
