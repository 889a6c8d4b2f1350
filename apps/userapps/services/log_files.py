"""The log that a Logs block shows, as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from apps.workflows.selectors.log_search import PAGE, list_execution_logs

MOST_LINES: Final = 100_000


def log_file(execution_id: str, wanted: Any) -> list[bytes]:
    """The lines that a Logs block's filter lets through, at most MOST_LINES, as UTF-8."""
    return list(_lines(execution_id, wanted))


def _lines(execution_id: str, wanted: Any) -> Iterator[bytes]:
    after = taken = 0
    while taken < MOST_LINES:
        part = list_execution_logs(execution_id, min_level=wanted.log_level, after=after)
        for line in part:
            if not wanted.task_ids or line.task_id in wanted.task_ids:
                yield f"{line.timestamp.isoformat(timespec='milliseconds')} {line.level} {line.message}\n".encode()
        taken += len(part)
        if len(part) < PAGE:
            return
        after = part[-1].number
