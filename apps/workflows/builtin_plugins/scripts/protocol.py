"""The lines by which a script speaks to the platform: ``::{"outputs": …, "metrics": …, "logs": …}::``."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level

_MESSAGE = re.compile(r"::(\{.*\})::", re.DOTALL)


class ScriptOutput:
    """Takes the lines of a process: messages are understood, all else goes to the log. Called from two threads."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.lock = threading.Lock()
        self.vars: dict[str, Any] = {}
        self.wrote_to_stderr = False

    def take(self, line: str, from_stderr: bool) -> None:
        """One line, without its end."""
        with self.lock:
            found = _MESSAGE.fullmatch(line.strip())
            if found is not None:
                self._understand(found[1])
                return
            if from_stderr:
                self.wrote_to_stderr = True
            self.context.log(Level.WARN if from_stderr else Level.INFO, line)

    def _understand(self, text: str) -> None:
        try:
            message = json.loads(text, parse_constant=_refuse_constant)
            outputs = message.get("outputs") or {}
            metrics = [_metric(metric) for metric in message.get("metrics") or []]
            logs = [_log(entry) for entry in message.get("logs") or []]
            if not isinstance(outputs, dict):
                raise TypeError("`outputs` must be a map")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self.context.log(Level.WARN, f"Invalid outputs '{text}': {error}")
            return
        self.vars.update(outputs)
        for kind, name, value, tags in metrics:
            self.context.metric(kind, name, value, tags)
        for level, line in logs:
            self.context.log(level, line)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _metric(metric: dict[str, Any]) -> tuple[str, str, float, dict[str, str]]:
    kind = str(metric["type"])
    if kind not in ("counter", "timer"):
        raise ValueError(f"a metric is a counter or a timer, not `{kind}`")
    tags = {str(name): str(value) for name, value in (metric.get("tags") or {}).items()}
    return kind, str(metric["name"]), float(metric["value"]), tags


def _log(entry: dict[str, Any]) -> tuple[Level, str]:
    return Level(str(entry.get("level", "INFO")).upper()), str(entry["message"])
