"""A process that is beat and executor in one: it ticks until it is killed; with a file it dies in mid-transaction.

The file says where: the first process that finds it, after the executions are inserted and before the next dates are
written, removes it and ends as by `kill -9`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "kestra_ee.settings"

import django

django.setup()

from django.conf import settings

settings.KESTRA_DISPATCHER = "tests.support.inline_dispatcher.InlineDispatcher"

from apps.common.clock import now
from apps.tenants.scope import public_scope
from apps.timers import services as timers
from apps.workflows.services import clock, trigger_batch


def crash_where(file: Path) -> None:
    """Put the crash point between the executions of a share and its next dates."""
    original = trigger_batch.TriggerBatch._start_all

    def start_all(self: Any) -> None:
        original(self)
        if self._starts and file.exists():
            file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    trigger_batch.TriggerBatch._start_all = start_all


def main(file: str) -> None:
    """Tick as often as it goes, until the process is killed."""
    timers.GRACE = timedelta(seconds=1)
    crash_where(Path(file))
    print("ready", flush=True)
    while True:
        with public_scope():
            clock.tick_timers(now())
        time.sleep(0.02)  # the pace of the ticks


if __name__ == "__main__":
    main(sys.argv[1])
