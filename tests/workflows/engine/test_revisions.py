"""Restart and replay on another revision of the flow: runs go where their tasks are now, or are left behind."""

from __future__ import annotations

import pytest

from apps.workflows.engine.events import Restarted
from apps.workflows.engine.frontier import Change, ExecutionRow
from apps.workflows.engine.revisions import fit_runs, restart_anew
from apps.workflows.engine.surgery import NoSuchTaskRun, NothingToRestart, Replay, replay
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Choice, Dag, Each, EachPar, Fake, FakeFlow, Par, Seq, Wait
from tests.workflows.engine.memory_store import copy_execution
from tests.workflows.engine.operating import headers
from tests.workflows.engine.world import ALWAYS, World, failing


def restart_on(world: World, flow: FakeFlow) -> World:
    """The world of the new execution, its step Restarted sent; every task succeeds now."""
    fresh = World(flow)
    fresh.now = world.now
    fresh.ids.count = 5_000_000
    old, runs = headers(world)
    execution = ExecutionRow("copy", "ns", "flow", 2, old.state, list(old.histories))
    made = restart_anew(world.compiled, fresh.compiled, execution, old, runs, fresh.now, fresh.ids)
    return _begin(world, fresh, execution, made)


def replay_on(world: World, flow: FakeFlow, run_id: str) -> World:
    fresh = World(flow)
    fresh.now = world.now
    fresh.ids.count = 5_000_000
    old, runs = headers(world)
    fitted, rows = fit_runs(world.compiled, fresh.compiled, old, runs)
    execution = ExecutionRow("copy", "ns", "flow", 2, State.CREATED, [Change(State.CREATED, fresh.now)])
    made = replay(fresh.compiled, execution, fitted, rows, run_id, fresh.now, fresh.ids)
    return _begin(world, fresh, execution, made)


def _begin(world: World, fresh: World, execution: ExecutionRow, made: Replay) -> World:
    fresh.store.execution = copy_execution(execution)
    for run in made.runs:
        fresh.store._write(run)
    for new, source in made.sources.items():
        if source in world.store.loop_values:
            fresh.store.loop_values[new] = world.store.loop_values[source]
    fresh.store.check_frames()
    fresh.messages.append(Restarted())
    fresh.store.timers["watch", ""] = fresh.now
    return fresh


def failed(flow: FakeFlow, **failures: int) -> World:
    world = World(flow, outcome=failing(**failures)).run()
    assert world.state is State.FAILED
    return world


def test_on_the_same_tasks_it_goes_on_where_it_failed_with_new_ids() -> None:
    world = failed(FakeFlow([Fake(id="a"), Fake(id="b"), Fake(id="c")], errors=[Fake(id="e")]), b=ALWAYS)
    fresh = restart_on(world, FakeFlow([Fake(id="a"), Fake(id="b"), Fake(id="c")]))
    assert fresh.summary() == "a=SUCCESS b=RESTARTED"
    assert fresh.history() == ["CREATED", "RUNNING", "FAILED", "RESTARTED"]
    fresh.run()
    assert fresh.summary() == "a=SUCCESS b=SUCCESS c=SUCCESS"
    assert len(fresh.one("a").attempts) == 1
    assert len(fresh.one("b").attempts) == 2
    assert {run.id for run in fresh.store.runs.values()}.isdisjoint(world.store.runs)
    assert world.summary() == "a=SUCCESS b=FAILED e=SUCCESS", "the old one stays as it was"


def test_what_was_added_after_runs_and_what_was_added_before_does_not() -> None:
    world = failed(FakeFlow([Fake(id="a"), Fake(id="b")]), b=ALWAYS)
    fresh = restart_on(world, FakeFlow([Fake(id="new"), Fake(id="a"), Fake(id="b"), Fake(id="last")])).run()
    assert fresh.summary() == "a=SUCCESS b=SUCCESS last=SUCCESS"


def test_a_task_that_is_gone_is_left_behind() -> None:
    world = failed(FakeFlow([Fake(id="a"), Fake(id="gone"), Fake(id="b")]), b=ALWAYS)
    fresh = restart_on(world, FakeFlow([Fake(id="a"), Fake(id="b")])).run()
    assert fresh.summary() == "a=SUCCESS b=SUCCESS"
    with pytest.raises(NothingToRestart):
        restart_on(world, FakeFlow([Fake(id="a")]))


def test_a_task_that_went_into_another_frame_is_left_behind_with_all_below() -> None:
    world = failed(FakeFlow([Seq(id="s", tasks=[Fake(id="a")]), Fake(id="b")]), b=ALWAYS)
    fresh = restart_on(world, FakeFlow([Par(id="s", tasks=[Fake(id="x")]), Fake(id="b")]))
    assert fresh.summary() == "s=SUCCESS b=RESTARTED"
    assert fresh.run().state is State.SUCCESS


def test_lanes_follow_their_tasks() -> None:
    world = failed(FakeFlow([Par(id="p", tasks=[Fake(id="a"), Fake(id="b"), Fake(id="c")])]), b=ALWAYS)
    fresh = restart_on(world, FakeFlow([Par(id="p", tasks=[Fake(id="c"), Fake(id="b"), Fake(id="a"), Fake(id="x")])]))
    fresh.run()
    assert fresh.state is State.SUCCESS
    assert sorted(fresh.summary().split()) == ["a=SUCCESS", "b=SUCCESS", "c=SUCCESS", "p=SUCCESS", "x=SUCCESS"]
    assert [len(fresh.one(name).attempts) for name in ("a", "b", "c", "x")] == [1, 2, 1, 1]


def test_gates_are_counted_anew() -> None:
    tasks = [Fake(id="a"), Fake(id="b"), Fake(id="c")]
    world = failed(FakeFlow([Dag(id="d", tasks=tasks, after={"c": ["a", "b"]})]), b=ALWAYS)
    moved = [Fake(id="b"), Fake(id="n"), Fake(id="a"), Fake(id="c")]
    fresh = restart_on(world, FakeFlow([Dag(id="d", tasks=moved, after={"c": ["a", "b", "n"]})])).run()
    assert fresh.state is State.SUCCESS
    assert len(fresh.states("n")) == len(fresh.states("c")) == 1
    assert len(fresh.one("a").attempts) == 1


@pytest.mark.parametrize("kind", [Each, EachPar])
def test_values_of_loops_stay_where_they_are(kind: type) -> None:
    loop = kind(id="l", values=["v", "w"], limit=0, tasks=[Fake(id="a"), Fake(id="b")])
    world = World(FakeFlow([loop]), outcome=failing(b__w=ALWAYS)).run()
    changed = kind(id="l", values=["other"], limit=0, tasks=[Fake(id="n"), Fake(id="a"), Fake(id="b")])
    fresh = restart_on(world, FakeFlow([changed])).run()
    assert fresh.state is State.SUCCESS
    assert {run.value for run in fresh.store.runs.values() if run.task_id == "b"} == {"v", "w"}
    assert len(fresh.states("a")) == 2
    assert len(fresh.one("b", "w").attempts) == 2


def test_a_choice_whose_case_is_gone_is_made_again() -> None:
    world = failed(FakeFlow([Choice(id="s", value="x", cases={"x": [Fake(id="a")]}), Fake(id="b")]), a=ALWAYS)
    fresh = restart_on(world, FakeFlow([Choice(id="s", value="y", cases={"y": [Fake(id="c")]}), Fake(id="b")])).run()
    assert fresh.summary() == "s=SUCCESS c=SUCCESS b=SUCCESS"


def test_what_was_under_way_in_a_paused_one_runs_again() -> None:
    flow = FakeFlow([Par(id="p", tasks=[Wait(id="w"), Fake(id="a"), Seq(id="s", tasks=[Fake(id="b"), Fake(id="c")])])])
    world = World(flow).start()
    for run in [run for run in world.store.runs.values() if run.task_id in ("a", "b")]:
        world.claim(run.id)
    assert world.state is State.PAUSED
    fresh = restart_on(world, flow)
    assert fresh.states("a") == [State.RESTARTED]
    fresh.run()
    assert fresh.state is State.SUCCESS
    assert {run.state for run in fresh.store.runs.values()} == {State.SUCCESS}


def test_a_replay_on_another_revision_runs_what_was_added_after() -> None:
    world = World(FakeFlow([Fake(id="a"), Fake(id="b"), Fake(id="c")])).run()
    flow = FakeFlow([Fake(id="a"), Fake(id="new"), Fake(id="b"), Fake(id="x"), Fake(id="c")])
    fresh = replay_on(world, flow, world.one("b").id)
    assert fresh.summary() == "a=SUCCESS b=RESTARTED"
    assert fresh.run().summary() == "a=SUCCESS b=SUCCESS x=SUCCESS c=SUCCESS"
    with pytest.raises(NoSuchTaskRun):
        replay_on(world, FakeFlow([Fake(id="a")]), world.one("b").id)
