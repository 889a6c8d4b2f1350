"""Pause tasks, and executions held by a person."""

from __future__ import annotations

from apps.workflows.engine.commands import RunTask
from apps.workflows.engine.events import PauseRequested, ResumeRequested, Woken
from apps.workflows.engine.step import WATCH_EVERY
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Dir, Fake, FakeFlow, Nap, Par, Seq, Wait
from tests.workflows.engine.world import World


def test_a_pause_waits_for_a_person() -> None:
    world = World(FakeFlow([Wait(id="w"), Fake(id="a")])).start()
    assert (world.state, world.summary()) == (State.PAUSED, "w=PAUSED")
    world.step(ResumeRequested(inputs={"ok": True}))
    assert world.summary() == "w=SUCCESS a=CREATED"
    assert world.store.outputs[world.one("w").id] == {"onResume": {"ok": True}}
    assert world.history() == ["CREATED", "RUNNING", "PAUSED", "RESTARTED", "RUNNING"]
    assert world.history(world.one("w").id) == ["CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS"]


def test_a_resume_of_what_is_not_paused_changes_nothing() -> None:
    world = World(FakeFlow([Fake(id="a")])).start()
    decision = world.step(ResumeRequested())
    assert not decision.updated and not decision.execution_changed


def test_a_pause_with_tasks_runs_them_after_the_resume() -> None:
    world = World(FakeFlow([Wait(id="w", tasks=[Fake(id="a"), Fake(id="b")])])).start()
    assert world.summary() == "w=PAUSED"
    world.step(ResumeRequested())
    world.run()
    assert world.summary() == "w=SUCCESS a=SUCCESS b=SUCCESS"


def test_a_delay_resumes_by_itself() -> None:
    world = World(FakeFlow([Wait(id="w", delay=5.0), Fake(id="a")])).start()
    world.advance(4)
    world.drain()
    assert world.state is State.PAUSED
    world.run()
    assert world.state is State.SUCCESS
    assert world.history(world.one("w").id) == ["CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS"]
    assert world.store.timers == {}


def test_a_timeout_fails_the_pause_and_runs_no_child() -> None:
    flow = FakeFlow([Wait(id="w", until=5.0, tasks=[Fake(id="a")]), Fake(id="b")], errors=[Fake(id="e")])
    world = World(flow).start()
    world.run()
    assert (world.state, world.summary()) == (State.FAILED, "w=FAILED e=SUCCESS")
    assert world.history(world.one("w").id) == ["CREATED", "RUNNING", "PAUSED", "FAILED"]


def test_a_pause_that_cannot_be_rendered_fails() -> None:
    world = World(FakeFlow([Wait(id="w")]))
    spec = world.compiled.task("w").frame
    assert spec is not None and spec.pause is not None
    object.__setattr__(spec, "pause", type(spec.pause)(delay="!no such input"))
    world.run()
    assert (world.state, world.summary(), world.logs) == (State.FAILED, "w=FAILED", ["no such input"])


def test_parallel_pauses_all_pause_and_the_last_resume_lets_it_go_on() -> None:
    world = World(FakeFlow([Par(id="p", tasks=[Wait(id="v"), Wait(id="w")]), Fake(id="a")])).start()
    assert world.summary() == "p=RUNNING v=PAUSED w=PAUSED"
    assert world.store.execution.paused == 2
    world.step(ResumeRequested(world.one("w").id))
    assert (world.state, world.summary()) == (State.PAUSED, "p=RUNNING v=PAUSED w=RUNNING")
    world.step(ResumeRequested())
    assert world.summary() == "p=SUCCESS v=SUCCESS w=SUCCESS a=CREATED"


def test_what_runs_beside_a_pause_ends_and_waits_with_its_result() -> None:
    flow = FakeFlow([Par(id="p", tasks=[Wait(id="w"), Seq(id="s", tasks=[Fake(id="a"), Fake(id="b")]), Nap(id="n")])])
    world = World(flow).start()
    world.drain()
    # Its frame opened after the pause, so it waits.
    assert world.summary() == "p=RUNNING w=PAUSED s=RUNNING n=RUNNING a=RUNNING"
    world.finish(world.one("a").id, outputs={"x": 1})
    world.advance(10)
    world.drain()
    assert world.summary() == "p=RUNNING w=PAUSED s=RUNNING n=SUCCESS a=SUCCESS"
    assert world.one("a").pending and world.one("n").pending
    world.step(ResumeRequested())
    assert world.states("b") == [State.CREATED]
    assert not world.one("a").pending
    world.run()
    assert world.state is State.SUCCESS


def test_a_person_holds_and_releases() -> None:
    world = World(FakeFlow([Fake(id="a"), Fake(id="b"), Fake(id="c")])).start()
    world.drain()
    world.step(PauseRequested())
    assert world.state is State.PAUSED
    world.finish(world.one("a").id)
    assert world.summary() == "a=SUCCESS"
    world.step(ResumeRequested())
    assert world.summary() == "a=SUCCESS b=CREATED"
    assert world.history() == ["CREATED", "RUNNING", "PAUSED", "RUNNING"]
    world.run()
    assert world.state is State.SUCCESS


def test_what_could_not_be_claimed_during_a_hold_is_told_again() -> None:
    world = World(FakeFlow([Fake(id="a")])).start()
    world.now += world.now - world.now
    world.step(PauseRequested())
    world.drain()
    assert world.summary() == "a=CREATED", "nothing is claimed while a person holds"
    world.advance(5)
    decision = world.step(ResumeRequested())
    assert decision.commands == [RunTask(world.one("a").id)]


def test_only_what_runs_can_be_held() -> None:
    world = World(FakeFlow([Fake(id="a")]))
    world.step(PauseRequested())
    assert world.state is State.CREATED
    world.run()
    world.step(PauseRequested())
    assert world.state is State.SUCCESS


def test_a_held_unit_goes_on_since_it_is_the_running_task() -> None:
    world = World(FakeFlow([Dir(id="d", tasks=[Fake(id="a"), Fake(id="b")]), Fake(id="c")])).start()
    world.drain()
    unit = world.one("d").id
    world.finish(unit)
    world.step(PauseRequested())
    world.finish(world.one("a").id)
    assert world.summary() == "d=RUNNING a=SUCCESS b=RUNNING"
    world.finish(world.one("b").id)
    world.finish(unit)
    assert world.states("c") == []
    world.step(ResumeRequested())
    world.run()
    assert world.summary() == "d=SUCCESS a=SUCCESS b=SUCCESS c=SUCCESS"


def test_a_paused_execution_with_a_large_backlog_does_not_go_round_in_circles() -> None:
    tasks = [Wait(id="w"), *(Fake(id=f"t{number}") for number in range(6))]
    world = World(FakeFlow([Par(id="p", tasks=tasks), Fake(id="z")])).start()
    world.drain()
    world.limit = 3
    while world.finishable():
        world.finish(world.finishable()[0])
        world.drain()
    assert world.state is State.PAUSED
    assert sum(run.pending for run in world.store.runs.values()) == 6
    decision = world.step(Woken("watch"))
    assert decision.commands == []
    world.step(ResumeRequested())
    world.run()
    assert world.state is State.SUCCESS


def test_a_frame_that_is_owed_a_question_and_ends_before_it_is_asked_is_folded_once() -> None:
    box = Par(id="p", tasks=[Wait(id="w", until=5.0), Fake(id="a"), Fake(id="b")])
    flow = FakeFlow([box], errors=[Fake(id="e")])
    world = World(flow, limit=2).start()
    assert world.one("p").pending, "the slice was used up by p and w"
    world.run()
    assert (world.state, world.summary()) == (State.FAILED, "p=FAILED w=FAILED e=SUCCESS")
    assert world.store.execution.cursor is not None
    assert world.store.execution.cursor.fail == 1


def test_what_waits_for_a_person_is_hardly_watched_and_well_again_afterwards() -> None:
    flow = FakeFlow([Par(id="p", tasks=[Wait(id="w"), Nap(id="n", length=5), Fake(id="a", run_if="false")])])
    held = World(FakeFlow([Fake(id="a")])).start()
    held.step(PauseRequested())
    for world in (World(flow).start(), held):
        for _ in range(48):
            world.advance(1_800)
            world.messages[:] = [message for message in world.messages if isinstance(message, Woken)]
            world.drain()
        assert world.state is State.PAUSED
        assert len(world.store.counts) < 60
        world.step(ResumeRequested())
        assert world.state.ended or world.store.timers["watch", ""] <= world.now + WATCH_EVERY
        assert world.run().state is State.SUCCESS
