"""Plain YAML scalars: a text as written that also knows its value, so that the property it goes to can choose."""

from __future__ import annotations

import math
import re
from typing import Any

from pydantic import BaseModel, ValidationError

from apps.workflows.plugin_api.input_values import InputType
from apps.workflows.plugin_api.inputs import Input
from apps.workflows.plugin_api.property import Property

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}|0x[0-9a-fA-F]{1,250}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

# The inputs whose default is a text: `defaults: 1.10` is the text 1.10, not the number 1.1.
_TEXT_INPUTS = frozenset(
    {InputType.STRING, InputType.SECRET, InputType.SELECT, InputType.ENUM, InputType.URI, InputType.EMAIL}
)


class Scalar(str):
    """The text of a plain boolean or number. To pydantic it is a text, which each typed field reads in its own way."""

    __slots__ = ("typed",)
    typed: bool | int | float

    def __new__(cls, text: str, typed: bool | int | float) -> Scalar:
        """The text as written, and its value by YAML 1.2's core rules."""
        made = super().__new__(cls, text)
        made.typed = typed
        return made


def read_plain(text: str) -> str | None:
    """A scalar written without quotes: None, a Scalar, or the text itself."""
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return Scalar(text, text.lower() == "true")
    if _INTEGER.fullmatch(text):
        return Scalar(text, int(text, 16 if text.startswith("0x") else 10))
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return Scalar(text, float(text))
    return text


def to_scalars(value: Any) -> Any:
    """A tree of JSON values as if it had been read from YAML: for plugin defaults that come from settings or rows."""
    match value:
        case dict():
            return {str(key): to_scalars(item) for key, item in value.items()}
        case list() | tuple():
            return [to_scalars(item) for item in value]
        case Scalar() | str() | None:
            return value
        case bool():
            return Scalar("true" if value else "false", value)
        case int() | float():
            return Scalar(str(value), value)
    return str(value)


def to_values(value: Any) -> Any:
    """A tree with its scalars typed: for maps and lists whose content has no declared type."""
    match value:
        case Scalar():
            return value.typed
        case dict():
            return {key: to_values(item) for key, item in value.items()}
        case list():
            return [to_values(item) for item in value]
    return value


def settle(node: Any) -> Any:
    """Type the scalars that validation left: they lie in fields without a type. Models are changed in place.

    Fields of type text hold a plain str by then, other typed fields their own type.
    """
    match node:
        case BaseModel():
            text_default = isinstance(node, Input) and node.type in _TEXT_INPUTS
            for name, value in node.__dict__.items():
                # The models are frozen for everyone else; nobody has seen these yet.
                keep_text = text_default and name == "defaults" and isinstance(value, Scalar)
                node.__dict__[name] = str(value) if keep_text else settle(value)
            return node
        case Property():
            node.raw = _settle_property(node)
            return node
        case Scalar():
            return node.typed
        case dict():
            return {key: settle(item) for key, item in node.items()}
        case list():
            return [settle(item) for item in node]
    return node


def _settle_property(held: Property[Any]) -> Any:
    untyped = held.adapter.core_schema["type"] == "any"
    match held.raw:
        case Scalar():
            # It is rendered to a text and then converted, so the text as written is what loses nothing.
            return held.raw.typed if untyped else str(held.raw)
        case dict() | list() if not untyped:
            try:
                checked = held.adapter.validate_python(held.raw)
            except ValidationError:
                return to_values(held.raw)  # it holds expressions where the type wants numbers or the like
            return to_values(held.adapter.dump_python(checked, mode="json", by_alias=True))
    return to_values(held.raw)
