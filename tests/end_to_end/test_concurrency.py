"""Lock order and claims under real concurrency: several processes, one database, and somebody who does harm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from apps.workflows.models import Execution, TaskRun
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from tests.support.cursor_check import wrong_cursors
from tests.support.table_dispatcher import CREATE

EXECUTIONS = 50
SEED = 20260115
FLOW = """
id: storm
namespace: company.team
tasks:
  - id: wide
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ range(1, 24) }}"
    concurrencyLimit: 0
    tasks:
      - {id: one, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
      - {id: two, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.one[taskrun.value].value }}"}
  - id: both
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - id: left
        type: io.kestra.plugin.core.flow.Sequential
        tasks:
          - {id: l1, type: io.kestra.plugin.core.debug.Return, format: l1}
          - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT0.3S}
          - {id: l2, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.l1.value }}"}
      - id: right
        type: io.kestra.plugin.core.flow.If
        condition: "{{ outputs.two['7'].value == '7' }}"
        then:
          - {id: r1, type: io.kestra.plugin.core.debug.Return, format: r1}
        else:
          - {id: r2, type: io.kestra.plugin.core.debug.Return, format: r2}
  - {id: last, type: io.kestra.plugin.core.log.Log, message: done}
"""
RUNS = Counter({"wide": 1, "one": 24, "two": 24, "both": 1, "left": 1, "l1": 1, "nap": 1, "l2": 1, "right": 1})
RUNS += Counter({"r1": 1, "last": 1})


@contextmanager
def processes(slice_size: int, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Four workers, an executor and the one that does harm, on this test's database."""
    held = connection.settings_dict
    url = f"postgresql://{held['USER']}:{held['PASSWORD']}@{held['HOST']}:{held['PORT']}/{held['NAME']}"
    roles = [("worker", seed) for seed in range(4)] + [("executor", 4), ("chaos", 5)]
    environment = os.environ | {
        "DATABASE_URL": url,
        "KESTRA_EE_SLICE": str(slice_size),
        "KESTRA_EE_PROCESS": "worker",
        "KESTRA_EE_SECRET_KEY": "not-a-secret-of-anyone" * 3,
        "KESTRA_EE_HOME": str(settings.HOME),
        "KESTRA_EE_MASTER_KEY": settings.KESTRA_MASTER_KEY,
    }
    running = []
    try:
        for role, seed in roles:
            command = [sys.executable, "-m", "tests.support.chaos_process", role, str(SEED + seed)]
            with (folder / f"{role}-{seed}.log").open("wb") as log:
                running.append(
                    subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2], stdout=log, stderr=log)
                )
        yield running
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.mark.process
@pytest.mark.timeout(240)
@pytest.mark.parametrize("slice_size", [2, 200])
def test_four_workers_under_faults_end_every_execution_with_every_run_counted_once(
    committed_alpha: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slice_size: int
) -> None:
    monkeypatch.setattr(settings, "KESTRA_DISPATCHER", "tests.support.inline_dispatcher.InlineDispatcher")
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        deadlocks_before = cursor.fetchone()[0]
    create_flow(acting_user=None, source=FLOW)
    ids = []
    for _ in range(EXECUTIONS):
        # The first nudges are lost on purpose: the watch finds every one of these executions.
        ids.append(create_execution(acting_user=None, request=StartRequest("company.team", "storm")).execution_id)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.timer SET due_at = now()")

    with processes(slice_size, tmp_path) as running:
        deadline = time.monotonic() + 200
        while Execution.objects.exclude(state__in=["SUCCESS", "FAILED", "KILLED", "WARNING"]).exists():
            assert time.monotonic() < deadline, _progress(tmp_path)
            assert all(process.poll() is None for process in running), _logs(tmp_path)
            time.sleep(0.2)  # polled until the deadline

    assert Counter(Execution.objects.values_list("state", flat=True)) == {"SUCCESS": EXECUTIONS}, _logs(tmp_path)
    for execution_id in ids:
        runs = list(TaskRun.objects.filter(execution_id=execution_id))
        assert Counter(run.task_id for run in runs) == RUNS
        assert {run.state for run in runs} == {"SUCCESS"}
        for run in runs:
            ends = [attempt["histories"][-1]["state"] for attempt in run.attempts or []]
            assert ends.count("SUCCESS") <= 1 and set(ends) <= {"SUCCESS", "KILLED"}, (run.task_id, ends)
        with transaction.atomic():
            assert wrong_cursors(execution_id) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert cursor.fetchone()[0] == deadlocks_before
        cursor.execute("DROP TABLE public.test_nudge")
    said = "\n".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "terminating connection" in said or "server closed" in said, "no connection was cut: the test did no harm"
    assert "stored beside" in said, "no execution was busy when a result came: the busy path was not tried"


def _progress(folder: Path) -> str:
    states = Counter(Execution.objects.values_list("state", flat=True))
    runs = Counter(TaskRun.objects.exclude(state="SUCCESS").values_list("task_id", "state", "pending"))
    return f"{states} {runs}\n{_logs(folder)}"


def _logs(folder: Path) -> str:
    return "\n".join(f"== {path.name}\n{path.read_text()[-3000:]}" for path in sorted(folder.glob("*.log")))
