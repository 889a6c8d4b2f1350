"""Values of rows as an Avro schema wants them: texts become numbers and dates where it says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException
from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.zone import zone_of
from apps.workflows.builtin_plugins.serdes.date_patterns import parse_date, parse_moment, parse_time
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.run_context import RunContext

TRUE = ("t", "true", "enabled", "1", "on", "yes")
FALSE = ("f", "false", "disabled", "0", "off", "no", "")
NULL = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "1.#IND", "1.#QNAN", "NA", "n/a", "nan", "null")


class AvroProperties(PluginModel):
    """The schema, and how texts are read where it wants something else."""

    schema_: str | None = Field(default=None, alias="schema", title="The Avro schema of a row, JSON; rendered.")
    true_values: list[str] = Field(default=list(TRUE), title="Texts that mean true, in small letters.")
    false_values: list[str] = Field(default=list(FALSE), title="Texts that mean false, in small letters.")
    null_values: list[str] = Field(default=list(NULL), title="Texts that mean null where null is allowed.")
    date_format: str = Field(default="yyyy-MM-dd[XXX]", title="How dates are written in texts.")
    time_format: str = Field(default="HH:mm[:ss][.SSSSSS][XXX]", title="How times of day are written in texts.")
    datetime_format: str = Field(
        default="yyyy-MM-dd'T'HH:mm[:ss][.SSSSSS][XXX]", title="How dates with a time are written in texts."
    )
    decimal_separator: str = Field(default=".", min_length=1, max_length=1, title="What stands before a fraction.")
    strict_schema: bool = Field(default=False, title="Whether a field that the schema does not have fails the task.")
    infer_all_fields: bool = Field(default=False, title="Accepted for later flows; the schema is what is written.")
    time_zone_id: str | None = Field(
        default=None, title="The zone of dates that have none, as in `Europe/Paris`; UTC unless given; rendered."
    )

    def check(self) -> list[str]:
        """What is wrong beyond types."""
        return [] if self.schema_ is not None else ["`schema` must not be null"]

    def shape(self, context: RunContext) -> Shape:
        """The schema, read. TaskFailed when it is none."""
        text = context.render(self.schema_ or "")
        try:
            schema = fastavro.parse_schema(json.loads(text))
        except (ValueError, SchemaParseException, TypeError, KeyError) as error:
            raise TaskFailed(f"`schema` is no Avro schema: {error}") from error
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise TaskFailed("`schema` must be a record: its fields are those of a row")
        return Shape(self, schema, zone_of(context, self.time_zone_id))


class Unfit(ValueError):
    """A value is not what the schema wants."""


class Shape:
    """Turns rows into what fastavro writes."""

    def __init__(self, properties: AvroProperties, schema: dict[str, Any], zone: Any) -> None:
        self.properties = properties
        self.schema = schema
        self.zone = zone
        self.named: dict[str, Any] = dict(schema.get("__named_schemas", {}))

    def row(self, row: Any, number: int) -> Any:
        """A row. TaskFailed with its number and field."""
        if not isinstance(row, Mapping):
            raise TaskFailed(f"Row {number} is no map")
        try:
            return self._record(row, self.schema)
        except Unfit as error:
            raise TaskFailed(f"Row {number}: {error}") from error

    def _record(self, row: Any, schema: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(row, Mapping):
            raise Unfit(f"`{row}` is no map")
        fields = schema["fields"]
        if self.properties.strict_schema and (extra := set(row) - {field["name"] for field in fields}):
            raise Unfit(f"the schema has no field {', '.join(sorted(extra))}")
        made = {}
        for field in fields:
            name = field["name"]
            if name not in row and "default" in field:
                made[name] = field["default"]
                continue
            try:
                made[name] = self._value(row.get(name), field["type"])
            except (Unfit, ValueError, InvalidOperation, OverflowError) as error:
                raise Unfit(f"field `{name}`: {error or type(error).__name__}") from error
        return made

    def _value(self, value: Any, schema: Any) -> Any:
        if isinstance(schema, list):
            return self._union(value, schema)
        if isinstance(schema, str) and schema in self.named:
            schema = self.named[schema]
        kind = schema if isinstance(schema, str) else schema["type"]
        logical = None if isinstance(schema, str) else schema.get("logicalType")
        if isinstance(kind, dict | list):
            return self._value(value, kind)
        if kind == "null":
            if value is None or (isinstance(value, str) and value in self.properties.null_values):
                return None
            raise Unfit(f"`{value}` is not null")
        if value is None:
            raise Unfit(f"it is null, but the schema wants {logical or kind}")
        if logical is not None and (convert := self._logical(logical, schema)) is not None:
            return convert(value)
        return self._plain(value, kind, schema)

    def _union(self, value: Any, schemas: list[Any]) -> Any:
        failures = []
        for schema in sorted(schemas, key=lambda one: one != "null"):
            try:
                return self._value(value, schema)
            except (Unfit, ValueError, InvalidOperation) as error:
                failures.append(str(error))
        raise Unfit(failures[-1] if failures else "the union is empty")

    def _plain(self, value: Any, kind: str, schema: Any) -> Any:
        match kind:
            case "array":
                items = json.loads(value) if isinstance(value, str) else value
                return [self._value(item, schema["items"]) for item in items]
            case "map":
                entries = json.loads(value) if isinstance(value, str) else value
                return {str(key): self._value(item, schema["values"]) for key, item in entries.items()}
            case "record":
                return self._record(value, schema)
            case "enum":
                if str(value) not in schema["symbols"]:
                    raise Unfit(f"`{value}` is none of {', '.join(schema['symbols'])}")
                return str(value)
        return self._simple(value, kind)

    def _simple(self, value: Any, kind: str) -> Any:
        match kind:
            case "boolean":
                return self._boolean(value)
            case "int" | "long":
                return self._integer(value)
            case "float" | "double":
                return float(self._number(value))
            case "string":
                return value if isinstance(value, str) else str(value)
            case "bytes" | "fixed":
                return value if isinstance(value, bytes) else str(value).encode()
        raise Unfit(f"the schema has the unknown type {kind}")

    def _boolean(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).lower()
        if text in self.properties.true_values:
            return True
        if text in self.properties.false_values:
            return False
        raise Unfit(f"`{value}` is neither true nor false")

    def _number(self, value: Any) -> Decimal:
        if isinstance(value, bool):
            raise Unfit(f"`{value}` is no number")
        text = str(value).strip()
        if self.properties.decimal_separator != ".":
            text = text.replace(self.properties.decimal_separator, ".")
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise Unfit(f"`{value}` is no number") from error

    def _integer(self, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        number = self._number(value)
        if number != number.to_integral_value():
            raise Unfit(f"`{value}` is no whole number")
        return int(number)

    def _logical(self, logical: str, schema: Any) -> Callable[[Any], Any] | None:
        if logical == "decimal":
            return lambda value: self._decimal(value, schema.get("scale", 0))
        if logical == "date":
            return self._date
        if logical.startswith("time-"):
            return self._time
        if logical.startswith("timestamp-"):
            return self._moment
        if logical.startswith("local-timestamp-"):
            return lambda value: self._moment(value).astimezone(self.zone).replace(tzinfo=None)
        return str if logical == "uuid" else None

    def _decimal(self, value: Any, scale: int) -> Decimal:
        return self._number(value).quantize(Decimal(1).scaleb(-scale))

    def _date(self, value: Any) -> date:
        if isinstance(value, datetime):
            return value.date()
        return value if isinstance(value, date) else parse_date(str(value), self.properties.date_format)

    def _time(self, value: Any) -> time:
        found = value if isinstance(value, time) else parse_time(str(value), self.properties.time_format)
        return found.replace(tzinfo=None)

    def _moment(self, value: Any) -> datetime:
        found = value if isinstance(value, datetime) else parse_moment(str(value), self.properties.datetime_format)
        return (found if found.tzinfo else found.replace(tzinfo=self.zone)).astimezone(UTC)
