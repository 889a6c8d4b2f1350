"""WorkingDirectory on a worker: one claim, one folder, children one by one; kills, retries, lost workers, its cache."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.common.clock import now
from apps.tenants.scope import tenant_scope
from apps.workflows.engine.events import Created, TaskRunEnded, UnitOpened, WorkerLost
from apps.workflows.execution_store.claims import claim_task_run
from apps.workflows.plugin_api.state import State
from apps.workflows.services.advance import advance_execution
from apps.workflows.services.executions import kill_execution
from apps.workflows.worker import drive
from apps.workflows.worker.working_directory import work_root
from tests.support.flow_runner import FlowRunner, Ran

UNIT = """
id: unit
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles: {start.txt: begin}
    outputFiles: ["*.txt"]
    tasks:
      - {id: write, type: io.kestra.plugin.core.storage.LocalFiles, inputs: {made.txt: "{{ taskrun.id }}"}}
      - {id: read, type: io.kestra.plugin.core.storage.LocalFiles, outputs: ["*.txt"]}
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "{{ read(outputs.folder.outputFiles['made.txt']) }}"}
"""


def folders() -> set[str]:
    """Working directories of this process; others may run tests beside it."""
    return {path.name for path in work_root().glob(f"{os.getpid()}-*")}


def test_what_one_child_leaves_the_next_one_finds_and_the_folder_is_removed(flows: FlowRunner) -> None:
    before = folders()
    ran = flows.run(UNIT)
    assert ran.states == [("folder", "SUCCESS"), ("write", "SUCCESS"), ("read", "SUCCESS"), ("after", "SUCCESS")]
    assert sorted(ran.run_of("read").outputs["uris"]) == ["made.txt", "start.txt"]
    assert sorted(ran.run_of("folder").outputs["outputFiles"]) == ["made.txt", "start.txt"]
    assert ran.run_of("after").outputs == {"value": ran.run_of("write").id}
    assert folders() == before
    assert all(len(run.attempts) == 1 for run in ran.runs)


def test_children_that_are_disabled_or_absent_still_make_a_unit(flows: FlowRunner) -> None:
    ran = flows.run("""
id: hollow
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles: {a.txt: x}
    outputFiles: ["*"]
    tasks:
      - {id: off, type: io.kestra.plugin.core.log.Log, message: m, disabled: true}
      - {id: skipped, type: io.kestra.plugin.core.log.Log, message: m, runIf: "false"}
""")
    assert ran.states == [("folder", "SUCCESS"), ("skipped", "SKIPPED")]
    assert list(ran.run_of("folder").outputs["outputFiles"]) == ["a.txt"]


def test_a_folder_that_cannot_be_filled_fails_the_unit_and_runs_its_errors(flows: FlowRunner) -> None:
    ran = flows.run("""
id: unfilled
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles: {"../a.txt": x}
    tasks:
      - {id: never, type: io.kestra.plugin.core.log.Log, message: m}
    errors:
      - {id: handler, type: io.kestra.plugin.core.log.Log, message: m}
""")
    assert (ran.state, ran.states) == ("FAILED", [("folder", "FAILED"), ("handler", "SUCCESS")])
    assert "must be a path inside the working directory" in ran.logs("folder")[0]


def test_output_files_that_cannot_be_kept_fail_the_unit_after_its_children(flows: FlowRunner) -> None:
    ran = flows.run("""
id: unkept
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["{a"]
    tasks:
      - {id: child, type: io.kestra.plugin.core.log.Log, message: m}
  - {id: never, type: io.kestra.plugin.core.log.Log, message: m}
""")
    assert (ran.state, ran.states) == ("FAILED", [("folder", "FAILED"), ("child", "SUCCESS")])
    assert "`outputFiles`" in ran.logs("folder")[0]


def test_a_failing_child_stops_the_rest_but_what_was_made_is_kept(flows: FlowRunner) -> None:
    ran = flows.run("""
id: broken
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*.txt"]
    allowFailure: true
    tasks:
      - {id: write, type: io.kestra.plugin.core.storage.LocalFiles, inputs: {made.txt: x}}
      - {id: fail, type: io.kestra.plugin.core.execution.Fail}
      - {id: never, type: io.kestra.plugin.core.log.Log, message: m}
""")
    assert (ran.state, ran.states) == ("WARNING", [("folder", "WARNING"), ("write", "SUCCESS"), ("fail", "FAILED")])
    assert list(ran.run_of("folder").outputs["outputFiles"]) == ["made.txt"]


def test_a_child_is_tried_again_in_the_same_folder(flows: FlowRunner) -> None:
    ran = flows.run("""
id: retried
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - {id: write, type: io.kestra.plugin.core.storage.LocalFiles, inputs: {made.txt: x}}
      - id: fail
        type: io.kestra.plugin.core.execution.Fail
        condition: "{{ taskrun.attemptsCount < 2 }}"
        retry: {type: constant, interval: PT0.05S, maxAttempt: 3}
      - {id: read, type: io.kestra.plugin.core.storage.LocalFiles, outputs: ["*.txt"]}
""")
    assert (ran.state, len(ran.run_of("fail").attempts)) == ("SUCCESS", 3)
    assert ran.states == [("folder", "SUCCESS"), ("write", "SUCCESS"), ("fail", "SUCCESS"), ("read", "SUCCESS")]
    assert list(ran.run_of("read").outputs["uris"]) == ["made.txt"]


def test_a_try_in_a_new_execution_ends_the_unit_too(flows: FlowRunner) -> None:
    ran = flows.run("""
id: renewed
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: fail
        type: io.kestra.plugin.core.execution.Fail
        retry: {type: constant, interval: PT1H, maxAttempt: 2, behavior: CREATE_NEW_EXECUTION}
""")
    assert (ran.state, ran.states) == ("RETRIED", [("folder", "RETRIED"), ("fail", "RETRIED")])


@contextmanager
def killing(ran: Ran, when: threading.Event) -> Iterator[None]:
    """Kill the execution from elsewhere once ``when`` is set."""

    def kill() -> None:
        assert when.wait(20)
        try:
            with tenant_scope("alpha"):
                kill_execution(acting_user=None, execution_id=ran.execution_id)
        finally:
            connection.close()

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("child", ["{id: child, type: io.kestra.plugin.scripts.shell.Commands, commands: [sleep 60]}"])
def test_a_kill_reaches_the_child_at_work(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch, child: str) -> None:
    ran = flows.start(f"""
id: killed
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*"]
    tasks:
      - {child}
      - {{id: never, type: io.kestra.plugin.core.log.Log, message: m}}
""")
    started = threading.Event()
    begin = flows_pulse().begin

    def tell(running: Any) -> None:
        begin(running)
        if running.context.task_id == "child":
            started.set()

    monkeypatch.setattr(flows_pulse(), "begin", tell)
    before = folders()
    with killing(ran, started):
        flows.finish(ran)
    assert (ran.state, ran.states) == ("KILLED", [("folder", "KILLED"), ("child", "KILLED")])
    assert ran.run_of("folder").outputs is None
    assert folders() == before


def test_a_kill_reaches_a_unit_whose_child_waits_for_its_next_try(
    flows: FlowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = flows.start("""
id: killed
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: fail
        type: io.kestra.plugin.core.execution.Fail
        retry: {type: constant, interval: PT1H, maxAttempt: 2}
""")
    waits = threading.Event()
    begin = flows_pulse().begin
    seen: list[str] = []

    def tell(running: Any) -> None:
        begin(running)
        seen.append(running.context.task_id)
        if seen == ["folder", "fail", "folder"]:
            waits.set()

    monkeypatch.setattr(flows_pulse(), "begin", tell)
    with killing(ran, waits):
        flows.finish(ran)
    assert (ran.state, ran.states) == ("KILLED", [("folder", "KILLED"), ("fail", "KILLED")])


def flows_pulse() -> Any:
    from apps.workflows import jobs as workflow_jobs

    return workflow_jobs.driver().pulse


def test_a_lost_worker_loses_the_unit_and_all_of_it_runs_again(flows: FlowRunner) -> None:
    ran = flows.start(UNIT)
    advance_execution(ran.execution_id, Created())
    flows.jobs.clear()
    unit = ran.run_of("folder").id
    assert claim_task_run(unit, "gone:1", now()) is not None
    advance_execution(ran.execution_id, UnitOpened(unit, "gone:1"))
    write = ran.run_of("write")
    assert (write.state, write.token) == ("RUNNING", "gone:1")
    advance_execution(ran.execution_id, TaskRunEnded(write.id, "gone:1", State.SUCCESS, None, now()))
    read = ran.run_of("read").id
    for run_id in (read, unit, write.id):
        advance_execution(ran.execution_id, WorkerLost(run_id, "gone:1"))
    late = TaskRunEnded(read, "gone:1", State.SUCCESS, {"uris": {"wrong": "x"}}, now())
    advance_execution(ran.execution_id, late)
    flows.finish(ran)
    assert ran.states == [("folder", "SUCCESS"), ("write", "SUCCESS"), ("read", "SUCCESS"), ("after", "SUCCESS")]
    assert ran.run_of("write").id != write.id
    assert [attempt["histories"][-1]["state"] for attempt in ran.run_of("folder").attempts] == ["KILLED", "SUCCESS"]


@pytest.mark.parametrize("after_commit", [True, False])
def test_a_database_that_goes_away_between_two_children_loses_nothing(
    flows: FlowRunner, monkeypatch: pytest.MonkeyPatch, after_commit: bool
) -> None:
    real = drive.advance_execution
    failed: set[str] = set()

    def flaky(execution_id: str, event: Any, **more: Any) -> Any:
        name = type(event).__name__ + str(getattr(event, "run_id", ""))
        if name in failed or isinstance(event, Created):
            return real(execution_id, event, **more)
        failed.add(name)
        if after_commit:
            real(execution_id, event, **more)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(drive, "advance_execution", flaky)
    ran = flows.run(UNIT)
    assert ran.states == [("folder", "SUCCESS"), ("write", "SUCCESS"), ("read", "SUCCESS"), ("after", "SUCCESS")]
    assert len(failed) == 4, "opening, both children and the end"
    assert all(len(run.attempts) == 1 for run in ran.runs if run.task_id != "after")


CACHED = """
id: cached
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - id: folder
        type: io.kestra.plugin.core.flow.WorkingDirectory
        cache: {patterns: ["*.txt"], ttl: PT5M}
        tasks:
          - {id: found, type: io.kestra.plugin.core.storage.LocalFiles, outputs: ["*.txt"]}
          - id: write
            type: io.kestra.plugin.core.storage.LocalFiles
            inputs: {"{{ taskrun.value }}.txt": "{{ execution.id }}"}
"""


def test_a_cache_lasts_from_one_execution_to_the_next_by_value(flows: FlowRunner) -> None:
    first = flows.run(CACHED)
    assert [run.outputs["uris"] for run in first.runs if run.task_id == "found"] == [{}, {}]
    second = flows.run(CACHED)
    assert [list(run.outputs["uris"]) for run in second.runs if run.task_id == "found"] == [["a.txt"], ["b.txt"]]


def test_timeout_of_a_unit_ends_the_child_that_is_at_work(flows: FlowRunner) -> None:
    ran = flows.run(
        """
id: slow_unit
namespace: company.team
tasks:
  - id: unit
    type: io.kestra.plugin.core.flow.WorkingDirectory
    timeout: PT1S
    tasks:
      - {id: quick, type: io.kestra.plugin.core.log.Log, message: m}
      - id: slow
        type: io.kestra.plugin.scripts.shell.Script
        timeout: PT1M
        taskRunner: {type: io.kestra.plugin.core.runner.Process}
        script: sleep 50
      - {id: never, type: io.kestra.plugin.core.log.Log, message: m}
"""
    )
    assert ran.states == [("unit", "FAILED"), ("quick", "SUCCESS"), ("slow", "FAILED")]
    assert ran.logs("slow")[-1].startswith("Timeout after 00:00:0")
