"""Item rows: the rows of a data file, one Ion (or JSON) value a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from apps.workflows.expressions.ion_text import parse_ion
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

CHECK_EVERY = 1000
"""Rows between two looks whether the task must stop."""


def rows(context: RunContext, content: BinaryIO) -> Iterator[tuple[bytes, Any]]:
    """Each row as it stands in the file, and its value. Empty lines are left out. TaskFailed with the line's number."""
    for number, line in enumerate(content, start=1):
        if number % CHECK_EVERY == 0:
            context.cancellation.check()
        line = line.rstrip(b"\r\n")
        if line.strip():
            yield line, _parsed(line, number)


def fields(value: Any) -> Mapping[str, Any]:
    """The variables an expression about a row sees: its fields, or ``value`` for a row that has none."""
    return value if isinstance(value, Mapping) else {"value": value}


def _parsed(line: bytes, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        pass  # what is no JSON is Ion
    try:
        return parse_ion(line.decode())
    except ValueError as error:
        raise TaskFailed(f"Line {number} of the file is no row of Ion or JSON: {error}") from error
