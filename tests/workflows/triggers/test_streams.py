"""Triggers that listen: leases, events that start the flow once, what stops a stream, failures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from apps.timers.models import Lease
from apps.workflows.models import Execution, LogEntry, TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.trigger import StreamEvent
from apps.workflows.services.flows import delete_flow
from apps.workflows.services.triggers import restart_trigger, switch_trigger, unlock_trigger
from apps.workflows.worker import streams
from apps.workflows.worker.streams import StreamKeeper
from tests.support.flow_runner import FlowRunner
from tests.support.ticker import TYPE, Ticker, register_ticker

SOURCE = f"""
id: listening
namespace: company.team
variables: {{place: here}}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: "{{{{ trigger.n }}}}"}}
triggers:
  - id: tick
    type: {TYPE}
    note: "{{{{ vars.place }}}}"
    logLevel: INFO
    conditions:
      - {{type: io.kestra.plugin.core.condition.Expression, expression: "{{{{ trigger.n < 100 }}}}"}}
"""
NAME = {"namespace": "company.team", "flow_id": "listening", "trigger_id": "tick"}
Keep = Callable[..., StreamKeeper]


@pytest.fixture
def keep(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keep]:
    """Starts keepers, as worker processes have one each; they turn more often than in the product."""
    register_ticker(monkeypatch)
    monkeypatch.setattr(streams, "TURN_SECONDS", 0.05)
    made: list[StreamKeeper] = []

    def start(name: str = "first", groups: frozenset[str] = frozenset({"default"})) -> StreamKeeper:
        made.append(StreamKeeper(lambda: name, groups))
        made[-1].start()
        return made[-1]

    yield start
    for keeper in made:
        keeper.stop()


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)  # polled until the deadline


def tick(*numbers: int, named: bool = True) -> None:
    for number in numbers:
        Ticker.source.put(StreamEvent({"n": number}, name=f"n{number}" if named else None))


def acknowledged(count: int) -> None:
    until(lambda: len(Ticker.acknowledged) == count, f"{count} acknowledged, not {Ticker.acknowledged}")


def numbers() -> list[int]:
    return sorted(one.trigger["variables"]["n"] for one in Execution.objects.all())


def row() -> TriggerState:
    return TriggerState.objects.get()


def test_each_event_starts_the_flow_and_a_named_one_once(flows: FlowRunner, keep: Keep) -> None:
    flows.save(SOURCE)
    keeper = keep()
    tick(1, 2, 1, 100)
    acknowledged(4)
    assert numbers() == [1, 2], "an event that is delivered again starts nothing, nor one that conditions hold back"
    tick(3, 3, named=False)
    acknowledged(6)
    assert numbers() == [1, 2, 3, 3]
    flows.jobs.run()
    assert {one.state for one in Execution.objects.all()} == {"SUCCESS"}
    assert (row().worker_id, row().date is not None, row().execution_id) == ("first", True, None)
    outcomes = [one.outcome for one in TriggerEvaluation.objects.order_by("id")]
    assert outcomes == ["STARTED", "STARTED", "CONDITIONS", "STARTED", "STARTED"]
    lines = LogEntry.objects.filter(trigger_id="tick")
    until(lambda: lines.exists(), "its log is written")
    assert [line.message for line in lines] == ["listening here"], "logLevel holds"
    keeper.stop()
    assert Ticker.closed == ["here"]
    assert (row().worker_id, Lease.objects.get().token) == ("", ""), "given back, so that another takes it at once"


def test_two_workers_never_hold_the_same_stream(flows: FlowRunner, keep: Keep) -> None:
    for number in range(6):
        flows.save(SOURCE.replace("id: listening", f"id: listening{number}"))
    both = [keep("first"), keep("second")]
    until(lambda: len(Ticker.opened) == 6, "all are open")
    held = [stream.number for keeper in both for stream in keeper.held]
    assert len(held) == len(set(held)) == 6
    both[0].stop()
    until(lambda: len(both[1].held) == 6, "the second has those of the first")
    tick(1)
    acknowledged(1)


def test_what_another_worker_has_taken_over_starts_nothing_here(flows: FlowRunner, keep: Keep) -> None:
    flows.save(SOURCE)
    keeper = keep()
    until(lambda: Ticker.opened == ["here"], "it listens")
    # as if this process had been away for longer than its lease
    Lease.objects.update(token="another")
    tick(1)
    until(lambda: Ticker.closed == ["here"], "it stops")
    until(lambda: not keeper.held, "it is let go")
    assert not Execution.objects.exists()
    assert Ticker.acknowledged == []
    assert Lease.objects.get().token == "another"


def test_a_changed_disabled_or_deleted_flow_ends_its_stream(flows: FlowRunner, keep: Keep) -> None:
    flows.save(SOURCE)
    keeper = keep()
    until(lambda: Ticker.opened == ["here"], "it listens")
    flows.save(SOURCE.replace("place: here", "place: there"))
    until(lambda: Ticker.opened == ["here", "there"], "the new revision listens")
    until(lambda: Ticker.closed == ["here"], "the old one has ended")
    switch_trigger(acting_user=None, **NAME, disabled=True)
    until(lambda: not keeper.held, "a person switched it off")
    assert row().worker_id == ""
    switch_trigger(acting_user=None, **NAME, disabled=False)
    until(lambda: len(Ticker.opened) == 3, "and on")
    restart_trigger(acting_user=None, **NAME)
    until(lambda: len(Ticker.opened) == 4, "restarted")
    until(lambda: row().evaluating_since is not None, "it is held again")
    unlock_trigger(acting_user=None, **NAME)
    until(lambda: len(Ticker.opened) == 5, "unlocked")
    flows.save(SOURCE + "disabled: true\n")
    until(lambda: not keeper.held, "the flow is off")
    flows.save(SOURCE)
    until(lambda: len(Ticker.opened) == 6, "and on")
    delete_flow(acting_user=None, namespace="company.team", flow_id="listening")
    until(lambda: not keeper.held, "deleted")
    assert not Lease.objects.exists()


def test_a_stream_that_fails_is_told_and_opened_again_after_a_while(flows: FlowRunner, keep: Keep) -> None:
    flows.save(SOURCE)
    keep()
    Ticker.source.put(RuntimeError("the line is cut"))
    until(lambda: Lease.objects.filter(failures=1).exists(), "it failed")
    (told,) = TriggerEvaluation.objects.all()
    assert (told.outcome, told.message) == ("FAILED", "the line is cut")
    assert LogEntry.objects.filter(level=Level.ERROR.rank, message="the line is cut").count() == 1
    until(lambda: len(Ticker.opened) == 2, "it is opened again")
    tick(1)
    acknowledged(1)
    assert Lease.objects.get().failures == 0, "an event that came through makes good for it"


def test_only_workers_of_its_group_listen(flows: FlowRunner, keep: Keep) -> None:
    flows.save(SOURCE + "    workerGroup: {key: default}\n")
    Lease.objects.update(pool="gpu")
    other = keep()
    own = keep("second", frozenset({"gpu"}))
    until(lambda: len(own.held) == 1, "the group's worker listens")
    assert other.held == []


def test_stop_after_switches_it_off(flows: FlowRunner, keep: Keep) -> None:
    flows.save(SOURCE + "    stopAfter: [SUCCESS]\n")
    keeper = keep()
    tick(1)
    acknowledged(1)
    flows.jobs.run()
    assert row().disabled
    until(lambda: not keeper.held, "it has stopped")
