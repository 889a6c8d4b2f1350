"""Subflows, awaited or not, and one execution per batch."""

from __future__ import annotations

from apps.workflows.engine.commands import StartExecution
from apps.workflows.engine.events import ChildrenEnded, StartRefused
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Fake, FakeFlow, Par, Seq, Sub
from tests.workflows.engine.world import World


def test_a_subflow_is_waited_for_and_its_end_passed_up() -> None:
    for end, expected in (
        (State.SUCCESS, State.SUCCESS),
        (State.WARNING, State.WARNING),
        (State.FAILED, State.FAILED),
        (State.KILLED, State.KILLED),
        (State.CANCELLED, State.SUCCESS),
    ):
        world = World(FakeFlow([Sub(id="s")]))
        world.child_state = lambda child, end=end: end
        world.start()
        world.drain()
        assert world.summary() == "s=RUNNING"
        world.run()
        assert (world.states("s"), world.state) == ([expected], expected)
        assert len(world.one("s").attempts) == 1
        (child,) = world.store.children.values()
        assert child.told
        assert world.store.outputs[world.one("s").id] == {"executionId": child.id}


def test_without_transmit_failed_a_failure_is_a_success() -> None:
    world = World(FakeFlow([Sub(id="s", transmit_failed=False)]))
    world.child_state = lambda child: State.FAILED
    assert world.run().state is State.SUCCESS


def test_an_unawaited_subflow_ends_when_its_execution_exists() -> None:
    world = World(FakeFlow([Sub(id="s", wait=False), Fake(id="a")])).start()
    assert world.summary() == "s=RUNNING"
    world.messages.clear()
    world.advance(31)
    world.drain()
    world.advance(31)
    world.drain()
    assert world.summary() == "s=SUCCESS a=RUNNING", "a lost start is asked for again"
    (child,) = world.store.children.values()
    child.state = State.FAILED
    world.step(ChildrenEnded(world.one("s").id))
    assert child.told
    world.run()
    assert world.state is State.SUCCESS


def test_a_lost_start_and_a_lost_end_are_both_found() -> None:
    world = World(FakeFlow([Sub(id="s")])).start()
    first = [message for message in world.messages if isinstance(message, StartExecution)]
    world.messages.clear()
    for _ in range(2):
        world.advance(31)
        world.drain()
    (child,) = world.store.children.values()
    assert child.id == first[0].child_id
    world.end_child(child)
    world.messages.clear()
    for _ in range(2):
        world.advance(31)
        world.drain()
    assert world.state is State.SUCCESS


def test_a_refused_start_fails_with_its_message() -> None:
    world = World(FakeFlow([Sub(id="s")])).start()
    run = world.one("s")
    world.step(StartRefused(run.id, run.token or "", "Unable to find flow 'a'.'b'"))
    assert (world.states("s"), world.logs) == ([State.FAILED], ["Unable to find flow 'a'.'b'"])
    assert world.state is State.FAILED


def test_outputs_that_cannot_be_rendered_fail_the_task_run() -> None:
    world = World(FakeFlow([Sub(id="s")]))
    world.render.child_outputs = lambda run, child_id: world.render("!no such output", run)  # type: ignore[method-assign]
    world.run()
    assert (world.states("s"), world.logs) == ([State.FAILED], ["no such output"])


def batches(number: object, **more: object) -> FakeFlow:
    inner = [Fake(id="split"), Sub(id="items", number=number, **more), Fake(id="merge")]
    return FakeFlow([Seq(id="x", tasks=inner)])


def test_one_execution_per_batch_a_slice_at_a_time() -> None:
    world = World(batches("7"), limit=3).start()
    world.drain()
    world.finish(world.one("split").id)
    assert len([message for message in world.messages if isinstance(message, StartExecution)]) == 2
    world.drain()
    assert sorted(child.batch for child in world.store.children.values()) == list(range(7))
    world.run()
    assert world.summary() == "x=SUCCESS split=SUCCESS items=SUCCESS merge=SUCCESS"
    run = world.one("items")
    assert world.store.outputs[run.id] == {"iterations": {"CREATED": 0, "RUNNING": 0, "SUCCESS": 7}}
    assert all(child.told for child in world.store.children.values())


def test_a_failed_batch_fails_the_items_and_no_merge_runs() -> None:
    world = World(batches(3))
    world.child_state = lambda child: State.FAILED if child.batch == 1 else State.WARNING
    world.run()
    assert world.summary() == "x=FAILED split=SUCCESS items=FAILED"
    iterations = world.store.outputs[world.one("items").id]["iterations"]
    assert iterations == {"CREATED": 0, "RUNNING": 0, "WARNING": 2, "FAILED": 1}


def test_no_batches_is_a_success_with_null_outputs() -> None:
    world = World(batches(0)).run()
    assert world.summary() == "x=SUCCESS split=SUCCESS items=SUCCESS merge=SUCCESS"
    assert world.store.outputs[world.one("items").id] is None


def test_a_number_of_batches_that_is_none_fails() -> None:
    world = World(batches("many")).run()
    assert world.states("items") == [State.FAILED]
    assert "is `many`, not a number" in world.logs[0]


def test_unawaited_batches_end_when_all_executions_exist() -> None:
    world = World(batches(5, wait=False), limit=2).start()
    world.drain()
    world.finish(world.one("split").id)
    world.drain()
    assert world.summary() == "x=RUNNING split=SUCCESS items=SUCCESS merge=RUNNING"
    assert len(world.store.children) == 5
    for child in list(world.store.children.values()):
        world.end_child(child, State.FAILED)
    world.run()
    assert world.state is State.SUCCESS
    assert all(child.told for child in world.store.children.values())


def test_lost_starts_of_batches_are_found_by_the_watch() -> None:
    world = World(batches(5, wait=False)).start()
    world.drain()
    world.finish(world.one("split").id)
    kept = [message for message in world.messages if isinstance(message, StartExecution)][:2]
    world.messages[:] = kept
    world.run()
    assert sorted(child.batch for child in world.store.children.values()) == list(range(5))
    assert world.state is State.SUCCESS


def test_parallel_subflows_do_not_mix() -> None:
    world = World(FakeFlow([Par(id="p", tasks=[Sub(id="s"), Sub(id="t")])]))
    world.child_state = lambda child: State.FAILED if world.store.runs[child.run_id].task_id == "t" else State.SUCCESS
    world.run()
    assert (world.states("s"), world.states("t")) == ([State.SUCCESS], [State.FAILED])
