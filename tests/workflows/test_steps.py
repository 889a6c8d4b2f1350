"""Steps on real rows: what is lost, doubled or late does no harm."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from apps.common.clock import now
from apps.common.ids import new_id, to_uuid
from apps.timers.models import Timer
from apps.workflows.engine.events import Created, TaskRunEnded, Woken, WorkerLost
from apps.workflows.execution_store.claims import claim_task_run, read_facts, still_held
from apps.workflows.execution_store.save import Extras
from apps.workflows.plugin_api.state import State
from apps.workflows.services.advance import advance_execution, advance_or_store
from apps.workflows.services.chores import give_lost_claims_back
from apps.workflows.services.executions import kill_execution
from apps.workflows.services.processes import LOST_AFTER, beat, register_process
from apps.workflows.worker import drive
from tests.support.flow_runner import FlowRunner, Ran

TWO_TASKS = """
id: two
namespace: company.team
tasks:
  - id: first
    type: io.kestra.plugin.core.debug.Return
    format: one
  - id: second
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.first.value }}"
"""
WIDE = """
id: wide
namespace: company.team
tasks:
  - id: all
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: a, type: io.kestra.plugin.core.debug.Return, format: a}
      - {id: b, type: io.kestra.plugin.core.debug.Return, format: b}
      - {id: c, type: io.kestra.plugin.core.debug.Return, format: c}
"""
SLEEPER = """
id: sleeper
namespace: company.team
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
  - {id: after, type: io.kestra.plugin.core.log.Log, message: awake}
"""


def make_all_timers_due() -> None:
    Timer.objects.update(due_at=now() - timedelta(seconds=1))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE task_run SET nudged_at = nudged_at - interval '2 minutes'")


def test_an_execution_whose_first_message_was_lost_is_begun_by_its_watch(flows: FlowRunner) -> None:
    ran = flows.start(TWO_TASKS)
    flows.jobs.clear()
    make_all_timers_due()
    flows.tick()
    flows.finish(ran)
    assert ran.states == [("first", "SUCCESS"), ("second", "SUCCESS")]


def test_a_start_that_comes_three_times_runs_once(flows: FlowRunner) -> None:
    ran = flows.start(TWO_TASKS)
    for _ in range(3):
        advance_execution(ran.execution_id, Created())
    flows.finish(ran)
    assert ran.states == [("first", "SUCCESS"), ("second", "SUCCESS")]
    assert len(ran.logs()) == 2


def test_task_runs_whose_messages_were_lost_are_sent_again(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    flows.jobs.clear()
    assert ran.state == "RUNNING"
    make_all_timers_due()
    flows.tick()
    flows.finish(ran)
    assert sorted(ran.states) == [("a", "SUCCESS"), ("all", "SUCCESS"), ("b", "SUCCESS"), ("c", "SUCCESS")]


def test_a_run_is_claimed_by_one_worker_only(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    run_id = ran.run_of("a").id
    assert claim_task_run(run_id, "first:1", now()) is not None
    assert claim_task_run(run_id, "second:1", now()) is None
    assert ran.run_of("a").token == "first:1"


def test_a_result_under_another_token_changes_nothing(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    run_id = ran.run_of("a").id
    claim_task_run(run_id, "owner:1", now())
    late = TaskRunEnded(run_id, "zombie:1", State.SUCCESS, {"value": "wrong"}, now())
    advance_execution(ran.execution_id, late)
    held = ran.run_of("a")
    assert (held.state, held.token, held.outputs) == ("RUNNING", "owner:1", None)


def test_a_result_that_comes_twice_is_counted_once(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    run_id = ran.run_of("a").id
    claim_task_run(run_id, "owner:1", now())
    result = TaskRunEnded(run_id, "owner:1", State.SUCCESS, {"value": "a"}, now())
    for _ in range(2):
        advance_execution(ran.execution_id, result)
    assert ran.run_of("all").cursor.get("ok") == 1


def test_claims_of_a_process_that_is_gone_are_given_back_and_the_try_is_shown(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    process = new_id()
    register_process(process, "WORKER", "default", "test", now())
    run_id = ran.run_of("a").id
    assert claim_task_run(run_id, f"{process}:1", now()) is not None
    assert give_lost_claims_back(now()) == 0
    assert give_lost_claims_back(now() + LOST_AFTER + timedelta(seconds=1)) == 1
    assert not beat(process, now())
    flows.finish(ran)
    attempts = ran.run_of("a").attempts
    assert [attempt["histories"][-1]["state"] for attempt in attempts] == ["KILLED", "SUCCESS"]


def test_a_worker_takes_what_waits_in_the_execution_it_works_on(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    assert flows.jobs.run(only=lambda job: job.job == "workflows.begin_execution") == 1
    assert ran.state == "SUCCESS"


def test_a_result_beside_a_busy_execution_is_folded_by_the_clock(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    held = claim_task_run(ran.run_of("a").id, "owner:1", now())
    facts = read_facts(ran.execution_id)
    assert held is not None and facts is not None
    with another_connection_holds(ran.execution_id):
        result = TaskRunEnded(held.id, "owner:1", State.SUCCESS, {"value": "a"}, now())
        advanced = advance_or_store(facts, held, result, claimer=None, extras=Extras())
    assert advanced.stored_beside
    stored = ran.run_of("a")
    assert (stored.state, stored.pending, ran.run_of("all").cursor.get("ok", 0)) == ("SUCCESS", True, 0)
    flows.tick()
    assert (ran.run_of("a").pending, ran.run_of("all").cursor["ok"]) == (False, 1)


@contextmanager
def another_connection_holds(execution_id: str) -> Iterator[None]:
    """As a step of another process would."""
    held = connection.settings_dict
    with psycopg.connect(
        host=held["HOST"], port=held["PORT"], user=held["USER"], password=held["PASSWORD"], dbname=held["NAME"]
    ) as other:
        other.execute("SELECT 1 FROM t_alpha.execution WHERE id = %s FOR NO KEY UPDATE", [to_uuid(execution_id)])
        yield
        other.rollback()


def test_a_lost_worker_that_is_reported_twice_costs_one_try(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    run_id = ran.run_of("a").id
    claim_task_run(run_id, "gone:1", now())
    for _ in range(2):
        advance_execution(ran.execution_id, WorkerLost(run_id, "gone:1"))
    flows.finish(ran)
    assert len(ran.run_of("a").attempts) == 2


def test_a_killed_execution_starts_no_task_and_its_sleepers_end(flows: FlowRunner) -> None:
    ran = flows.start(SLEEPER)
    flows.jobs.run()
    kill_execution(acting_user=None, execution_id=ran.execution_id)
    flows.jobs.run()
    assert (ran.state, ran.states) == ("KILLED", [("nap", "KILLED")])
    assert not Timer.objects.filter(kind="watch").exists()


def test_a_claim_of_a_killed_execution_no_longer_holds(flows: FlowRunner) -> None:
    ran = flows.start(WIDE)
    advance_execution(ran.execution_id, Created())
    run_id = ran.run_of("a").id
    claim_task_run(run_id, "owner:1", now())
    assert still_held(run_id, "owner:1")
    kill_execution(acting_user=None, execution_id=ran.execution_id)
    assert not still_held(run_id, "owner:1")
    result = TaskRunEnded(run_id, "owner:1", State.KILLED, None, now())
    advance_execution(ran.execution_id, result)
    assert ran.run_of("a").state == "KILLED"
    assert ran.state == "KILLED"


def test_an_ended_execution_leaves_no_timer(flows: FlowRunner) -> None:
    flows.run(TWO_TASKS)
    assert list(Timer.objects.values_list("kind", "key")) == []


def test_a_timer_of_an_execution_that_is_gone_is_dropped(flows: FlowRunner) -> None:
    gone = new_id()
    Timer.objects.create(tenant="alpha", kind="watch", key=gone, due_at=now())
    advance_execution(gone, Woken("watch"))
    assert not Timer.objects.exists()


@pytest.mark.parametrize("slice_size", [2, 200])
def test_a_wide_fan_out_ends_with_any_slice(flows: FlowRunner, settings: object, slice_size: int) -> None:
    settings.KESTRA_SLICE = slice_size  # type: ignore[attr-defined]
    ran: Ran = flows.run("""
id: fan
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b, c, d, e, f, g, h, i, j, k, l]
    concurrencyLimit: 0
    tasks:
      - {id: x, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
      - {id: y, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.x[taskrun.value].value }}"}
""")
    assert ran.state == "SUCCESS"
    assert sorted(run.outputs["value"] for run in ran.runs if run.task_id == "y") == list("abcdefghijkl")


def test_a_worker_whose_time_is_up_leaves_no_waiting_run_without_a_message(
    flows: FlowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "BUDGET", 0.0)
    ran = flows.start("""
id: wide_and_slow
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ range(1, 30) }}"
    concurrencyLimit: 0
    tasks:
      - {id: x, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
""")
    flows.jobs.run(most=1000)
    assert ran.state == "SUCCESS", "runs were left waiting for the clock"
