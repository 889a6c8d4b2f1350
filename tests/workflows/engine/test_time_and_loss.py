"""Sleeps, the watch timer, lost messages, dead workers, and results beside a busy execution."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.workflows.engine.commands import Continue as GoOn
from apps.workflows.engine.commands import RunTask
from apps.workflows.engine.events import Continue, Created, TaskRunEnded, Woken, WorkerLost
from apps.workflows.engine.frontier import Change
from apps.workflows.engine.step import WATCH_EVERY
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Each, Fake, FakeFlow, Nap, Par, Seq
from tests.workflows.engine.world import World


def test_a_sleep_is_a_timer_and_no_worker() -> None:
    world = World(FakeFlow([Nap(id="n", length=60), Fake(id="a")])).start()
    assert (world.summary(), world.messages) == ("n=RUNNING", [])
    world.advance(59)
    world.drain()
    assert world.summary() == "n=RUNNING"
    world.advance(1)
    world.drain()
    assert world.summary() == "n=SUCCESS a=RUNNING"
    assert len(world.one("n").attempts) == 1
    assert ("sleep", world.one("n").id) not in world.store.timers


def test_a_timeout_ends_a_longer_sleep_as_failed() -> None:
    world = World(FakeFlow([Nap(id="n", length=60, timeout=5)])).run()
    assert world.summary() == "n=FAILED"
    assert (world.now - world.one("n").histories[0].date).total_seconds() == 5
    assert world.logs[0] == "Waiting for PT1M"
    assert "Timeout" in world.logs[1]


def test_a_sleep_whose_length_cannot_be_rendered_fails() -> None:
    world = World(FakeFlow([Nap(id="n")]))
    world.render.duration = lambda template, run: world.render("!no such variable", run)  # type: ignore[method-assign]
    world.run()
    assert (world.summary(), world.logs) == ("n=FAILED", ["no such variable"])


def test_the_watch_tells_workers_again_after_a_lost_nudge() -> None:
    world = World(FakeFlow([Fake(id="a")])).start()
    world.messages.clear()
    world.advance(31)
    world.drain()
    # One watch is not older than the nudge, so the second one tells again at the latest.
    world.advance(30)
    world.drain()
    assert world.summary() == "a=RUNNING"


def test_the_watch_tells_the_longest_waiting_first() -> None:
    world = World(FakeFlow([Par(id="p", tasks=[Fake(id=f"t{n}") for n in range(5)])]), limit=2).start()
    world.drain()
    assert len(world.work) == 5
    # All five are lost before they began, one more each second.
    runs = [run for run in world.store.runs.values() if run.task_id != "p"]
    for number, run in enumerate(reversed(runs)):
        world.work.pop(run.id)
        run.state, run.token, run.attempts = State.CREATED, None, []
        run.histories.pop()
        run.nudged_at = world.now + timedelta(seconds=number)
    world.now += timedelta(seconds=60)
    decision = world.step(Woken("watch"))
    told = [command.run_id for command in decision.commands if isinstance(command, RunTask)]
    assert told == [runs[4].id, runs[3].id]
    assert world.store.timers["watch", ""] == world.now, "a full slice comes back at once"


def test_the_watch_begins_what_was_never_begun() -> None:
    world = World(FakeFlow([Fake(id="a")]))
    world.store.timers["watch", ""] = world.now + WATCH_EVERY
    world.run()
    assert world.state is State.SUCCESS


def test_a_scheduled_execution_waits_for_its_date() -> None:
    world = World(FakeFlow([Fake(id="a")]))
    world.store.execution.schedule_date = world.now + timedelta(hours=1)
    world.start()
    assert (world.state, world.summary()) == (State.CREATED, "")
    world.advance(3599)
    world.drain()
    assert world.state is State.CREATED
    world.advance(1)
    world.drain()
    assert world.state is State.RUNNING


def test_a_zombie_that_reports_after_its_loss_is_ignored_and_before_it_is_good() -> None:
    world = World(FakeFlow([Fake(id="a"), Fake(id="b")])).start()
    world.drain()
    a = world.one("a")
    old = a.token or ""
    world.work.clear()
    world.step(WorkerLost(a.id, old))
    world.step(TaskRunEnded(a.id, old, State.FAILED, None, world.now))
    assert world.summary() == "a=CREATED"
    world.drain()
    token = world.one("a").token or ""
    world.finish(a.id)
    world.step(WorkerLost(a.id, token))
    assert world.summary() == "a=SUCCESS b=CREATED"


@pytest.mark.parametrize("limit", [200, 3])
def test_results_beside_a_busy_execution_are_folded_by_continue(limit: int) -> None:
    world = World(FakeFlow([Par(id="p", tasks=[Fake(id=f"t{n}") for n in range(4)]), Fake(id="z")])).start()
    world.drain()
    world.limit = limit
    for run in [run for run in world.store.runs.values() if run.task_id.startswith("t")]:
        world.work.pop(run.id)
        run.state = State.SUCCESS
        run.histories.append(Change(State.SUCCESS, world.now))
        run.attempts[-1].histories.append(Change(State.SUCCESS, world.now))
        run.pending = True
        world.store.index(run)
    world.store.timers["continue", ""] = world.now
    world.step(Continue())
    # More than a slice of them: further steps follow at once, not with the next watch.
    while any(isinstance(message, GoOn) for message in world.messages):
        world.deliver(world.messages.pop(0))
    assert world.summary() == "p=SUCCESS t0=SUCCESS t1=SUCCESS t2=SUCCESS t3=SUCCESS z=CREATED"
    assert ("continue", "") not in world.store.timers


def test_a_fan_out_beyond_the_slice_goes_on_in_further_steps() -> None:
    world = World(FakeFlow([Par(id="p", tasks=[Fake(id=f"t{n}") for n in range(7)])]), limit=3).start()
    assert len(world.store.runs) == 1 + 2
    world.drain()
    assert len(world.store.runs) == 1 + 7
    world.run()
    assert world.state is State.SUCCESS


def test_a_lost_continue_is_found_by_the_watch() -> None:
    world = World(FakeFlow([Par(id="p", tasks=[Fake(id=f"t{n}") for n in range(7)])]), limit=3).start()
    world.messages.clear()
    world.run()
    assert world.state is State.SUCCESS
    assert len(world.states("t6")) == 1


def test_a_step_costs_the_same_at_any_size() -> None:
    figures = []
    for size in (1_000, 10_000):
        flow = FakeFlow([Each(id="l", values=[str(n) for n in range(size)], tasks=[Fake(id="a")])])
        world = World(flow, check=False, eager=True).run()
        assert world.state is State.SUCCESS
        counts = world.store.counts
        steady = counts[5:-5]
        figures.append((max(c.read for c in steady), max(c.written for c in steady), len(counts) - size))
        assert not any(c.execution_written for c in steady)
    assert figures[0] == figures[1]
    assert figures[0][0] <= 4
    assert figures[0][1] <= 3


def test_a_wide_fan_out_costs_a_slice_at_most() -> None:
    flow = FakeFlow(
        [Each(id="l", values=[str(n) for n in range(1_000)], limit=0, tasks=[Seq(id="s", tasks=[Fake(id="a")])])]
    )
    world = World(flow, check=False).run()
    assert world.state is State.SUCCESS
    # A step may revisit a slice of rows and their ancestors, and create a slice of new ones.
    assert max(c.read for c in world.store.counts) <= 2 * 200 + 5
    assert max(c.written for c in world.store.counts) <= 3 * 200 + 5


def test_created_is_forgotten_once_it_has_ended() -> None:
    world = World(FakeFlow([Fake(id="a")])).run()
    decision = world.step(Created())
    assert not decision.commands and not decision.updated and not decision.execution_changed


def test_a_long_sleep_is_hardly_watched_and_well_again_once_it_is_over() -> None:
    world = World(FakeFlow([Nap(id="n", length=86_400.0), Fake(id="a")])).start()
    while world.one("n").state is State.RUNNING:
        world.advance(max((min(world.store.timers.values()) - world.now).total_seconds(), 0))
        world.drain()
        if world.states("a"):
            break
    assert len(world.store.counts) < 30, "one look an hour, no more"
    assert world.store.timers["watch", ""] <= world.now + WATCH_EVERY


def test_a_nudge_lost_after_a_long_sleep_is_given_again_soon() -> None:
    world = World(FakeFlow([Nap(id="n", length=7_300.0), Fake(id="a")])).start()
    while not world.states("a"):
        world.advance(max((min(world.store.timers.values()) - world.now).total_seconds(), 0))
        while world.messages and not world.states("a"):
            world.deliver(world.messages.pop(0))
    world.messages.clear()
    for _ in range(2):
        world.advance(31)
        world.drain()
    assert world.states("a") == [State.RUNNING]


def test_a_nudge_lost_after_a_long_task_is_given_again_soon() -> None:
    world = World(FakeFlow([Fake(id="a"), Fake(id="b")])).start()
    world.drain()
    for _ in range(20):
        world.advance(31)
        world.drain()
    world.finish(world.one("a").id)
    world.messages.clear()
    for _ in range(2):
        world.advance(31)
        world.drain()
    assert world.states("b") == [State.RUNNING]
