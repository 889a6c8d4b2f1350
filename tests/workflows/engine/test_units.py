"""WorkingDirectory: one claim, one worker, children one by one under its token."""

from __future__ import annotations

from datetime import timedelta

from apps.workflows.engine.events import KillRequested, TaskRunEnded, UnitOpened, WorkerLost
from apps.workflows.plugin_api.retry import ConstantRetry
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Dir, Each, Fake, FakeFlow
from tests.workflows.engine.world import ALWAYS, World, failing


def test_children_run_under_the_units_token_and_the_unit_ends_with_its_worker() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a"), Fake(id="b")]), Fake(id="c")])).start()
    world.drain()
    unit = world.one("d")
    token = unit.token
    decision = world.finish(unit.id)
    assert decision.claimed is not None and decision.claimed.task_id == "a"
    assert world.one("a").token == token
    decision = world.finish(world.one("a").id)
    assert decision.claimed is not None and decision.claimed.task_id == "b"
    decision = world.finish(world.one("b").id)
    assert decision.claimed is None
    assert world.summary() == "d=RUNNING a=SUCCESS b=SUCCESS"
    world.finish(unit.id, outputs={"outputFiles": {"x": "kestra:///x"}})
    assert world.summary() == "d=SUCCESS a=SUCCESS b=SUCCESS c=CREATED"
    assert world.store.outputs[unit.id] == {"outputFiles": {"x": "kestra:///x"}}


def test_a_failing_child_stops_the_rest_and_errors_run_after_the_unit() -> None:
    flow = FakeFlow([Dir(id="d", tasks=[Fake(id="a"), Fake(id="b")], errors=[Fake(id="e")])])
    world = World(flow, outcome=failing(a=ALWAYS)).start()
    world.drain()
    unit = world.one("d").id
    world.finish(unit)
    world.finish(world.one("a").id)
    assert world.summary() == "d=RUNNING a=FAILED", "errors wait until the worker has done with the folder"
    world.finish(unit)
    assert world.summary() == "d=RUNNING a=FAILED e=CREATED"
    world.run()
    assert world.summary() == "d=FAILED a=FAILED e=SUCCESS"


def test_a_unit_whose_worker_fails_to_open_or_close_it_fails_and_runs_its_errors() -> None:
    flow = FakeFlow([Dir(id="d", tasks=[Fake(id="a")], errors=[Fake(id="e")])])
    unopened = World(flow).start()
    unopened.drain()
    run = unopened.one("d")
    unopened.work.clear()
    unopened.step(TaskRunEnded(run.id, run.token or "", State.FAILED, None, unopened.now))
    unopened.run()
    assert unopened.summary() == "d=FAILED e=SUCCESS"

    unclosed = World(flow).start()
    unclosed.drain()
    unit = unclosed.one("d").id
    unclosed.finish(unit)
    unclosed.finish(unclosed.one("a").id)
    unclosed.finish(unit, State.FAILED)
    unclosed.run()
    assert unclosed.summary() == "d=FAILED a=SUCCESS e=SUCCESS"


def test_a_lost_worker_loses_the_unit_with_its_children() -> None:
    world = World(
        FakeFlow([Each(id="l", values=["x"], tasks=[Dir(id="d", tasks=[Fake(id="a"), Fake(id="b")])])])
    ).start()
    world.drain()
    unit = world.one("d")
    world.finish(unit.id)
    world.finish(world.one("a").id)
    child = world.one("b")
    world.work.clear()
    world.step(WorkerLost(child.id, child.token or ""))
    assert world.states("b") == [State.RUNNING], "a child is lost with its unit, not alone"
    decision = world.step(WorkerLost(unit.id, unit.token or ""))
    assert decision.emptied == [unit.id]
    assert world.summary() == "l=RUNNING d[x]=CREATED"
    assert world.one("d").cursor is None
    world.run()
    assert world.summary() == "l=SUCCESS d[x]=SUCCESS a=SUCCESS b=SUCCESS"
    assert [attempt.state for attempt in world.one("d").attempts] == [State.KILLED, State.SUCCESS]


def test_a_retry_inside_a_unit_waits_with_its_worker() -> None:
    retry = ConstantRetry(type="constant", interval=timedelta(seconds=2), max_attempt=2)
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a", retry=retry)])]), outcome=failing(a=1)).start()
    world.drain()
    unit = world.one("d").id
    world.finish(unit)
    decision = world.finish(world.one("a").id)
    assert decision.claimed is None
    assert world.summary() == "d=RUNNING a=RETRYING"
    assert not [timer for timer in world.store.timers if timer[0] == "retry"]
    assert world.finishable() == []
    world.advance(2)
    decision = world.finish(unit)
    assert decision.claimed is not None and decision.claimed.task_id == "a"
    world.run()
    assert (world.state, world.summary()) == (State.SUCCESS, "d=SUCCESS a=SUCCESS")


def test_an_opened_unit_is_not_opened_twice() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a")])])).start()
    world.drain()
    unit = world.one("d")
    world.finish(unit.id)
    world.step(UnitOpened(unit.id, unit.token or ""))
    assert world.summary() == "d=RUNNING a=RUNNING"


def test_more_skipped_children_than_a_slice_keep_the_worker_busy() -> None:
    tasks = [Fake(id=f"s{number}", run_if="false") for number in range(9)]
    world = World(FakeFlow([Dir(id="d", tasks=[*tasks, Fake(id="a")])]), limit=2).start()
    world.drain()
    decision = world.finish(world.one("d").id)
    assert decision.claimed is not None and decision.claimed.task_id == "a"


def test_a_killed_unit_ends_with_the_reports_of_its_worker() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a")])])).start()
    world.drain()
    world.finish(world.one("d").id)
    world.step(KillRequested())
    assert (world.state, world.summary()) == (State.KILLED, "d=RUNNING a=RUNNING")
    world.run()
    assert world.summary() == "d=KILLED a=KILLED"
    assert world.store.timers == {}
