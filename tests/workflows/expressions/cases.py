"""The format of the conformance file: its typed values, its fixtures, its property targets."""

import json
from collections.abc import Callable, Mapping
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
    reader = READERS.get(value["$type"])
    return reader(value["value"]) if reader else value["value"]


def legacy_date(millis: int) -> Instant:
    """A date counted in milliseconds."""
    return Instant(datetime.fromtimestamp(millis // 1000, UTC), millis % 1000 * 1_000_000)


READERS: dict[str, Callable[[Any], object]] = {
    "zoned_datetime": lambda text: ZonedDateTime(*split_nanos(text)),
    "instant": lambda text: Instant(*split_nanos(text)),
    "local_datetime": lambda text: LocalDateTime(*split_nanos(text)),
    "local_date": date.fromisoformat,
    "date": legacy_date,
    "duration": duration_of,
    "float32": Float32,
    "bigdecimal": Decimal,
    "set": set,
    "array": read_value,
    "string_array": read_value,
}


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
