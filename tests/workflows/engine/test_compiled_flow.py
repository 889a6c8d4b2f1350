"""What compiling a flow finds out once, so that no step has to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.workflows.engine.compiled_flow import compile_flow, loop_key
from apps.workflows.engine.cursor import ERRORS, MAIN, Cursor
from apps.workflows.engine.frontier import Change, ExecutionRow
from apps.workflows.engine.rebuild import rebuild
from apps.workflows.plugin_api.retry import ConstantRetry
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Task
from tests.workflows.engine.engine_plugins import Dag, Dir, Each, EachPar, Fake, FakeFlow, FakeListener, Par, Seq
from tests.workflows.engine.world import BEGIN


def retry(attempts: int) -> ConstantRetry:
    return ConstantRetry(type="constant", interval=timedelta(seconds=1), max_attempt=attempts)


def test_depth_counts_the_loops_above_and_not_for_handlers_beside_them() -> None:
    inner = EachPar(
        id="in", values=["1"], tasks=[Fake(id="deep")], errors=[Fake(id="handler")], finally_=[Fake(id="f")]
    )
    flow = compile_flow(FakeFlow([Each(id="out", values=["x"], tasks=[Seq(id="s", tasks=[inner])]), Fake(id="flat")]))
    depths = {item.task.id: item.depth for item in flow.tasks}
    assert depths == {"out": 0, "s": 1, "in": 1, "deep": 2, "handler": 1, "f": 1, "flat": 0}


def test_indexes_follow_the_tasks_and_name_their_parents() -> None:
    flow = compile_flow(FakeFlow([Seq(id="s", tasks=[Fake(id="a")]), Fake(id="b")], errors=[Fake(id="e")]))
    assert [(item.index, item.task.id, item.parent) for item in flow.tasks] == [
        (0, "s", None),
        (1, "a", 0),
        (2, "b", None),
        (3, "e", None),
    ]
    assert flow.task("a") is flow.tasks[1]
    assert [item.task.id for item in flow.tasks if item.below_errors] == ["e"]


def test_the_nearest_retry_counts() -> None:
    boxed = Seq(id="s", retry=retry(2), tasks=[Fake(id="a"), Fake(id="b", retry=retry(3))], errors=[Fake(id="e")])
    flow = compile_flow(FakeFlow([boxed, Fake(id="c")], retry=retry(4)))
    assert {item.task.id: item.retry and item.retry.max_attempt for item in flow.tasks} == {
        "s": 2,
        "a": 2,
        "b": 3,
        "e": 2,
        "c": 4,
    }


def test_disabled_tasks_have_no_place_and_nobody_waits_for_them() -> None:
    dag = Dag(id="g", tasks=[Fake(id="a", disabled=True), Fake(id="b"), Fake(id="c")], after={"b": ["a"], "c": ["b"]})
    flow = compile_flow(FakeFlow([dag]))
    frame = flow.task("g").frame
    assert frame is not None
    assert [item.task.id for item in frame.lists["main"]] == ["b", "c"]
    assert (frame.needs, frame.users, frame.ready(0)) == ((0, 1), ((1,), ()), 1)
    assert "a" not in flow.by_id


def test_only_main_children_of_a_working_directory_are_in_its_unit() -> None:
    flow = compile_flow(FakeFlow([Dir(id="d", tasks=[Fake(id="a")], errors=[Fake(id="e")])]))
    assert {item.task.id: item.in_unit for item in flow.tasks} == {"d": False, "a": True, "e": False}


def test_listeners_and_what_follows_the_execution_are_one_list() -> None:
    listeners = [FakeListener([Fake(id="l1"), Fake(id="off", disabled=True)]), FakeListener([Fake(id="l2")])]
    flow = compile_flow(FakeFlow([Fake(id="a")], listeners=listeners, after_execution=[Fake(id="z")]))
    assert [item.task.id for item in flow.root.listeners] == ["l1", "l2", "z"]
    assert flow.listener_of == (0, 1, None)


def test_a_task_of_no_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="Task 'x' of type odd is neither runnable nor flowable"):
        compile_flow(FakeFlow([Task(id="x", type="odd")]))


def test_errors_have_lanes_where_main_tasks_have() -> None:
    handlers = [Fake(id="e1"), Fake(id="e2")]
    flow = compile_flow(
        FakeFlow([Seq(id="s", tasks=[Fake(id="a")], errors=handlers), Par(id="p", tasks=[Fake(id="b")], limit=3)])
    )
    one, many = flow.task("s").frame, flow.task("p").frame
    assert one is not None and many is not None
    assert (one.error_lanes, one.error_limit, many.error_lanes, many.error_limit) == (1, 1, 0, 3)
    assert [item.task.id for item in one.lane_tasks(Cursor(), ERRORS, 0)] == ["e1", "e2"]
    assert [item.task.id for item in many.lane_tasks(Cursor(), MAIN, 0)] == ["b"]


def test_loop_keys_tell_paths_apart() -> None:
    assert loop_key(b"", "a") == loop_key(b"", "a")
    keys = {
        loop_key(loop_key(b"", "a"), "b"),
        loop_key(loop_key(b"", "b"), "a"),
        loop_key(b"", "ab"),
        loop_key(b"", ""),
    }
    assert len(keys) == 4


def test_a_cursor_survives_its_json_and_leaves_out_what_is_zero() -> None:
    cursor = Cursor(branch="e", total=3, done=1 << 70, ready=5)
    held = cursor.to_json()
    assert held == {"branch": "e", "total": 3, "done": str(1 << 70), "ready": "5"}
    assert Cursor.from_json(held) == cursor


def test_a_frame_that_has_not_begun_cannot_be_rebuilt() -> None:
    flow = compile_flow(FakeFlow([Fake(id="a")]))
    row = ExecutionRow("e", "ns", "f", 1, State.CREATED, [Change(State.CREATED, BEGIN)])
    with pytest.raises(ValueError, match="has not begun"):
        rebuild(flow, row, [])
