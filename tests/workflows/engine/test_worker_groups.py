"""``workerGroup``: what becomes of a task whose group has no worker when it is sent, or sent again."""

from __future__ import annotations

import pytest

from apps.workflows.engine.commands import RunTask
from apps.workflows.engine.events import Woken
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import WorkerGroup, WorkerGroupFallback
from tests.workflows.engine.engine_plugins import Fake, FakeFlow, Par
from tests.workflows.engine.world import World


def picky(fallback: str, key: str = "gpu") -> Fake:
    return Fake(id="g", worker_group=WorkerGroup(key=key, fallback=WorkerGroupFallback(fallback)))


def flow_with(fallback: str) -> FakeFlow:
    return FakeFlow([Par(id="p", tasks=[Fake(id="a"), picky(fallback), Fake(id="b")])], errors=[Fake(id="e")])


def test_one_that_waits_is_sent_whether_or_not_a_worker_is_there() -> None:
    world = World(FakeFlow([picky("WAIT")])).start()
    (sent,) = [message for message in world.messages if isinstance(message, RunTask)]
    assert sent.worker_group is not None and sent.worker_group.key == "gpu"
    assert world.states("g") == [State.CREATED]


@pytest.mark.parametrize("fallback", ["FAIL", "CANCEL"])
def test_a_group_that_is_served_is_sent_to(fallback: str) -> None:
    world = World(flow_with(fallback))
    world.store.served.add("gpu")
    world.start().run()
    assert world.state is State.SUCCESS


def test_fail_fails_the_task_and_the_flow_goes_its_way() -> None:
    world = World(flow_with("FAIL")).start()
    world.run()
    assert (world.state, world.states("g"), world.states("e")) == (State.FAILED, [State.FAILED], [State.SUCCESS])
    assert "No worker of the group `gpu` is running and the task's fallback is FAIL" in world.logs
    assert world.one("g").attempts == []


def test_cancel_kills_the_execution_and_all_that_is_open() -> None:
    world = World(flow_with("CANCEL")).start()
    world.run()
    assert world.history() == ["CREATED", "RUNNING", "KILLING", "KILLED"]
    assert world.states("g") == [State.KILLED]
    assert world.states("e") == []
    assert world.store.open_left() == []
    assert world.store.timers == {}


def test_cancel_goes_on_by_its_timer_when_the_message_is_lost() -> None:
    world = World(flow_with("CANCEL")).start()
    while world.state is not State.KILLING:
        world.deliver(world.messages.pop(0))
    world.messages.clear()
    world.advance(31)
    assert Woken("watch") in world.messages
    world.run()
    assert (world.state, world.store.open_left()) == (State.KILLED, [])


def test_a_worker_that_leaves_is_missed_when_the_task_is_sent_again() -> None:
    world = World(FakeFlow([picky("FAIL")]))
    world.store.served.add("gpu")
    world.start()
    assert world.states("g") == [State.CREATED]
    world.messages.clear()
    world.store.served.clear()
    world.advance(61)
    world.run()
    assert world.states("g") == [State.FAILED]


def test_a_key_may_be_an_expression() -> None:
    world = World(FakeFlow([picky("FAIL", "{{ inputs.group }}")]))
    world.store.served.add("{{ inputs.group }}")  # the world renders a text to itself
    world.start()
    (sent,) = [message for message in world.messages if isinstance(message, RunTask)]
    assert sent.computed


def test_a_key_that_cannot_be_rendered_fails_the_task() -> None:
    world = World(FakeFlow([picky("WAIT", "!{no such input}")])).run()
    assert (world.state, world.states("g")) == (State.FAILED, [State.FAILED])
    assert any("key of `workerGroup`" in line for line in world.logs)
