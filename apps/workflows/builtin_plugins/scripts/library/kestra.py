"""Module ``kestra`` for scripts: hands outputs, metrics and log lines to the platform.

It is on the path of every Python task. When the script's environment has a package of this name installed, that one
is used instead.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent


class Kestra:
    """What a script says about itself. Each call prints one line that the task understands."""

    @staticmethod
    def _send(message: dict[str, Any]) -> None:
        print(f"::{json.dumps(message)}::", flush=True)

    @staticmethod
    def outputs(values: dict[str, Any]) -> None:
        """Values for later tasks: `outputs.<task>.vars.<name>`."""
        Kestra._send({"outputs": values})

    @staticmethod
    def counter(name: str, value: float, tags: dict[str, str] | None = None) -> None:
        """A number to be added up."""
        Kestra._send({"metrics": [{"name": name, "type": "counter", "value": value, "tags": tags or {}}]})

    @staticmethod
    def timer(name: str, duration: float | Callable[[], Any], tags: dict[str, str] | None = None) -> None:
        """A time in seconds, or something to call and time."""
        if callable(duration):
            started = time.perf_counter()
            duration()
            seconds = time.perf_counter() - started
        else:
            seconds = duration
        Kestra._send({"metrics": [{"name": name, "type": "timer", "value": seconds, "tags": tags or {}}]})

    @staticmethod
    def logger() -> logging.Logger:
        """A logger whose lines keep their level."""
        logger = logging.getLogger("Kestra")
        if not logger.handlers:
            handler = _Handler()
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
        return logger


class _Handler(logging.Handler):
    _LEVELS = ((logging.ERROR, "ERROR"), (logging.WARNING, "WARN"), (logging.INFO, "INFO"), (logging.DEBUG, "DEBUG"))

    def emit(self, record: logging.LogRecord) -> None:
        level = next((name for least, name in self._LEVELS if record.levelno >= least), "TRACE")
        Kestra._send({"logs": [{"level": level, "message": self.format(record)}]})


def _prefer_installed() -> None:
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE]
    spec = PathFinder.find_spec("kestra", elsewhere)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["kestra"] = module
        spec.loader.exec_module(module)


if __name__ == "kestra":
    _prefer_installed()
