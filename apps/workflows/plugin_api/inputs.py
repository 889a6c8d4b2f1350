"""Input and output declarations of a flow (and of a Pause): what a person must give, and how it is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, Self

import regex
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from apps.workflows.plugin_api.duration import Duration, format_duration, parse_duration
from apps.workflows.plugin_api.input_declaration import (
    MISSING,
    NOT_ENCRYPTED,
    DependsOn,
    Input,
    InputId,
    InvalidInput,
    InvalidOutput,
    InvalidValue,
    check_declarations,
    is_expression,
)
from apps.workflows.plugin_api.input_values import (
    InputType,
    Unparsable,
    parse_date,
    parse_instant,
    parse_text,
    parse_time,
    parse_typed,
    show,
)
from apps.workflows.plugin_api.model import PluginModel

__all__ = [
    "MISSING",
    "NOT_ENCRYPTED",
    "AnyInput",
    "DependsOn",
    "FlowOutput",
    "Input",
    "InputType",
    "InvalidInput",
    "InvalidOutput",
    "InvalidValue",
    "check_declarations",
    "is_expression",
]

PATTERN_SECONDS = 0.5
"""How long a validator may search one value: a careless pattern must not hold a web process."""

Text = Annotated[str, BeforeValidator(lambda value: value if value is None else parse_text(value))]


def _check_pattern(pattern: str) -> str:
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"invalid pattern [{pattern}]: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class _Patterned(Input):
    validator: Pattern | None = Field(default=None, title="A regular expression that the whole text must match.")

    def check_value(self, typed: Any) -> None:
        if self.validator is None:
            return
        try:
            matched = regex.fullmatch(self.validator, typed, timeout=PATTERN_SECONDS)
        except TimeoutError as error:
            raise Unparsable(f"the pattern `{self.validator}` takes too long on this value") from error
        if matched is None:
            raise Unparsable(f"it must match the pattern `{self.validator}`")


class StringInput(_Patterned):
    """A text."""

    type: Literal[InputType.STRING]


class SecretInput(_Patterned):
    """A text that is encrypted at rest, clear in expressions, masked everywhere it is shown."""

    type: Literal[InputType.SECRET]

    def invalid(self, reason: str, received: Any) -> InvalidInput:
        return InvalidInput(self.id, reason, None if received is None else "********")


class IntInput(Input):
    """A whole number of 32 bits; the bounds are allowed values."""

    type: Literal[InputType.INT]
    min: int | None = Field(default=None, title="The least value allowed.")
    max: int | None = Field(default=None, title="The greatest value allowed.")

    def check_value(self, typed: Any) -> None:
        _check_bounds(typed, self.min, self.max, show)


class FloatInput(Input):
    """A number; the bounds are allowed values."""

    type: Literal[InputType.FLOAT]
    min: float | None = Field(default=None, title="The least value allowed.")
    max: float | None = Field(default=None, title="The greatest value allowed.")

    def check_value(self, typed: Any) -> None:
        _check_bounds(typed, self.min, self.max, show)


def _check_bounds(typed: Any, least: Any, most: Any, write: Callable[[Any], str], *, lead: str = "it") -> None:
    if least is not None and typed < least:
        raise Unparsable(f"{lead} must be more than `{write(least)}`")
    if most is not None and typed > most:
        raise Unparsable(f"{lead} must be less than `{write(most)}`")


class BooleanInput(Input):
    """True or false."""

    type: Literal[InputType.BOOLEAN]


class _Dated(Input):
    def _check_between(self, typed: str, after: str | None, before: str | None) -> None:
        # Texts of one ISO form do not sort as time does once fractions differ, so compare what they were parsed from.
        if after is not None and _sortable(typed) < _sortable(after):
            raise Unparsable(f"it must be after `{after}`")
        if before is not None and _sortable(typed) > _sortable(before):
            raise Unparsable(f"it must be before `{before}`")


def _sortable(text: str) -> str:
    """``10:15`` and ``10:15:00.5Z`` in one form, so that text order is time order."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    if whole.count(":") == 1:
        whole += ":00"
    return f"{whole}.{fraction:0<6}"


Instant = Annotated[str, BeforeValidator(parse_instant)]
IsoDate = Annotated[str, BeforeValidator(parse_date)]
IsoTime = Annotated[str, BeforeValidator(parse_time)]


class DateTimeInput(_Dated):
    """An instant, kept in UTC; the bounds are allowed values."""

    type: Literal[InputType.DATETIME]
    after: Instant | None = Field(default=None, title="The first moment allowed.")
    before: Instant | None = Field(default=None, title="The last moment allowed.")

    def check_value(self, typed: Any) -> None:
        self._check_between(typed, self.after, self.before)


class DateInput(_Dated):
    """A day; the bounds are allowed values."""

    type: Literal[InputType.DATE]
    after: IsoDate | None = Field(default=None, title="The first moment allowed.")
    before: IsoDate | None = Field(default=None, title="The last moment allowed.")

    def check_value(self, typed: Any) -> None:
        self._check_between(typed, self.after, self.before)


class TimeInput(_Dated):
    """A time of day; the bounds are allowed values."""

    type: Literal[InputType.TIME]
    after: IsoTime | None = Field(default=None, title="The first moment allowed.")
    before: IsoTime | None = Field(default=None, title="The last moment allowed.")

    def check_value(self, typed: Any) -> None:
        self._check_between(typed, self.after, self.before)


class DurationInput(Input):
    """An ISO 8601 duration; the bounds are allowed values."""

    type: Literal[InputType.DURATION]
    min: Duration | None = Field(default=None, title="The shortest duration allowed.")
    max: Duration | None = Field(default=None, title="The longest duration allowed.")

    def check_value(self, typed: Any) -> None:
        _check_bounds(parse_duration(typed), self.min, self.max, format_duration, lead="It")


class FileInput(Input):
    """A file, uploaded or already in internal storage; the value is its address."""

    type: Literal[InputType.FILE]
    extension: str = Field(default=".upl", title="How the name of the stored file ends.")

    @model_validator(mode="after")
    def _check_defaults(self) -> Self:
        if self.defaults is not None:
            raise ValueError(f"{self.id}: no `defaults` can be set for inputs of type 'FILE'")
        return self


class JsonInput(Input):
    """Any JSON."""

    type: Literal[InputType.JSON]


class YamlInput(Input):
    """Any YAML."""

    type: Literal[InputType.YAML]


class UriInput(Input):
    """An address with scheme and host."""

    type: Literal[InputType.URI]


class EmailInput(Input):
    """A mail address."""

    type: Literal[InputType.EMAIL]


class _Choice(Input):
    """Base of the inputs that offer values."""

    values: list[Text] | None = Field(default=None, title="The values offered.")
    expression: str | None = Field(default=None, title="An expression that gives the values offered, as a list.")
    allow_custom_value: bool = Field(default=False, title="Whether other values may be given.")

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if self.values is None and self.expression is None:
            raise ValueError(f"{self.id}: one of `values` and `expression` is required")
        return self

    def with_values(self, values: Iterable[Any]) -> Self:
        """This input offering what its ``expression`` gave, as texts."""
        return self.model_copy(update={"values": [parse_text(value) for value in values], "expression": None})

    def _check_offered(self, chosen: Iterable[Any]) -> None:
        offered = self.values or []
        if not self.allow_custom_value and any(parse_text(item) not in offered for item in chosen):
            raise Unparsable(f"it must match the values `{show(offered)}`")


class SelectInput(_Choice):
    """One of the values, or a text of one's own when ``allowCustomValue``."""

    type: Literal[InputType.SELECT]
    is_radio: bool = Field(default=False, title="Whether the form shows all values at once.")

    def check_value(self, typed: Any) -> None:
        self._check_offered([typed])


class EnumInput(Input):
    """One of the values (deprecated: SELECT)."""

    type: Literal[InputType.ENUM]
    values: list[Text] = Field(title="The values allowed.")

    def check_value(self, typed: Any) -> None:
        if typed not in self.values:
            raise Unparsable(f"it must match the values `{show(self.values)}`")


def _check_item_type(item_type: InputType) -> InputType:
    if item_type in (InputType.ARRAY, InputType.MULTISELECT):
        raise ValueError(f"`itemType` cannot be `{item_type}`")
    return item_type


class MultiselectInput(_Choice):
    """Any of the values, as a list."""

    type: Literal[InputType.MULTISELECT]
    item_type: Annotated[InputType, AfterValidator(_check_item_type)] = Field(
        default=InputType.STRING, title="Type of the elements."
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_options(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("options") is None:
            return data
        if data.get("values") is not None:
            raise ValueError("only one of `values` and `options` may be set")
        return {("values" if key == "options" else key): value for key, value in data.items() if key != "values"}

    def convert(self, value: Any) -> Any:
        return parse_typed(InputType.MULTISELECT, value, self.item_type)

    def check_value(self, typed: Any) -> None:
        self._check_offered(typed)


class ArrayInput(Input):
    """A list of one type."""

    type: Literal[InputType.ARRAY]
    item_type: InputType = Field(title="Type of the elements; not ARRAY.")

    @model_validator(mode="before")
    @classmethod
    def _refuse_array_of_array(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("itemType", data.get("item_type")) == InputType.ARRAY:
            raise ValueError(f"{data.get('id', data.get('name'))}: `itemType` cannot be `ARRAY`")
        return data

    def convert(self, value: Any) -> Any:
        return parse_typed(InputType.ARRAY, value, self.item_type)


AnyInput = Annotated[
    StringInput
    | SecretInput
    | IntInput
    | FloatInput
    | BooleanInput
    | DateTimeInput
    | DateInput
    | TimeInput
    | DurationInput
    | FileInput
    | JsonInput
    | YamlInput
    | UriInput
    | EmailInput
    | SelectInput
    | EnumInput
    | MultiselectInput
    | ArrayInput,
    Field(discriminator="type"),
]
"""Any input, told apart by its ``type``; for ``list[AnyInput]`` in a flow or a Pause."""


class FlowOutput(PluginModel):
    """An output of the flow, rendered when an execution ends."""

    id: InputId = Field(title="Name of the output.")
    type: InputType = Field(title="Type of the value.")
    value: Any = Field(title="The value; rendered when the execution ends.")
    description: str | None = Field(default=None, title="What it is, as Markdown.")
    display_name: str | None = Field(default=None, title="Name that people see.")

    def parse(self, value: Any) -> Any:
        """The rendered value in its type. InvalidOutput when it is not of the type."""
        try:
            return parse_typed(self.type, value)
        except Unparsable as error:
            received = "********" if self.type is InputType.SECRET else value
            raise InvalidOutput(self.id, str(error), received) from error
