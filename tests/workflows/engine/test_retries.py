"""Retries: constant, exponential, random, limits, warnings, and the retry that is a new execution."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from apps.workflows.engine.commands import RetryExecution
from apps.workflows.engine.events import InnerRun, TaskRunEnded, Woken, WorkerLost
from apps.workflows.plugin_api.retry import ConstantRetry, ExponentialRetry, RandomRetry, RetryBehavior
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Fake, FakeFlow, Par, Seq, Sub
from tests.workflows.engine.world import ALWAYS, World, failing


def constant(**more: object) -> ConstantRetry:
    return ConstantRetry(**({"type": "constant", "interval": timedelta(seconds=2)} | more))


def test_a_failed_task_is_tried_again_after_its_interval() -> None:
    flow = FakeFlow([Fake(id="a", retry=constant(max_attempt=3)), Fake(id="b")], errors=[Fake(id="e")])
    world = World(flow, outcome=failing(a=1)).start()
    world.drain()
    run = world.one("a")
    world.finish(run.id)
    assert (world.summary(), world.state) == ("a=RETRYING", State.RETRYING)
    assert "FAILED" not in world.history()
    world.advance(1)
    world.drain()
    assert world.summary() == "a=RETRYING"
    world.advance(1)
    world.drain()
    assert world.state is State.RUNNING
    world.run()
    assert world.summary() == "a=SUCCESS b=SUCCESS"
    assert [attempt.state.value for attempt in world.one("a").attempts] == ["FAILED", "SUCCESS"]
    assert world.history(run.id) == ["CREATED", "RUNNING", "RETRYING", "CREATED", "RUNNING", "SUCCESS"]


def test_errors_run_once_after_the_last_try() -> None:
    flow = FakeFlow([Fake(id="a", retry=constant(max_attempt=3))], errors=[Fake(id="e")])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert world.summary() == "a=FAILED e=SUCCESS"
    assert len(world.one("a").attempts) == 3


def test_max_duration_lets_no_try_start_at_its_end() -> None:
    flow = FakeFlow([Fake(id="a", retry=constant(max_duration=timedelta(seconds=6)))])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert len(world.one("a").attempts) == 3


def test_a_retry_comes_from_the_nearest_flowable_or_the_flow() -> None:
    flow = FakeFlow(
        [
            Seq(id="s", retry=constant(max_attempt=2), tasks=[Par(id="p", tasks=[Fake(id="a")])]),
            Fake(id="b"),
        ],
        retry=constant(max_attempt=4),
    )
    world = World(flow, outcome=failing(a=1, b=3)).run()
    assert world.state is State.SUCCESS
    assert (len(world.one("a").attempts), len(world.one("b").attempts)) == (2, 4)


def test_exponential_retries_first_at_once_and_then_later_and_later() -> None:
    retry = ExponentialRetry(
        type="exponential", interval=timedelta(seconds=1), max_interval=timedelta(seconds=5), max_attempt=5
    )
    world = World(FakeFlow([Fake(id="a", retry=retry)]), outcome=failing(a=4)).run()
    starts = [attempt.histories[0].date for attempt in world.one("a").attempts]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    assert gaps == [0, 2, 4, 5]


def test_random_retry_stays_between_its_bounds() -> None:
    retry = RandomRetry(
        type="random", min_interval=timedelta(seconds=3), max_interval=timedelta(seconds=9), max_attempt=20
    )
    world = World(FakeFlow([Fake(id="a", retry=retry)]), outcome=failing(a=15), seed=3).run()
    starts = [attempt.histories[0].date for attempt in world.one("a").attempts]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    assert len(gaps) == 15
    assert all(3 <= gap < 9 for gap in gaps)
    assert len(set(gaps)) > 10


@pytest.mark.parametrize(("failures", "state"), [(1, State.SUCCESS), (2, State.WARNING)])
def test_warning_on_retry_from_the_third_try_on(failures: int, state: State) -> None:
    flow = FakeFlow([Fake(id="a", retry=constant(max_attempt=5, warning_on_retry=True))])
    assert World(flow, outcome=failing(a=failures)).run().states("a") == [state]


def test_allow_failure_counts_after_the_last_try_only() -> None:
    flow = FakeFlow([Fake(id="a", allow_failure=True, retry=constant(max_attempt=2)), Fake(id="b")])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert world.summary() == "a=WARNING b=SUCCESS"
    assert len(world.one("a").attempts) == 2


def test_a_lost_worker_costs_no_try() -> None:
    flow = FakeFlow([Fake(id="a", retry=constant(max_attempt=2))])
    world = World(flow, outcome=failing(a=1)).start()
    for _ in range(3):
        world.drain()
        run = world.one("a")
        world.work.clear()
        world.step(WorkerLost(run.id, run.token or ""))
        assert world.summary() == "a=CREATED"
    world.run()
    assert world.state is State.SUCCESS
    assert [attempt.state.value for attempt in world.one("a").attempts] == ["KILLED"] * 3 + ["FAILED", "SUCCESS"]


def test_run_if_is_not_asked_again_for_a_retry() -> None:
    asked: list[object] = []

    flow = FakeFlow([Fake(id="a", run_if="ask", retry=constant(max_attempt=2))])
    world = World(flow, outcome=failing(a=1))
    condition = world.render.condition
    world.render.condition = lambda template, run: asked.append(run) or condition(template, run)  # type: ignore[method-assign]
    world.run()
    assert (world.state, len(asked)) == (State.SUCCESS, 1)


def test_another_branch_goes_on_while_one_waits_for_its_retry() -> None:
    flow = FakeFlow(
        [
            Par(
                id="p",
                tasks=[Fake(id="a", retry=constant(max_attempt=2)), Seq(id="s", tasks=[Fake(id="b"), Fake(id="c")])],
            )
        ]
    )
    world = World(flow, outcome=failing(a=1)).start()
    world.drain()
    world.finish(world.one("a").id)
    assert world.state is State.RETRYING
    world.finish(world.one("b").id)
    assert world.states("c") == [State.CREATED]
    assert world.state is State.RETRYING
    world.run()
    assert world.state is State.SUCCESS


def test_an_early_wake_waits_for_its_time() -> None:
    world = World(FakeFlow([Fake(id="a", retry=constant(max_attempt=2))]), outcome=failing(a=1)).start()
    world.drain()
    run_id = world.one("a").id
    world.finish(run_id)
    due = world.store.timers["retry", run_id]
    world.step(Woken("retry", run_id))
    assert world.summary() == "a=RETRYING"
    assert world.store.timers["retry", run_id] == due


def test_a_subflow_that_fails_is_started_anew_under_another_id() -> None:
    world = World(FakeFlow([Sub(id="s", retry=constant(max_attempt=2))]))
    ends = iter([State.FAILED, State.SUCCESS])
    world.child_state = lambda child: next(ends)
    world.run()
    assert world.state is State.SUCCESS
    assert len(world.store.children) == 2
    assert [attempt.state.value for attempt in world.one("s").attempts] == ["FAILED", "SUCCESS"]


NEW = {"behavior": RetryBehavior.CREATE_NEW_EXECUTION}


def test_create_new_execution_retires_this_one_and_starts_another_once() -> None:
    flow = FakeFlow(
        [
            Par(
                id="p",
                tasks=[
                    Fake(id="a", retry=constant(max_attempt=3, **NEW)),
                    Fake(id="b"),
                    Seq(id="s", tasks=[Fake(id="c")]),
                ],
            )
        ],
        errors=[Fake(id="e")],
    )
    world = World(flow, outcome=failing(a=ALWAYS)).start()
    world.deliver(world.messages.pop(0))
    world.messages.clear()
    world.finish(world.one("a").id)
    assert world.summary() == "p=RETRIED a=RETRIED b=KILLED s=KILLED c=KILLED"
    assert world.state is State.RETRIED
    assert world.retried == []
    world.advance(2)
    wakes = [message for message in world.messages if isinstance(message, Woken)]
    # The first nudge to make it is lost: the timer gives it again, under the same id.
    first = world.step(wakes[0]).commands
    world.messages.clear()
    world.advance(30)
    world.drain()
    assert len(world.retried) == 1
    assert first == [RetryExecution(world.retried[0])]
    world.run()
    assert world.store.timers == {}


def test_the_last_of_the_new_executions_fails() -> None:
    flow = FakeFlow([Fake(id="a", retry=constant(max_attempt=3, **NEW))])
    world = World(flow, outcome=failing(a=ALWAYS))
    world.store.execution.attempt_number = 3
    assert world.run().state is State.FAILED


def test_runs_inside_a_run_are_shown_below_it_and_replaced_by_a_later_try() -> None:
    world = World(FakeFlow([Fake(id="dbt", retry=constant(max_attempt=2)), Fake(id="b")])).start()
    for states in ((State.SUCCESS, State.FAILED), (State.SUCCESS, State.SUCCESS, State.WARNING)):
        world.advance(2)
        world.drain()
        run = world.one("dbt")
        inner = tuple(
            InnerRun(f"model.{number}", state, world.now, world.now, {"rows": number})
            for number, state in enumerate(states)
        )
        end = State.FAILED if State.FAILED in states else State.SUCCESS
        world.work.clear()
        world.step(TaskRunEnded(run.id, run.token or "", end, None, world.now, inner=inner))
    assert world.summary() == "dbt=SUCCESS model.0=SUCCESS model.1=SUCCESS model.2=WARNING b=CREATED"
    assert world.one("model.1").parent_id == world.one("dbt").id
    assert world.store.outputs[world.one("model.1").id] == {"rows": 1}
    world.run()
    assert world.state is State.SUCCESS, "they are never counted"
