"""Property[T]: in YAML either a value or an expression that gives one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    from apps.workflows.plugin_api.run_context import Renderer

T = TypeVar("T")


class Property(Generic[T]):
    """Holds what was written; ``value(renderer)`` renders it to text and converts that to T.

    A literal is checked when the flow is saved, an expression only when it is rendered.
    """

    __slots__ = ("adapter", "raw")

    def __init__(self, raw: Any, adapter: TypeAdapter[T]) -> None:
        self.raw = raw
        self.adapter = adapter

    def value(self, renderer: Renderer) -> T:
        """The property's value in this run. ValueError when the rendered text is not of the type."""
        if not isinstance(self.raw, str):
            return self.adapter.validate_python(renderer.render_tree(self.raw))
        text = renderer.render(self.raw)
        try:
            return self.adapter.validate_python(text)
        except ValidationError:
            return self.adapter.validate_json(text)

    @property
    def is_expression(self) -> bool:
        """True when the value is known only at run time."""
        return isinstance(self.raw, str) and "{" in self.raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Property) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(repr(self.raw))

    def __repr__(self) -> str:
        return f"Property({self.raw!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (inner,) = get_args(source) or (Any,)
        adapter: TypeAdapter[Any] = TypeAdapter(inner)

        def wrap(value: Any) -> Property[Any]:
            if isinstance(value, Property):
                return value
            found: Property[Any] = Property(value, adapter)
            if not found.is_expression and not isinstance(value, dict | list):
                adapter.validate_python(value)
            return found

        return core_schema.no_info_plain_validator_function(
            wrap,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda held: held.raw if isinstance(held, Property) else held
            ),
            metadata={"property_of": inner},
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        metadata = schema.get("metadata") or {}
        inner: dict[str, Any] = TypeAdapter(metadata.get("property_of", Any)).json_schema(mode="validation")
        return {"anyOf": [inner, {"type": "string"}], "x-kestra-dynamic": True}
