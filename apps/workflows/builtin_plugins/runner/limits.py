"""Limits: what a process may use of its machine, set by the kernel through `prlimit`."""

from __future__ import annotations

import re
import shutil
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel

_SIZE = re.compile(r"(\d+)\s*([KMGT]?)I?B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def parse_size(value: Any) -> Any:
    """``512MB``, ``2GiB`` or a number of bytes as bytes. ValueError for other texts."""
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"`{value}` is no size, write it as in 512MB")
    return int(found[1]) * _UNITS[found[2].upper()]


Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]


class Limits(PluginModel):
    """Each limit holds for every process of the command; what is not set is not limited."""

    memory: Size | None = Field(default=None, title="The most address space, as in `512MB`.")
    cpu_time: Duration | None = Field(default=None, title="The most time on the processor; then it is killed.")
    file_size: Size | None = Field(default=None, title="The largest file it may write, as in `1GB`.")
    open_files: Annotated[int, Field(gt=0)] | None = Field(default=None, title="The most files open at once.")
    processes: Annotated[int, Field(gt=0)] | None = Field(
        default=None, title="The most processes and threads of the worker's user."
    )

    def wrap(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """The command line that sets the limits first. TaskFailed when the machine has no `prlimit`."""
        seconds = None if self.cpu_time is None else max(1, round(self.cpu_time.total_seconds()))
        chosen = {
            "--as": self.memory,
            "--cpu": seconds,
            "--fsize": self.file_size,
            "--nofile": self.open_files,
            "--nproc": self.processes,
        }
        options = [f"{name}={value}" for name, value in chosen.items() if value is not None]
        if not options:
            return arguments
        program = shutil.which("prlimit")
        if program is None:
            raise TaskFailed(
                "`limits` need the program `prlimit` (package util-linux), which this worker does not have"
            )
        return (program, *options, "--", *arguments)
