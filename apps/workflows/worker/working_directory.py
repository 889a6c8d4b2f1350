"""A task run's own folder on the worker: made when asked for, removed at its end, swept up after a crash."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)


class WorkingDirectory:
    """A folder under KESTRA_EE_HOME/work that only this run uses. Its name starts with the process that made it."""

    def __init__(self, task_run_id: str) -> None:
        root = work_root()
        root.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-{task_run_id}-", dir=root))

    def remove(self) -> None:
        """Delete the folder. What cannot be deleted is logged and left to the sweep."""
        shutil.rmtree(self.path, onerror=lambda function, path, error: log.warning("not removed", path=str(path)))


def work_root() -> Path:
    """Where the folders of all runs on this machine lie."""
    return Path(settings.HOME) / "work"


def sweep_working_directories() -> int:
    """Remove folders whose process is gone; answers how many. Safe beside running workers of the same machine."""
    root = work_root()
    removed = 0
    for folder in root.iterdir() if root.is_dir() else ():
        pid = folder.name.split("-", 1)[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
