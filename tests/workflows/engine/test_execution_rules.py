"""What concerns the execution as a whole: turns, SLAs, the concurrency limit, listeners, labels."""

from __future__ import annotations

from datetime import timedelta

from apps.workflows.engine.commands import AnnounceEnd, KillTask
from apps.workflows.engine.events import Created, KillRequested, Restarted, SlotFreed, TaskRunEnded, Woken
from apps.workflows.engine.frontier import RunRow
from apps.workflows.flow_language.flow import Concurrency, Label, SlaAssertion, SlaMaxDuration
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Fake, FakeFlow, FakeListener, Loop, Nap, Par, Seq, Sub, Tags
from tests.workflows.engine.world import ALWAYS, World, failing


def until(turn: int) -> object:
    return lambda run: "true" if run.cursor.it >= turn else "false"


# WaitFor


def test_a_loop_runs_its_list_until_the_condition_holds() -> None:
    inner = Seq(id="s", tasks=[Fake(id="b")])
    world = World(FakeFlow([Loop(id="l", condition=until(3), tasks=[Fake(id="a"), inner], interval=7)])).start()
    world.drain()
    first = world.one("a").id
    world.run()
    assert world.summary() == "l=SUCCESS a=SUCCESS s=SUCCESS b=SUCCESS"
    assert world.one("a").id != first, "only the runs of the last turn are left"
    assert world.one("a").iteration == 3
    assert world.store.outputs[world.one("l").id] == {"iterationCount": 3}
    assert (world.now - world.one("l").histories[0].date).total_seconds() == 14
    assert world.history(world.one("l").id) == ["CREATED", "RUNNING", "SUCCESS"]


def test_a_loop_at_its_limit_ends_or_fails() -> None:
    for fail_on_max, state in ((False, State.SUCCESS), (True, State.FAILED)):
        flow = FakeFlow([Loop(id="l", condition="false", tasks=[Fake(id="a")], most="2", fail_on_max=fail_on_max)])
        world = World(flow).run()
        assert (world.states("l"), world.logs) == ([state], ["Max iterations reached"])
        assert world.store.outputs[world.one("l").id] == {"iterationCount": 2}


def test_a_loop_that_lasts_too_long_ends() -> None:
    world = World(FakeFlow([Loop(id="l", condition="false", tasks=[Fake(id="a")], interval=4, longest=10)])).run()
    assert world.logs == ["Max duration reached"]
    assert world.store.outputs[world.one("l").id] == {"iterationCount": 4}


def test_a_failing_child_ends_the_loop_at_once() -> None:
    flow = FakeFlow([Loop(id="l", condition="false", tasks=[Fake(id="a")], errors=[Fake(id="e")])])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert world.summary() == "l=FAILED a=FAILED e=SUCCESS"


def test_a_loop_condition_that_cannot_be_rendered_fails() -> None:
    world = World(FakeFlow([Loop(id="l", condition="!no such output", tasks=[Fake(id="a")])])).run()
    assert (world.states("l"), world.logs) == ([State.FAILED], ["no such output"])


def test_a_loop_of_disabled_tasks_still_turns() -> None:
    flow = FakeFlow([Loop(id="l", condition=until(3), tasks=[Fake(id="a", disabled=True)])])
    world = World(flow).run()
    assert world.store.outputs[world.one("l").id] == {"iterationCount": 3}


def test_finally_of_a_loop_runs_once_after_its_last_turn() -> None:
    flow = FakeFlow([Loop(id="l", condition=until(2), tasks=[Fake(id="a")], finally_=[Fake(id="f")])])
    world = World(flow).run()
    assert world.summary() == "l=SUCCESS a=SUCCESS f=SUCCESS"


# SLA

FAIL_AFTER_MINUTE = SlaMaxDuration(
    id="m", type="MAX_DURATION", behavior="FAIL", duration=timedelta(minutes=1), labels=[Label(key="sla", value="miss")]
)


def test_a_deadline_ends_the_execution_and_sweeps_the_rest() -> None:
    flow = FakeFlow(
        [Par(id="p", tasks=[Nap(id="n", length=999), Fake(id="a")])], sla=[FAIL_AFTER_MINUTE], errors=[Fake(id="e")]
    )
    world = World(flow)
    world.store.timers["sla", "0"] = world.now + timedelta(minutes=1)
    world.start()
    world.drain()
    a = world.one("a")
    world.advance(60)
    orders = world.step(Woken("sla", "0")).commands
    assert KillTask(a.id, a.token or "") in orders
    assert world.state is State.FAILED
    assert world.summary() == "p=KILLED n=KILLED a=FAILED", "the youngest open run has the state of the execution"
    assert world.store.execution.labels == [("sla", "miss")]
    assert "maximum duration of PT1M." in world.logs[-1]
    world.run()
    assert world.store.timers == {}
    assert world.states("e") == []


def test_a_late_deadline_timer_lets_nothing_start() -> None:
    world = World(FakeFlow([Fake(id="a"), Fake(id="b")], sla=[FAIL_AFTER_MINUTE])).start()
    world.drain()
    world.now += timedelta(minutes=2)
    world.finish(world.one("a").id)
    assert (world.state, world.summary()) == (State.FAILED, "a=FAILED")


def test_a_deadline_counts_from_the_schedule_date_and_ends_a_queued_one() -> None:
    flow = FakeFlow([Fake(id="a")], sla=[FAIL_AFTER_MINUTE], concurrency=Concurrency(limit=1))
    world = World(flow)
    world.slots = 1
    world.start()
    assert world.state is State.QUEUED
    world.advance(60)
    decision = world.step(Woken("sla", "0"))
    assert world.state is State.FAILED
    assert AnnounceEnd(slot_freed=False) in decision.commands


def test_an_early_deadline_timer_is_set_again() -> None:
    world = World(FakeFlow([Fake(id="a")], sla=[FAIL_AFTER_MINUTE])).start()
    began = world.now
    world.now += timedelta(seconds=30)
    world.step(Woken("sla", "0"))
    assert world.store.timers["sla", "0"] == began + timedelta(minutes=1)
    assert world.state is State.RUNNING


def test_a_broken_assertion_starts_nothing_more() -> None:
    held = {"answer": "true"}
    sla = SlaAssertion(id="x", type="EXECUTION_ASSERTION", behavior="CANCEL", condition="holds")
    world = World(FakeFlow([Fake(id="a"), Fake(id="b")], sla=[sla]))
    plain = world.render.condition
    world.render.condition = lambda template, run: plain(  # type: ignore[method-assign]
        held["answer"] if template == "holds" else template, run
    )
    world.start()
    world.drain()
    held["answer"] = "false"
    world.finish(world.one("a").id)
    assert (world.state, world.summary()) == (State.CANCELLED, "a=SUCCESS")
    assert world.logs == ["SLA `x`: assertion is false: holds."]


def test_an_sla_without_consequence_adds_its_labels_once_and_does_not_hide_the_next() -> None:
    label = [Label(key="slow", value="yes")]
    soft = SlaMaxDuration(id="n", type="MAX_DURATION", behavior="NONE", duration=timedelta(seconds=1), labels=label)
    world = World(FakeFlow([Fake(id="a"), Fake(id="b")], sla=[soft, FAIL_AFTER_MINUTE])).start()
    world.drain()
    world.now += timedelta(seconds=2)
    world.finish(world.one("a").id)
    world.drain()
    assert (world.state, world.store.execution.labels, len(world.logs)) == (State.RUNNING, [("slow", "yes")], 1)
    world.now += timedelta(minutes=1)
    world.finish(world.one("b").id)
    assert world.state is State.FAILED
    assert len(world.logs) == 2


# Concurrency


def limited(behavior: str) -> World:
    return World(FakeFlow([Fake(id="a")], concurrency=Concurrency(limit=1, behavior=behavior)))


def test_a_place_is_taken_and_given_back() -> None:
    world = limited("QUEUE").run()
    assert world.slots == 1
    assert world.announced == [AnnounceEnd(slot_freed=True)]
    assert world.store.execution.slot is False


def test_beyond_the_limit_it_queues_until_a_place_is_free() -> None:
    world = limited("QUEUE")
    world.slots = 1
    world.start()
    assert world.history() == ["CREATED", "QUEUED"]
    assert world.store.timers == {}
    world.step(SlotFreed())
    assert world.state is State.QUEUED
    world.slots = 0
    world.step(SlotFreed())
    assert world.state is State.RUNNING
    assert ("watch", "") in world.store.timers
    world.run()
    assert world.announced == [AnnounceEnd(slot_freed=True)]


def test_beyond_the_limit_it_is_cancelled_or_failed() -> None:
    for behavior, state in (("CANCEL", State.CANCELLED), ("FAIL", State.FAILED)):
        world = limited(behavior)
        world.slots = 1
        world.run()
        assert (world.history(), world.summary()) == (["CREATED", state.value], "")
        assert world.announced == [AnnounceEnd(slot_freed=False)]
    assert world.logs == ["Flow is FAILED due to concurrency limit exceeded"]


def test_a_forced_start_takes_no_place_and_gives_none_back() -> None:
    world = limited("QUEUE")
    world.slots = 1
    world.start()
    world.step(SlotFreed(force=True))
    world.run()
    assert world.state is State.SUCCESS
    assert world.announced == [AnnounceEnd(slot_freed=False)]


def test_a_killed_queued_execution_gives_back_nothing() -> None:
    world = limited("QUEUE")
    world.slots = 1
    world.start()
    decision = world.step(KillRequested())
    assert AnnounceEnd(slot_freed=False) in decision.commands


# Listeners and labels


def test_listeners_run_after_the_end_and_do_not_change_it() -> None:
    listeners = [FakeListener([Fake(id="l1"), Fake(id="l2")]), FakeListener([Fake(id="l3")])]
    flow = FakeFlow([Fake(id="a")], listeners=listeners, after_execution=[Fake(id="z")])
    world = World(flow, outcome=failing(l1=ALWAYS))
    world.render.listeners[1] = False
    world.run()
    assert world.summary() == "a=SUCCESS l1=FAILED l2=SUCCESS z=SUCCESS"
    assert world.state is State.SUCCESS
    assert world.history() == ["CREATED", "RUNNING", "SUCCESS"]
    assert len(world.announced) == 1
    assert world.store.timers == {}


def test_listeners_whose_conditions_do_not_hold_leave_nothing_behind() -> None:
    world = World(FakeFlow([Fake(id="a")], listeners=[FakeListener([Fake(id="l1")])]))
    world.render.listeners[0] = False
    world.run()
    assert (world.summary(), world.store.timers) == ("a=SUCCESS", {})


def test_a_listener_with_boxes_retries_and_a_lost_nudge() -> None:
    box = Seq(id="s", tasks=[Par(id="p", tasks=[Fake(id="b"), Sub(id="c")])])
    world = World(FakeFlow([Fake(id="a")], listeners=[FakeListener([box])])).start()
    world.drain()
    world.finish(world.one("a").id)
    world.messages.clear()
    world.run()
    assert world.summary() == "a=SUCCESS s=SUCCESS p=SUCCESS b=SUCCESS c=SUCCESS"
    assert world.store.timers == {}


def test_labels_are_set_on_the_spot() -> None:
    world = World(FakeFlow([Tags(id="l", labels={"a": 1, "b": "x"}), Tags(id="bad", labels="text")]))
    world.store.execution.labels = [("b", "old"), ("c", "kept")]
    world.run()
    assert world.store.execution.labels == [("b", "x"), ("c", "kept"), ("a", "1")]
    assert world.summary() == "l=SUCCESS bad=FAILED"
    assert world.logs == ["Unknown value type: str"]


def test_an_old_message_about_a_run_that_is_gone_is_no_error() -> None:
    world = World(FakeFlow([Loop(id="l", condition=until(2), tasks=[Fake(id="a")])])).start()
    world.drain()
    run: RunRow = world.one("a")
    token = run.token or ""
    world.run()
    assert run.id not in world.store.runs
    decision = world.step(TaskRunEnded(run.id, token, State.FAILED, None, world.now))
    assert not decision.updated


def test_restarted_without_a_surgery_changes_nothing() -> None:
    world = World(FakeFlow([Fake(id="a")])).start()
    decision = world.step(Restarted())
    world.step(Created())
    assert not decision.execution_changed
