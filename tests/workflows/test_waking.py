"""Executions that wake at the same time share a transaction; none of them pays for another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from apps.common.clock import now
from apps.common.ids import to_uuid
from apps.timers.models import Timer
from apps.workflows.execution_store.load import lock_execution
from apps.workflows.models import Execution, TaskRun
from apps.workflows.services import waking
from apps.workflows.services.clock import wake
from tests.support.flow_runner import FlowRunner, Ran
from tests.workflows.test_commits import counted_commits

SLEEPER = """
id: sleeper
namespace: company.team
tasks:
  - id: both
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
  - {id: after, type: io.kestra.plugin.core.log.Log, message: awake}
"""
PAUSE = """
id: pause
namespace: company.team
tasks:
  - {id: rest, type: io.kestra.plugin.core.flow.Pause, delay: PT1H}
"""
LIMITED = """
id: limited
namespace: company.team
concurrency: {limit: 50, behavior: QUEUE}
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""


def asleep(flows: FlowRunner, source: str, count: int) -> list[Ran]:
    """Executions that have reached their timers, whose time has come."""
    found = [flows.start(source) for _ in range(count)]
    flows.jobs.run()
    TaskRun.objects.filter(nudged_at__gt=now()).update(nudged_at=now() - timedelta(seconds=1))
    return found


def due() -> list[tuple[str, str]]:
    return list(Timer.objects.filter(kind__in=["sleep", "delay"]).order_by("id").values_list("kind", "key"))


def test_many_wake_in_one_commit(flows: FlowRunner) -> None:
    ran = asleep(flows, SLEEPER, 12) + asleep(flows, PAUSE, 8)
    assert len(due()) == 20
    with counted_commits() as commits:
        wake(due())
    assert len(commits) == 1, commits
    assert due() == []
    flows.jobs.run()
    assert {one.state for one in ran} == {"SUCCESS"}
    assert ran[0].states == [("both", "SUCCESS"), ("nap", "SUCCESS"), ("after", "SUCCESS")]


def test_a_great_number_is_shared_out(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "TOGETHER", 3)
    ran = asleep(flows, PAUSE, 8)
    with counted_commits() as commits:
        wake(due())
    assert len(commits) == 3, commits
    assert {one.state for one in ran} == {"SUCCESS"}


def test_places_of_a_limit_are_given_back_by_each(flows: FlowRunner) -> None:
    asleep(flows, LIMITED, 5)
    wake(due())
    flows.jobs.run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT running FROM flow_slot WHERE flow_id = 'limited'")
        assert cursor.fetchone() == (0,)


def test_one_that_breaks_keeps_none_of_the_others_asleep(flows: FlowRunner) -> None:
    broken, *others = asleep(flows, PAUSE, 4)
    timers = due()
    Execution.objects.filter(pk=broken.execution_id).update(cursor={"branch": "no such branch", "open": "many"})
    wake(timers)
    assert {one.state for one in others} == {"SUCCESS"}
    assert broken.state == "PAUSED"
    assert [key.partition(":")[0] for _, key in due()] == [broken.execution_id], "its timer comes again"


def test_a_busy_execution_is_passed_over_and_woken_by_itself(flows: FlowRunner) -> None:
    first, second = asleep(flows, PAUSE, 2)
    timers = due()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM t_alpha.execution WHERE id = %s FOR NO KEY UPDATE", [to_uuid(first.execution_id)])
        left = waking.wake_together(timers)
        assert [key.partition(":")[0] for _, key in left] == [first.execution_id]
        assert (first.state, second.state) == ("PAUSED", "SUCCESS")
        cursor.execute("ROLLBACK")
    other.close()
    wake([*left, *left])
    assert first.state == "SUCCESS"


def test_what_is_gone_or_killed_meanwhile_does_no_harm(flows: FlowRunner) -> None:
    gone, ended, fine = asleep(flows, PAUSE, 3)
    timers = due()
    Execution.objects.filter(pk=ended.execution_id).update(state="KILLED")
    Execution.objects.filter(pk=gone.execution_id).delete()
    wake(timers)
    assert (ended.state, fine.state) == ("KILLED", "SUCCESS")
    assert due() == [], "timers of what is gone are dropped"
    with transaction.atomic():
        assert lock_execution(fine.execution_id) is not None
