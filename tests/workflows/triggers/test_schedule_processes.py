"""Schedules under real processes: two tick at once, and one is killed between the execution and the next date."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from apps.common.clock import now
from apps.timers.models import Timer
from apps.workflows.models import Execution, TriggerState
from tests.support.flow_runner import FlowRunner

SOURCE = """
id: timed{0}
namespace: company.team
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: "{{{{ trigger.date }}}}"}}
triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "* * * * *"
    recoverMissedSchedules: {1}
"""
FLOWS = 20
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def crash_file(tmp_path: Path) -> Path:
    return tmp_path / "crash"


@pytest.fixture
def tick(crash_file: Path) -> Iterator[Start]:
    held = connection.settings_dict
    address = f"postgresql://{held['USER']}:{held['PASSWORD']}@{held['HOST']}:{held['PORT']}/{held['NAME']}"
    made: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.tick_process", str(crash_file)]
        made.append(subprocess.Popen(command, env={**os.environ, "DATABASE_URL": address}, stdout=subprocess.PIPE))
        assert made[-1].stdout is not None
        assert made[-1].stdout.readline() == b"ready\n"
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.communicate(timeout=20)


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)  # polled until the deadline


def make_due(minutes: int) -> None:
    """As if nothing had ticked for so long."""
    date = now().replace(second=0, microsecond=0) - timedelta(minutes=minutes)
    TriggerState.objects.update(look_at=date, next_date=date)
    Timer.objects.filter(kind="trigger").update(due_at=date)


def test_two_beats_and_a_kill_in_mid_transaction_start_each_date_once(
    flows: FlowRunner, tick: Start, crash_file: Path
) -> None:
    for number in range(FLOWS):
        flows.save(SOURCE.format(number, "LAST"))
    make_due(60)
    crash_file.touch()
    victim = tick()
    assert victim.wait(60) == -9, "killed after the executions were inserted, before the next dates were written"
    assert not Execution.objects.exists(), "nothing of a transaction that did not commit"
    assert not TriggerState.objects.filter(execution_id__isnull=False).exists()
    tick()
    tick()
    until(lambda: Execution.objects.count() >= FLOWS, "the dates are made up for")
    until(lambda: not TriggerState.objects.filter(execution_id__isnull=True).exists(), "all wait for theirs")
    counted = Counter(one.flow_id for one in Execution.objects.all())
    assert counted == Counter(f"timed{number}" for number in range(FLOWS)), "LAST: one each, by two that tick at once"
    late = {one.start_date - one.schedule_date for one in Execution.objects.all() if one.schedule_date}
    assert max(late) < timedelta(minutes=3), "it is the last date, not that of an hour ago"
