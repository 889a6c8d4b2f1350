"""The format of the conformance file: its typed values, its fixtures, its property targets."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import isodate

from apps.workflows.expressions.environment import Functions
from apps.workflows.expressions.temporal import Duration, Instant, LocalDateTime, ZonedDateTime, temporal_text
from apps.workflows.expressions.values import Float32


def split_nanos(text: str) -> tuple[datetime, int]:
    """A date and time to the whole second, and its nanoseconds."""
    head, _, tail = text.partition(".")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return datetime.fromisoformat(head + tail[len(digits) :]), int(digits.ljust(9, "0") or 0)


def duration_of(text: str) -> Duration:
    """`PT1M30S` as a value."""
    delta = isodate.parse_duration(text)
    return Duration(delta.days * 86_400 + delta.seconds, delta.microseconds * 1000)


def read_value(value: Any) -> Any:
    """A value of the file as a value of the language."""
    if isinstance(value, list):
        return [read_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$type" not in value:
        return {key: read_value(item) for key, item in value.items()}
    content = value["value"]
    match value["$type"]:
        case "zoned_datetime":
            return ZonedDateTime(*split_nanos(content))
        case "instant":
            return Instant(*split_nanos(content))
        case "local_datetime":
            return LocalDateTime(*split_nanos(content))
        case "local_date":
            return date.fromisoformat(content)
        case "date":
            return Instant(datetime.fromtimestamp(content // 1000, UTC), content % 1000 * 1_000_000)
        case "duration":
            return duration_of(content)
        case "float32":
            return Float32(content)
        case "bigdecimal":
            return Decimal(content)
        case "set":
            return set(content)
        case "array" | "string_array":
            return [read_value(item) for item in content]
        case _:
            return content


def converted(text: str, target: str) -> object:
    """A rendered property as its type, told in JSON's terms."""
    match target.partition(":")[0]:
        case "integer" | "int" | "long":
            return int(text)
        case "double" | "float":
            return float(text)
        case "boolean":
            return text == "true"
        case "duration":
            return temporal_text(duration_of(text))
        case "list" | "map":
            return json.loads(text)
        case "enum":
            assert text in target.partition(":")[2].split(",")
            return text
        case _:
            return text


class FixtureFunctions(Functions):
    """The world of one case."""

    def __init__(self, fixtures: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        super().__init__()
        self.fixtures = fixtures
        self.namespace = str(variables.get("flow", {}).get("namespace", ""))

    def secret(
        self, key: str, namespace: str | None = None, subkey: str | None = None, error_on_missing: bool = True
    ) -> str | None:
        found: str | None = self.fixtures.get("secrets", {}).get(key.upper())
        return found

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        return self.fixtures.get("kv", {}).get(namespace, {}).get(key)

    def read(self, path: str) -> str:
        if not path.startswith("kestra://"):
            path = f"kestra:///{self.namespace.replace('.', '/')}/_files/{path}"
        content: str = self.fixtures["files"][path]
        return content

    def file_size(self, path: str) -> int:
        return len(self.read(path).encode())

    def error_logs(self) -> list[object]:
        return [entry for entry in self.fixtures.get("logs", []) if entry["level"] == "ERROR"]
