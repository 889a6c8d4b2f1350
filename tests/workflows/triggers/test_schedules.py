"""Schedules under a clock that the test moves: due dates, missed dates, conditions, locks, backfills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
import time_machine
from django.db import connection

from apps.common.clock import now
from apps.common.errors import IllegalArgument, IllegalState
from apps.timers.models import Timer
from apps.workflows.models import Execution, LogEntry, TriggerEvaluation, TriggerState
from apps.workflows.selectors.flow_sources import FlowSource
from apps.workflows.services import schedules
from apps.workflows.services.backfills import BackfillRequest, create_backfill, delete_backfill, pause_backfill
from apps.workflows.services.flows import delete_flow, set_flow_disabled
from apps.workflows.services.schedules import evaluate_due
from apps.workflows.services.trigger_states import FLOW_TIMER
from apps.workflows.services.triggers import restart_trigger, switch_trigger, unlock_trigger
from tests.support.flow_runner import FlowRunner

Clock = time_machine.Traveller
NAME = {"namespace": "company.team", "flow_id": "timed", "trigger_id": "t"}
SOURCE = """
id: timed
namespace: company.team
labels: {team: data}
inputs:
  - {id: day, type: STRING, defaults: none}
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ trigger.date }} {{ inputs.day }} {{ schedule.date }}"}
triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "*/10 * * * *"
"""
SLOW = SOURCE.replace(
    "type: io.kestra.plugin.core.log.Log, message:",
    "type: io.kestra.plugin.core.flow.Sleep, duration: PT3H, description:",
)


def row() -> TriggerState:
    return TriggerState.objects.get(trigger_id="t")


def due() -> datetime | None:
    timer = Timer.objects.filter(kind="trigger").first()
    return None if timer is None else timer.due_at


def at(hour: int, minute: int = 0, *, day: int = 15) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def started() -> list[datetime]:
    """Dates of the executions, in the order they were made."""
    return [one.schedule_date for one in Execution.objects.order_by("start_date", "schedule_date") if one.schedule_date]


def outcomes() -> list[str]:
    return [one.outcome for one in TriggerEvaluation.objects.order_by("id")]


def run_until(flows: FlowRunner, clock: Clock, moment: datetime, *, step: timedelta = timedelta(seconds=30)) -> None:
    while now() < moment:
        clock.move_to(min(now() + step, moment))
        flows.tick()
        flows.jobs.run()


def test_a_schedule_starts_its_flow_at_its_dates(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SOURCE)
    assert (row().next_date, due()) == (at(10, 10), at(10, 10))
    frozen_clock.move_to(at(10, 9))
    flows.tick()
    assert started() == []
    frozen_clock.move_to(at(10, 10))
    flows.tick()
    flows.jobs.run()
    (execution,) = Execution.objects.all()
    assert execution.state == "SUCCESS"
    assert execution.trigger == {
        "id": "t",
        "type": "io.kestra.plugin.core.trigger.Schedule",
        "variables": {
            "date": "2026-01-15T10:10:00Z",
            "next": "2026-01-15T10:20:00Z",
            "previous": "2026-01-15T10:00:00Z",
        },
    }
    assert execution.inputs == {"day": "none"}
    assert {label["key"]: label["value"] for label in execution.labels} == {
        "team": "data",
        "system.correlationId": execution.id,
    }
    assert [line.message for line in LogEntry.objects.all()] == ["2026-01-15T10:10:00Z none 2026-01-15T10:10:00Z"]
    assert (row().date, row().next_date, row().execution_id, due()) == (at(10, 10), at(10, 20), None, at(10, 20))
    assert outcomes() == ["STARTED"]


def test_a_tick_that_comes_twice_starts_nothing_twice(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SOURCE)
    frozen_clock.move_to(at(10, 10))
    before = row()
    evaluate_due([str(before.pk)])
    evaluate_due([str(before.pk)])
    # as if the date had not been moved on, say by a backup that was restored
    TriggerState.objects.filter(pk=before.pk).update(look_at=before.look_at, execution_id=None)
    evaluate_due([str(before.pk)])
    assert started() == [at(10, 10)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("ALL", [at(10, 10), at(10, 20), at(10, 30), at(10, 40), at(10, 50), at(11, 0), at(11, 10)]),
        ("LAST", [at(11, 0), at(11, 10)]),
        ("NONE", [at(11, 10)]),
    ],
)
def test_after_an_hour_without_a_tick(
    flows: FlowRunner, frozen_clock: Clock, policy: str, expected: list[datetime]
) -> None:
    flows.save(SOURCE + f"    recoverMissedSchedules: {policy}\n")
    frozen_clock.move_to(at(11, 5))
    for _ in range(20):
        flows.tick()
        flows.jobs.run()
        frozen_clock.shift(1)
    run_until(flows, frozen_clock, at(11, 11))
    assert sorted(started()) == expected
    assert row().next_date == at(11, 20)
    assert ("MISSED" in outcomes()) is (policy == "NONE")


def test_dates_that_are_too_late_are_left_out(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SOURCE + "    lateMaximumDelay: PT15M\n")
    frozen_clock.move_to(at(11, 5))
    for _ in range(10):
        flows.tick()
        flows.jobs.run()
        frozen_clock.shift(1)
    assert started() == [at(10, 50), at(11, 0)]
    assert outcomes()[0] == "LATE"


def test_the_next_date_waits_for_the_execution_before(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SLOW)
    run_until(flows, frozen_clock, at(10, 35))
    assert started() == [at(10, 10)]
    held = row()
    assert held.execution_id == Execution.objects.get().id
    assert outcomes() == ["STARTED", "RUNNING"]
    unlock_trigger(acting_user=None, **NAME)
    flows.tick()
    assert started() == [at(10, 10), at(10, 20)]
    with pytest.raises(IllegalState, match="not locked"):
        unlock_trigger(acting_user=None, **NAME)
        unlock_trigger(acting_user=None, **NAME)


def test_conditions_decide_and_are_told(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        SOURCE.replace("*/10 * * * *", "0 11 * * *")
        + """    conditions:
      - {type: io.kestra.plugin.core.condition.DayWeek, dayOfWeek: SATURDAY}
      - type: io.kestra.plugin.core.condition.Not
        conditions: [{type: io.kestra.plugin.core.condition.DayWeekInMonth, dayOfWeek: SATURDAY, dayInMonth: FIRST}]
"""
    )
    assert row().next_date == at(11, day=17)
    assert due() == at(11)
    run_until(flows, frozen_clock, at(11, 1, day=17), step=timedelta(minutes=30))
    assert started() == [at(11, day=17)]
    assert outcomes() == ["CONDITIONS", "CONDITIONS", "STARTED"]
    first = TriggerEvaluation.objects.order_by("id")[0]
    assert first.date == at(11)
    assert first.conditions[0] == {
        "type": "io.kestra.plugin.core.condition.DayWeek",
        "holds": False,
        "seen": "THURSDAY",
    }
    assert [part["holds"] for part in first.conditions[1]["conditions"]] == [False]
    assert Execution.objects.get().trigger["variables"] == {
        "date": "2026-01-17T11:00:00Z",
        "next": "2026-01-24T11:00:00Z",
        "previous": "2026-01-10T11:00:00Z",
    }


def test_a_condition_that_cannot_be_told_fails_an_execution(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        SOURCE
        + """    conditions:
      - {type: io.kestra.plugin.core.condition.Expression, expression: "{{ nothing.there }}"}
"""
    )
    flows.save(
        SOURCE.split("triggers:")[0]
        .replace("id: timed", "id: told")
        .replace(" {{ schedule.date }}", "")
        .replace("trigger.date", "trigger.state")
        + "triggers:\n  - id: failures\n    type: io.kestra.plugin.core.trigger.Flow\n    states: [FAILED]\n"
    )
    run_until(flows, frozen_clock, at(10, 21))
    failed = Execution.objects.filter(flow_id="timed").order_by("schedule_date")
    assert [(one.state, one.schedule_date) for one in failed] == [("FAILED", at(10, 10)), ("FAILED", at(10, 20))]
    assert "nothing" in str(failed[0].error)
    assert outcomes().count("FAILED") == 2
    assert Execution.objects.filter(flow_id="told", state="SUCCESS").count() == 2, "who follows failures is told"


def test_inputs_and_labels_are_rendered_and_inputs_not_validated(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        SOURCE.replace(
            "  - {id: day, type: STRING, defaults: none}\n",
            "  - {id: day, type: STRING, defaults: none}\n"
            "  - {id: number, type: INT, max: 5}\n  - {id: missing, type: STRING}\n",
        )
        + """    inputs: {day: "{{ trigger.date | date('yyyy-MM-dd') }}", number: 17, extra: x}
    labels: {on: "{{ trigger.date | date('EEEE') }}", team: own}
"""
    )
    run_until(flows, frozen_clock, at(10, 11))
    execution = Execution.objects.get()
    assert execution.state == "SUCCESS"
    assert execution.inputs == {"day": "2026-01-15", "number": 17, "extra": "x"}
    labels = {label["key"]: label["value"] for label in execution.labels}
    assert (labels["on"], labels["team"]) == ("Thursday", "own")


def test_flows_and_triggers_that_are_switched_off_start_nothing(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SOURCE)
    switch_trigger(acting_user=None, **NAME, disabled=True)
    assert (row().next_date, due()) == (None, None)
    run_until(flows, frozen_clock, at(10, 15))
    switch_trigger(acting_user=None, **NAME, disabled=False)
    assert row().next_date == at(10, 20)
    set_flow_disabled(acting_user=None, namespace="company.team", flow_id="timed", disabled=True)
    assert due() is None
    run_until(flows, frozen_clock, at(10, 25))
    set_flow_disabled(acting_user=None, namespace="company.team", flow_id="timed", disabled=False)
    run_until(flows, frozen_clock, at(10, 31))
    assert started() == [at(10, 30)]


def test_a_saved_flow_keeps_dates_unless_its_trigger_changed(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SOURCE)
    frozen_clock.move_to(at(10, 25))
    flows.save(SOURCE.replace("team: data", "team: other"))
    assert row().next_date == at(10, 10), "it is still to be made up for"
    number = row().pk
    flows.save(SOURCE.replace("*/10", "*/7"))
    assert (row().pk, row().next_date) == (number, at(10, 28))
    flows.save(SOURCE.replace("id: t\n", "id: other\n"))
    assert TriggerState.objects.get().trigger_id == "other"
    assert Timer.objects.filter(kind="trigger").count() == 1
    delete_flow(acting_user=None, namespace="company.team", flow_id="timed")
    assert not TriggerState.objects.exists()
    assert due() is None


def test_restarting_begins_from_now(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SLOW)
    run_until(flows, frozen_clock, at(10, 25))
    assert row().execution_id is not None
    restart_trigger(acting_user=None, **NAME)
    assert (row().execution_id, row().next_date) == (None, at(10, 30))


def test_a_trigger_that_stops_after_a_failure(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        SOURCE.replace("io.kestra.plugin.core.log.Log, message:", "io.kestra.plugin.core.execution.Fail, errorMessage:")
        + "    stopAfter: [FAILED]\n"
    )
    run_until(flows, frozen_clock, at(10, 40))
    assert started() == [at(10, 10)]
    assert (row().disabled, due()) == (True, None)


def test_dates_that_are_listed(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        SOURCE.split("triggers:")[0].replace("{{ trigger.date }} {{ inputs.day }} {{ schedule.date }}", "listed")
        + """triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.ScheduleOnDates
    timezone: Europe/Paris
    dates: ["2026-01-15T09:00:00Z", "2026-01-15T11:30:00", "2026-01-15T11:00:00+00:00"]
"""
    )
    assert row().next_date == at(10, 30), "half past eleven in Paris"
    run_until(flows, frozen_clock, at(12), step=timedelta(minutes=5))
    assert started() == [at(10, 30), at(11, 0)]
    assert (row().next_date, due()) == (None, None)


def test_a_backfill_runs_each_date_once_and_gives_the_schedule_back(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SOURCE.replace("*/10 * * * *", "0 * * * *"))
    request = BackfillRequest(at(0), at(5), {"day": "again"}, [("why", "repair")])
    create_backfill(acting_user=None, **NAME, request=request)
    with pytest.raises(IllegalState, match="a backfill already"):
        create_backfill(acting_user=None, **NAME, request=request)
    for _ in range(3):
        flows.tick()
        flows.jobs.run()
        frozen_clock.shift(1)
    assert started() == [at(0), at(1), at(2)]
    assert row().backfill["currentDate"].startswith("2026-01-15T03:00:00")
    pause_backfill(acting_user=None, **NAME, paused=True)
    frozen_clock.shift(5)
    flows.tick()
    assert len(started()) == 3
    pause_backfill(acting_user=None, **NAME, paused=False)
    for _ in range(6):
        flows.tick()
        flows.jobs.run()
        frozen_clock.shift(1)
    assert started() == [at(hour) for hour in range(6)]
    assert (row().backfill, row().next_date, due()) == (None, at(11), at(11))
    execution = Execution.objects.get(schedule_date=at(4))
    assert execution.inputs == {"day": "again"}
    assert {"key": "why", "value": "repair"} in execution.labels
    create_backfill(acting_user=None, **NAME, request=BackfillRequest(at(4)))
    delete_backfill(acting_user=None, **NAME)
    with pytest.raises(IllegalArgument, match="no date between"):
        create_backfill(acting_user=None, **NAME, request=BackfillRequest(at(3, 10), at(3, 50)))


def test_only_the_last_evaluations_are_kept(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(SOURCE.replace("*/10", "*"))
    run_until(flows, frozen_clock, at(10, 25), step=timedelta(minutes=1))
    assert TriggerEvaluation.objects.count() == 20
    assert len(started()) == 25


def test_one_trigger_that_breaks_does_not_keep_the_others(
    flows: FlowRunner, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for flow_id in ("one", "two", "three"):
        flows.save(SOURCE.replace("id: timed", f"id: {flow_id}"))
    find = schedules.triggered_by

    def breaking(source: FlowSource, trigger_id: str) -> object:
        if source.flow_id == "two":
            raise RuntimeError("broken")
        return find(source, trigger_id)

    monkeypatch.setattr(schedules, "triggered_by", breaking)
    frozen_clock.move_to(at(10, 10))
    flows.tick()
    assert sorted(one.flow_id for one in Execution.objects.all()) == ["one", "three"]
    monkeypatch.undo()
    frozen_clock.shift(20)
    flows.tick()
    assert sorted(one.flow_id for one in Execution.objects.all()) == ["one", "three", "two"], "it came again"


def test_flows_of_before_triggers_had_rows_get_them(flows: FlowRunner, frozen_clock: Clock) -> None:
    for flow_id in ("old", "kept"):
        flows.save(SOURCE.replace("id: timed", f"id: {flow_id}"))
    TriggerState.objects.filter(flow_id="old").delete()
    Timer.objects.filter(kind="trigger").delete()
    with connection.schema_editor() as editor:
        import_module("apps.workflows.migrations.0003_streams_and_missing_triggers").ask_for_missing_rows(None, editor)
    assert Timer.objects.filter(kind=FLOW_TIMER).count() == 1, "only for what is missing"
    Timer.objects.filter(kind=FLOW_TIMER).update(due_at=now())
    for _ in range(2):
        flows.tick()
    assert TriggerState.objects.get(flow_id="old").next_date == at(10, 10)
    assert [timer.due_at for timer in Timer.objects.all()] == [at(10, 10)]
