"""The log of a running task: masked, thresholded and capped; kept for the commit, taken while it runs, or in a file."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from apps.common.clock import now as read_clock
from apps.workflows.execution_store.save import LogRow, MetricRow
from apps.workflows.plugin_api.task import Level, Task
from apps.workflows.services.masking import longest_first, masked_outputs, masked_text
from apps.workflows.worker.log_file import LogFile

SHORTEST_SECRET = 1
"""Shorter values are not masked: an empty text occurs everywhere."""
MOST_BYTES = 50 * 1024 * 1024
"""Log text one attempt may write; what comes after is dropped, with one line that says so."""
TICK = timedelta(microseconds=1)


class LogCapture:
    """Collects lines and metrics of one attempt, from any thread. ``take`` empties it.

    With ``to_file`` lines go to a file and ``take`` gives metrics alone, until ``take_file``.
    """

    def __init__(
        self, task_run_id: str, task_id: str, attempt: int, threshold: Level | None, *, to_file: bool = False
    ) -> None:
        self.task_run_id = task_run_id
        self.task_id = task_id
        self.attempt = attempt
        self._lowest = 0 if threshold is None else threshold.rank
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._secrets: list[str] = []
        self._kept_out: set[str] = set()
        self._lines: list[LogRow] = []
        self._file = LogFile() if to_file else None
        self._metrics: list[MetricRow] = []
        self._written = 0
        self._last = read_clock() - TICK

    @classmethod
    def of(cls, task: Task, task_run_id: str, attempt: int) -> LogCapture:
        """For an attempt of a task, as the task wants its log."""
        return cls(task_run_id, task.id, attempt, task.log_level, to_file=task.log_to_file)

    def mask(self, secret: str) -> None:
        """From now on this value is written as ``********``, in the log and in outputs."""
        with self._lock:
            self._kept_out.add(secret)
        self.mask_in_log(secret)

    def mask_in_log(self, secret: str) -> None:
        """The same in the log, in metrics and in errors alone."""
        if len(secret) < SHORTEST_SECRET:
            return
        with self._lock:
            if secret not in self._known:
                self._known.add(secret)
                self._secrets = longest_first(self._known)

    def masked(self, text: str) -> str:
        """The text without any secret that was named so far."""
        return masked_text(text, self._secrets)

    def masked_tree(self, value: Any) -> Any:
        """Outputs without any secret that ``mask`` was told."""
        with self._lock:
            secrets = frozenset(self._kept_out)
        return masked_outputs(value, secrets)

    def log(self, level: Level, message: str) -> None:
        """Keep a line, unless it is below the task's ``logLevel``."""
        if level.rank < self._lowest:
            return
        message = self.masked(message)
        with self._lock:
            if self._written > MOST_BYTES:
                return
            self._written += len(message)
            if self._written > MOST_BYTES:
                level, message = Level.WARN, f"The log is cut here: an attempt may write {MOST_BYTES} characters"
            # Two lines never share a moment, so that sorting by time keeps their order.
            moment = max(read_clock(), self._last + TICK)
            self._last = moment
            row = LogRow(self.task_run_id, self.attempt, level, moment, message)
            if self._file is None:
                self._lines.append(row)
            else:
                self._file.write(row)

    def metric(self, kind: str, name: str, value: float, tags: Mapping[str, str] | None) -> None:
        """Keep a metric; a timer's seconds become milliseconds."""
        shown = value * 1000 if kind == "timer" else value
        held = {self.masked(key): self.masked(text) for key, text in (tags or {}).items()}
        row = MetricRow(self.task_run_id, self.task_id, kind, self.masked(name), shown, held, read_clock())
        with self._lock:
            self._metrics.append(row)

    def take_file(self) -> LogFile | None:
        """The file, whole: from now on lines go to the table. The caller closes it; None when there is none."""
        with self._lock:
            file, self._file = self._file, None
        return file

    def take(self) -> tuple[list[LogRow], list[MetricRow]]:
        """What has come since the last time."""
        with self._lock:
            lines, self._lines = self._lines, []
            metrics, self._metrics = self._metrics, []
        return lines, metrics

    def give_back(self, lines: list[LogRow], metrics: list[MetricRow]) -> None:
        """Put back what could not be written, before what has come since."""
        with self._lock:
            self._lines[:0] = lines
            self._metrics[:0] = metrics
