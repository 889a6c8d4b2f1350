"""Kill: everything ends, nothing starts, late results are only noted."""

from __future__ import annotations

from datetime import timedelta

from apps.workflows.engine.commands import KillChildren, KillTask
from apps.workflows.engine.events import Created, KillRequested, TaskRunEnded, Woken, WorkerLost
from apps.workflows.flow_language.flow import SlaMaxDuration
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Dir, Each, Fake, FakeFlow, FakeListener, Nap, Par, Seq, Sub, Wait
from tests.workflows.engine.world import World


def test_a_kill_ends_at_once_and_orders_the_workers() -> None:
    flow = FakeFlow(
        [Par(id="p", tasks=[Fake(id="a"), Fake(id="b"), Nap(id="n"), Seq(id="s", tasks=[Fake(id="c")])])],
        errors=[Fake(id="e")],
    )
    world = World(flow).start()
    world.deliver(world.messages.pop(0))
    decision = world.step(KillRequested())
    assert world.state is State.KILLED
    assert world.history() == ["CREATED", "RUNNING", "KILLING", "KILLED"]
    assert world.summary() == "p=KILLED a=RUNNING b=KILLED n=KILLED s=KILLED c=KILLED"
    a = world.one("a")
    assert KillTask(a.id, a.token or "") in decision.commands
    world.run()
    assert world.states("a") == [State.KILLED]
    assert world.store.timers == {}
    assert world.states("e") == []


def test_a_late_result_is_noted_and_starts_nothing() -> None:
    world = World(FakeFlow([Fake(id="a"), Fake(id="b")])).start()
    world.drain()
    world.step(KillRequested())
    world.messages.clear()
    world.finish(world.one("a").id, State.SUCCESS, {"x": 1})
    assert (world.summary(), world.state) == ("a=SUCCESS", State.KILLED)
    assert world.store.outputs[world.one("a").id] == {"x": 1}


def test_lost_kill_orders_are_given_again_until_no_claim_is_left() -> None:
    world = World(FakeFlow([Fake(id="a")])).start()
    world.drain()
    world.step(KillRequested())
    for _ in range(3):
        world.messages.clear()
        assert ("watch", "") in world.store.timers
        world.advance(31)
        assert [message for message in world.messages if isinstance(message, Woken)]
        commands = world.step(Woken("watch")).commands
        assert [type(command) for command in commands] == [KillTask]
    world.run()
    assert world.states("a") == [State.KILLED]
    assert world.store.timers == {}


def test_a_worker_lost_after_the_kill_leaves_its_run_killed() -> None:
    world = World(FakeFlow([Fake(id="a")])).start()
    world.drain()
    world.step(KillRequested())
    run = world.one("a")
    world.work.clear()
    world.messages.clear()
    world.step(WorkerLost(run.id, run.token or ""))
    assert world.states("a") == [State.KILLED]
    assert run.attempts[-1].state is not State.RUNNING or world.one("a").attempts[-1].state is State.KILLED


def test_a_kill_before_the_beginning() -> None:
    world = World(FakeFlow([Fake(id="a")]))
    world.step(KillRequested())
    assert world.history() == ["CREATED", "KILLING", "KILLED"]
    world.step(Created())
    assert (world.state, world.summary()) == (State.KILLED, "")


def test_a_kill_goes_slice_by_slice_past_what_workers_hold() -> None:
    flow = FakeFlow([Par(id="p", tasks=[*(Fake(id=f"a{n}") for n in range(6)), *(Nap(id=f"n{n}") for n in range(9))])])
    world = World(flow, limit=3).start()
    world.drain()
    assert len(world.work) == 6
    world.step(KillRequested())
    assert world.state is State.KILLING
    world.run()
    assert world.state is State.KILLED
    assert world.store.open_left() == []


def test_a_lost_continue_does_not_leave_a_kill_half_done() -> None:
    world = World(FakeFlow([Par(id="p", tasks=[Nap(id=f"n{n}") for n in range(9)])]), limit=3).start()
    world.drain()
    world.step(KillRequested())
    world.messages.clear()
    world.advance(31)
    world.drain()
    assert world.state is State.KILLED
    assert world.store.open_left() == []


def test_a_paused_execution_is_killed() -> None:
    world = World(FakeFlow([Wait(id="w"), Fake(id="a")])).start()
    assert world.state is State.PAUSED
    world.step(KillRequested())
    assert (world.state, world.summary()) == (State.KILLED, "w=KILLED")
    assert world.store.execution.paused == 0


def test_subflows_are_killed_along_even_if_the_order_is_lost() -> None:
    world = World(FakeFlow([Sub(id="s")])).start()
    world.drain()
    (child,) = world.store.children.values()
    decision = world.step(KillRequested())
    assert KillChildren(world.one("s").id) in decision.commands
    assert world.summary() == "s=KILLED"
    assert [attempt.state for attempt in world.one("s").attempts] == [State.KILLED]
    for _ in range(3):
        world.messages.clear()
        assert not child.state.ended
        assert ("watch", "") in world.store.timers
        world.advance(31)
        world.messages[:] = world.step(Woken("watch")).commands
    world.drain()
    assert child.state is State.KILLED
    world.run()
    assert world.store.timers == {}


def test_a_kill_of_what_has_ended_changes_nothing() -> None:
    world = World(FakeFlow([Fake(id="a")])).run()
    decision = world.step(KillRequested())
    assert world.state is State.SUCCESS
    assert not decision.commands


def test_nothing_new_is_sent_while_killing() -> None:
    flow = FakeFlow([Each(id="l", values=list("abcdef"), limit=0, tasks=[Fake(id="x"), Fake(id="y")])])
    world = World(flow, limit=2).start()
    world.drain()
    world.step(KillRequested())
    run_id = world.finishable()[0]
    token = world.work.pop(run_id).token
    world.step(TaskRunEnded(run_id, token, State.SUCCESS, None, world.now))
    assert world.states("y") == []
    world.run()
    assert world.store.open_left() == []


def test_listeners_run_after_a_kill() -> None:
    world = World(FakeFlow([Fake(id="a")], listeners=[FakeListener([Fake(id="l")])])).start()
    world.drain()
    world.step(KillRequested())
    world.run()
    assert (world.state, world.summary()) == (State.KILLED, "a=KILLED l=SUCCESS")
    assert world.store.timers == {}


def test_a_killed_pause_with_a_large_backlog_comes_to_rest() -> None:
    tasks = [Wait(id="w"), *(Fake(id=f"t{number}") for number in range(6))]
    world = World(FakeFlow([Par(id="p", tasks=tasks)])).start()
    world.drain()
    for run_id in world.finishable()[:5]:
        world.finish(run_id)
    world.limit = 2
    world.step(KillRequested())
    world.run()
    assert world.state is State.KILLED
    steps = len(world.store.counts)
    world.step(Woken("watch"))
    world.drain()
    assert len(world.store.counts) < steps + 8
    assert not any(run.pending for run in world.store.runs.values())
    assert world.store.timers == {}


def test_listeners_after_a_kill_that_met_errors_runs_come_to_their_end() -> None:
    flow = FakeFlow([Fake(id="a")], errors=[Nap(id="e", length=99)], after_execution=[Fake(id="l")])
    world = World(flow).start()
    world.drain()
    world.finish(world.one("a").id, State.FAILED)
    world.step(KillRequested())
    world.run()
    assert world.summary() == "a=FAILED e=KILLED l=SUCCESS"
    assert world.store.timers == {}


def test_a_killed_unit_whose_worker_is_lost_is_given_up_with_its_child() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a")])])).start()
    world.drain()
    world.finish(world.one("d").id)
    world.step(KillRequested())
    world.work.clear()
    world.messages.clear()
    token = world.one("d").token or ""
    for name in ("a", "d"):
        world.step(WorkerLost(world.one(name).id, token))
    assert world.summary() == "d=KILLED a=KILLED"


def test_a_kill_under_way_is_not_overtaken_by_a_deadline() -> None:
    sla = SlaMaxDuration(id="m", type="MAX_DURATION", behavior="FAIL", duration=timedelta(minutes=1))
    world = World(FakeFlow([Par(id="p", tasks=[Nap(id=f"n{number}") for number in range(5)])], sla=[sla])).start()
    world.limit = 2
    world.step(KillRequested())
    assert world.state is State.KILLING
    world.now += timedelta(minutes=2)
    world.run()
    assert world.state is State.KILLED
