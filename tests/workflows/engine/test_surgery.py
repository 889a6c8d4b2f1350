"""Restart, set state and replay: what is kept, what runs again, and that it ends as if nothing had happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.workflows.engine.events import InnerRun, KillRequested, ResumeRequested, StartRefused, TaskRunEnded
from apps.workflows.engine.sla import deadlines
from apps.workflows.engine.surgery import InsideUnit, NoSuchTaskRun, NothingToRestart
from apps.workflows.flow_language.flow import SlaMaxDuration
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import (
    Allow,
    Choice,
    Dag,
    Dir,
    Each,
    Fake,
    FakeFlow,
    FakeListener,
    Loop,
    Par,
    Seq,
    Sub,
    Wait,
)
from tests.workflows.engine.operating import replay_world, restart_world, set_state_in_world
from tests.workflows.engine.world import ALWAYS, World, failing


def mended(world: World) -> World:
    """From now on every task succeeds."""
    world.outcome = lambda run, tries: State.SUCCESS
    world.child_state = lambda child: State.SUCCESS
    return world


def restarted(flow: FakeFlow, **failures: int) -> World:
    world = World(flow, outcome=failing(**failures)).run()
    assert world.state is State.FAILED
    restart_world(mended(world))
    return world.run()


def test_a_restart_runs_the_failed_task_again_and_goes_on() -> None:
    flow = FakeFlow([Fake(id="a"), Fake(id="b"), Fake(id="c")], errors=[Fake(id="e")])
    world = World(flow, outcome=failing(b=ALWAYS)).run()
    a, b = world.one("a").id, world.one("b").id
    restart_world(mended(world))
    assert world.summary() == "a=SUCCESS b=RESTARTED", "errors runs are gone"
    assert world.history() == ["CREATED", "RUNNING", "FAILED", "RESTARTED"]
    assert world.store.execution.attempt_number == 2
    world.run()
    assert world.summary() == "a=SUCCESS b=SUCCESS c=SUCCESS"
    assert (world.one("a").id, world.one("b").id) == (a, b)
    assert len(world.one("b").attempts) == 2
    assert world.history(b) == ["CREATED", "RUNNING", "FAILED", "RESTARTED", "RUNNING", "SUCCESS"]
    assert world.history() == ["CREATED", "RUNNING", "FAILED", "RESTARTED", "RUNNING", "SUCCESS"]


def test_a_restart_that_fails_again_runs_the_errors_again() -> None:
    world = World(FakeFlow([Fake(id="a")], errors=[Fake(id="e")]), outcome=failing(a=ALWAYS)).run()
    first = world.one("e").id
    restart_world(world)
    world.run()
    assert world.summary() == "a=FAILED e=SUCCESS"
    assert world.one("e").id != first


def test_a_lost_restart_message_is_found_by_the_watch() -> None:
    world = World(FakeFlow([Fake(id="a")]), outcome=failing(a=ALWAYS)).run()
    restart_world(mended(world))
    world.messages.clear()
    assert world.run().state is State.SUCCESS


def test_nothing_failed_nothing_to_restart() -> None:
    with pytest.raises(NothingToRestart):
        restart_world(World(FakeFlow([Fake(id="a")])).run())


def test_ancestors_run_and_siblings_stay() -> None:
    inner = Seq(id="s", tasks=[Fake(id="a"), Fake(id="b")], errors=[Fake(id="e")])
    world = restarted(FakeFlow([Par(id="p", tasks=[inner, Fake(id="c")]), Fake(id="d")]), a=ALWAYS)
    assert world.state is State.SUCCESS
    assert sorted(world.summary().split()) == [
        "a=SUCCESS",
        "b=SUCCESS",
        "c=SUCCESS",
        "d=SUCCESS",
        "p=SUCCESS",
        "s=SUCCESS",
    ]
    assert len(world.one("c").attempts) == 1


def test_lanes_that_stopped_beside_a_failure_go_on() -> None:
    flow = FakeFlow([Each(id="l", values=["v", "w", "x"], limit=2, tasks=[Fake(id="a"), Fake(id="b")])])
    world = World(flow, outcome=failing(a__v=ALWAYS)).start()
    world.drain()
    world.finish(world.one("a", "v").id)
    world.finish(world.one("a", "w").id)
    assert world.state is State.FAILED
    assert world.states("b") == []
    restart_world(mended(world))
    world.run()
    assert world.state is State.SUCCESS
    assert (len(world.states("a")), len(world.states("b"))) == (3, 3)


def test_a_flowable_that_failed_by_itself_is_opened_anew() -> None:
    world = World(FakeFlow([Choice(id="s", value="y", cases={"x": [Fake(id="a")]}), Fake(id="b")])).run()
    assert world.summary() == "s=FAILED"
    restart_world(world)
    world.run()
    assert world.summary() == "s=FAILED"
    assert world.history(world.one("s").id) == ["CREATED", "RUNNING", "FAILED", "RUNNING", "FAILED"]


def test_a_loop_at_its_limit_begins_anew() -> None:
    flow = FakeFlow([Loop(id="l", condition="false", tasks=[Fake(id="a")], most=2, fail_on_max=True)])
    world = World(flow).run()
    first = world.one("a").id
    restart_world(world)
    assert world.states("a") == []
    world.run()
    assert world.states("l") == [State.FAILED]
    assert world.one("a").id != first
    assert world.store.outputs[world.one("l").id] == {"iterationCount": 2}


def test_a_unit_is_restarted_as_a_whole() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a"), Fake(id="b")])]), outcome=failing(b=ALWAYS)).run()
    restart_world(mended(world))
    assert world.summary() == "d=RESTARTED"
    world.run()
    assert world.summary() == "d=SUCCESS a=SUCCESS b=SUCCESS"


def test_failed_batches_are_started_anew_as_another_try() -> None:
    world = World(FakeFlow([Seq(id="x", tasks=[Sub(id="items", number=3), Fake(id="merge")])]))
    world.child_state = lambda child: State.FAILED if child.batch == 0 else State.SUCCESS
    world.run()
    restart_world(mended(world))
    world.run()
    assert world.summary() == "x=SUCCESS items=SUCCESS merge=SUCCESS"
    assert len(world.store.children) == 6
    assert len({child.token for child in world.store.children.values()}) == 2


def test_ends_of_an_earlier_try_are_not_counted() -> None:
    world = World(FakeFlow([Sub(id="items", number=2)])).start()
    world.drain()
    run = world.one("items")
    world.step(StartRefused(run.id, run.token or "", "no such flow"))
    assert world.state is State.FAILED
    old = list(world.store.children.values())
    restart_world(mended(world))
    world.drain()
    for child in old:
        world.end_child(child, State.FAILED)
    world.drain()
    assert all(child.told for child in old)
    assert world.states("items") == [State.RUNNING]
    assert world.run().state is State.SUCCESS


def test_a_restarted_loop_takes_its_next_turn() -> None:
    flow = FakeFlow(
        [Loop(id="l", condition=lambda run: "true" if run.cursor.it == 2 else "false", tasks=[Fake(id="a")])]
    )
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    restart_world(mended(world))
    world.run()
    assert (world.state, world.summary()) == (State.SUCCESS, "l=SUCCESS a=SUCCESS")
    assert world.one("a").iteration == 2


def test_a_failure_inside_allow_failure_is_restarted_too() -> None:
    flow = FakeFlow([Allow(id="w", tasks=[Fake(id="a")]), Fake(id="b")])
    world = World(flow, outcome=failing(a=ALWAYS, b=ALWAYS)).run()
    assert world.state is State.FAILED
    restart_world(mended(world))
    world.run()
    assert world.summary() == "w=SUCCESS a=SUCCESS b=SUCCESS"
    assert world.state is State.SUCCESS


def test_what_ran_after_a_restarted_box_is_left_alone() -> None:
    flow = FakeFlow([Allow(id="w", tasks=[Fake(id="a")]), Fake(id="b"), Fake(id="c")])
    world = World(flow, outcome=failing(a=ALWAYS, c=ALWAYS)).run()
    assert world.summary() == "w=WARNING a=FAILED b=SUCCESS c=FAILED"
    restart_world(mended(world))
    world.run()
    assert world.summary() == "w=SUCCESS a=SUCCESS b=SUCCESS c=SUCCESS"
    assert len(world.one("b").attempts) == 1
    assert world.store.execution.cursor is not None
    assert world.store.execution.cursor.ok == 3


def test_a_failed_finally_alone_can_be_restarted() -> None:
    world = restarted(FakeFlow([Fake(id="a")], finally_=[Fake(id="f")]), f=ALWAYS)
    assert (world.state, world.summary()) == (State.SUCCESS, "a=SUCCESS f=SUCCESS")
    assert len(world.one("a").attempts) == 1


def test_a_paused_execution_restarts_as_resumed() -> None:
    world = World(FakeFlow([Wait(id="w"), Fake(id="a")])).start()
    restart_world(world)
    assert world.store.execution.paused == 0
    world.run()
    assert world.summary() == "w=SUCCESS a=SUCCESS"


def test_listeners_run_again_after_a_restart() -> None:
    flow = FakeFlow([Fake(id="a")], listeners=[FakeListener([Fake(id="l")])])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    first = world.one("l").id
    restart_world(mended(world))
    assert world.states("l") == []
    world.run()
    assert world.summary() == "a=SUCCESS l=SUCCESS"
    assert world.one("l").id != first


def test_a_restarted_execution_has_its_whole_time_again() -> None:
    sla = SlaMaxDuration(id="m", type="MAX_DURATION", behavior="FAIL", duration=timedelta(minutes=1))
    world = World(FakeFlow([Fake(id="a")], sla=[sla]), outcome=failing(a=ALWAYS)).run()
    world.now += timedelta(hours=1)
    restart_world(mended(world))
    assert deadlines(world.compiled, world.store.execution) == [("0", world.now + timedelta(minutes=1))]
    assert world.run().state is State.SUCCESS


def test_a_dag_that_goes_on_does_not_open_gates_that_were_passed() -> None:
    tasks = [Fake(id="d"), Fake(id="b"), Allow(id="w", tasks=[Fake(id="x")]), Fake(id="q")]
    dag = Dag(id="g", tasks=tasks, after={"d": ["q", "w"], "b": ["w"]}, limit=1)
    world = World(FakeFlow([dag]), outcome=failing(x=ALWAYS, q=ALWAYS)).run()
    assert (world.states("b"), world.states("d")) == ([State.SUCCESS], [])
    restart_world(mended(world))
    world.drain()
    world.finish(world.one("q").id)
    world.finish(world.one("x").id)
    assert world.states("d") == [State.CREATED], "b ran before: only d takes the place"
    world.run()
    assert world.state is State.SUCCESS
    assert len(world.one("b").attempts) == 1


def test_a_restarted_task_forgets_the_runs_it_made_inside() -> None:
    world = World(FakeFlow([Fake(id="dbt"), Fake(id="b")])).start()
    world.drain()
    run = world.one("dbt")
    inner = (InnerRun("model", State.FAILED, world.now, world.now),)
    world.work.clear()
    world.step(TaskRunEnded(run.id, run.token or "", State.FAILED, None, world.now, inner=inner))
    assert (world.state, world.summary()) == (State.FAILED, "dbt=FAILED model=FAILED")
    with pytest.raises(NoSuchTaskRun):
        replay_world(world, world.one("model").id)
    restart_world(mended(world))
    assert world.summary() == "dbt=RESTARTED"
    assert world.run().summary() == "dbt=SUCCESS b=SUCCESS"


# Set state


def test_setting_a_failed_run_to_success_runs_the_rest() -> None:
    flow = FakeFlow([Seq(id="s", tasks=[Fake(id="a"), Fake(id="b")]), Fake(id="c")], errors=[Fake(id="e")])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    set_state_in_world(world, world.one("a").id, State.SUCCESS)
    assert world.summary() == "s=RUNNING a=SUCCESS"
    world.run()
    assert world.summary() == "s=SUCCESS a=SUCCESS b=SUCCESS c=SUCCESS"
    assert world.one("a").attempts[-1].state is State.SUCCESS


def test_setting_a_success_to_failed_runs_the_errors() -> None:
    world = World(FakeFlow([Fake(id="a")], errors=[Fake(id="e")])).run()
    set_state_in_world(world, world.one("a").id, State.FAILED)
    world.run()
    assert (world.state, world.summary()) == (State.FAILED, "a=FAILED e=SUCCESS")


def test_set_state_refuses_what_it_cannot_do() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a")])])).run()
    with pytest.raises(InsideUnit):
        set_state_in_world(world, world.one("a").id, State.FAILED)
    with pytest.raises(NoSuchTaskRun):
        set_state_in_world(world, "nobody", State.FAILED)
    with pytest.raises(ValueError, match="RUNNING is none"):
        set_state_in_world(world, world.one("d").id, State.RUNNING)


# Replay


def test_a_replay_keeps_what_lies_before_and_runs_the_rest() -> None:
    world = World(FakeFlow([Fake(id="a"), Seq(id="s", tasks=[Fake(id="b"), Fake(id="c")]), Fake(id="d")])).run()
    fresh = replay_world(world, world.one("c").id)
    assert fresh.summary() == "a=SUCCESS s=RUNNING b=SUCCESS c=RESTARTED"
    assert fresh.history() == ["CREATED", "RESTARTED"]
    assert not set(fresh.store.runs) & set(world.store.runs)
    fresh.run()
    assert fresh.summary() == "a=SUCCESS s=SUCCESS b=SUCCESS c=SUCCESS d=SUCCESS"


def test_a_replay_of_a_flowable_opens_it_anew() -> None:
    world = World(FakeFlow([Fake(id="a"), Each(id="l", values=["x", "y"], tasks=[Fake(id="b")])])).run()
    fresh = replay_world(world, world.one("l").id)
    assert fresh.summary() == "a=SUCCESS l=RUNNING"
    assert fresh.run().summary() == "a=SUCCESS l=SUCCESS b[x]=SUCCESS b[y]=SUCCESS"


def test_a_replay_in_a_loop_keeps_earlier_tasks_of_later_values() -> None:
    world = World(FakeFlow([Each(id="l", values=["x", "y"], tasks=[Fake(id="a"), Fake(id="b")])])).run()
    fresh = replay_world(world, world.one("b", "x").id)
    assert fresh.summary() == "l=RUNNING a[x]=SUCCESS b[x]=RESTARTED a[y]=SUCCESS"
    fresh.run()
    assert fresh.state is State.SUCCESS
    assert len(fresh.states("b")) == 2


def test_a_replay_in_a_dag_drops_what_depends_on_it() -> None:
    dag = Dag(id="g", tasks=[Fake(id=name) for name in "abcd"], after={"b": ["a"], "c": ["b"]})
    world = World(FakeFlow([dag])).run()
    fresh = replay_world(world, world.one("b").id)
    assert fresh.summary() == "g=RUNNING a=SUCCESS d=SUCCESS b=RESTARTED"
    assert fresh.run().state is State.SUCCESS


def test_a_replay_of_a_child_of_a_unit_is_one_of_the_unit() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a")])])).run()
    assert replay_world(world, world.one("a").id).summary() == "d=RESTARTED"


def test_copied_warnings_still_count() -> None:
    flow = FakeFlow([Par(id="p", tasks=[Fake(id="a", allow_failure=True), Fake(id="b")])])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert replay_world(world, world.one("b").id).run().state is State.WARNING


def test_a_replay_from_a_listener_or_of_nobody_is_refused() -> None:
    world = World(FakeFlow([Fake(id="a")], listeners=[FakeListener([Fake(id="l")])])).run()
    for run_id in (world.one("l").id, "nobody"):
        with pytest.raises(NoSuchTaskRun):
            replay_world(world, run_id)


def test_a_killed_execution_without_failure_cannot_be_restarted_but_replayed() -> None:
    world = World(FakeFlow([Fake(id="a"), Fake(id="b")])).start()
    world.drain()
    world.finish(world.one("a").id)
    world.step(KillRequested())
    world.run()
    with pytest.raises(NothingToRestart):
        restart_world(world)
    assert replay_world(world, world.one("b").id).run().state is State.SUCCESS


def test_a_replay_starts_what_never_ran_beside_it_at_once() -> None:
    flow = FakeFlow([Par(id="p", tasks=[Fake(id="a"), Fake(id="b"), Fake(id="c")], limit=2)])
    world = World(flow, outcome=failing(a=ALWAYS)).start()
    world.drain()
    world.finish(world.one("a").id)
    world.run()
    assert world.summary() == "p=FAILED a=FAILED b=SUCCESS"
    fresh = mended(replay_world(world, world.one("a").id))
    fresh.drain()
    assert fresh.summary() == "p=RUNNING a=RUNNING b=SUCCESS c=RUNNING"
    assert fresh.run().state is State.SUCCESS


def test_setting_a_run_beside_a_pause_leaves_the_pause_open() -> None:
    flow = FakeFlow([Par(id="p", tasks=[Wait(id="v"), Wait(id="w")]), Fake(id="a")])
    world = World(flow).start()
    assert world.state is State.PAUSED
    set_state_in_world(world, world.one("v").id, State.SUCCESS)
    world.drain()
    assert world.state is State.PAUSED
    assert world.states("v") == [State.SUCCESS]
    assert world.states("w") == [State.PAUSED]
    world.step(ResumeRequested())
    world.run()
    assert world.state is State.SUCCESS
    assert world.summary() == "p=SUCCESS v=SUCCESS w=SUCCESS a=SUCCESS"
