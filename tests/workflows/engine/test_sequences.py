"""Lists, lanes and their limits; errors, finally, and what ends what."""

from __future__ import annotations

from apps.workflows.engine.events import Created, TaskRunEnded
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import Allow, Choice, Cond, Dag, Each, EachPar, Fake, FakeFlow, Par, Seq
from tests.workflows.engine.world import ALWAYS, World, failing


def fake(task_id: str, **more: object) -> Fake:
    return Fake(id=task_id, **more)


def test_tasks_run_one_after_another_and_the_execution_succeeds() -> None:
    world = World(FakeFlow([fake("a"), fake("b")])).start()
    assert world.summary() == "a=CREATED"
    world.run()
    assert world.summary() == "a=SUCCESS b=SUCCESS"
    assert world.history() == ["CREATED", "RUNNING", "SUCCESS"]
    assert len(world.announced) == 1
    assert world.store.timers == {}


def test_histories_of_a_run_and_its_attempt() -> None:
    world = World(FakeFlow([fake("a")])).run()
    run = world.one("a")
    assert world.history(run.id) == ["CREATED", "RUNNING", "SUCCESS"]
    (attempt,) = run.attempts
    assert [change.state.value for change in attempt.histories] == ["CREATED", "RUNNING", "SUCCESS"]
    assert run.token is None


def test_flowables_have_no_attempts() -> None:
    world = World(FakeFlow([Seq(id="s", tasks=[fake("a")])])).run()
    assert world.one("s").attempts == []
    assert world.history(world.one("s").id) == ["CREATED", "RUNNING", "SUCCESS"]
    assert world.one("a").parent_id == world.one("s").id


def test_a_failed_task_stops_the_list_and_runs_the_errors() -> None:
    flow = FakeFlow([fake("a"), fake("b"), fake("c")], errors=[fake("e1"), fake("e2")])
    world = World(flow, outcome=failing(b=ALWAYS, e1=ALWAYS)).run()
    assert world.summary() == "a=SUCCESS b=FAILED e1=FAILED e2=SUCCESS"
    assert world.state is State.FAILED


def test_each_level_handles_its_errors() -> None:
    flow = FakeFlow([Seq(id="s", tasks=[fake("a")], errors=[fake("local")])], errors=[fake("outer")])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert world.summary() == "s=FAILED a=FAILED local=SUCCESS outer=SUCCESS"
    assert world.one("local").parent_id == world.one("s").id


def test_allow_failure_makes_a_warning_and_the_flow_goes_on() -> None:
    world = World(FakeFlow([fake("a", allow_failure=True), fake("b")]), outcome=failing(a=ALWAYS)).run()
    assert world.summary() == "a=WARNING b=SUCCESS"
    assert world.state is State.WARNING


def test_allow_failure_and_allow_warning_together_make_success() -> None:
    flow = FakeFlow([fake("a", allow_failure=True, allow_warning=True)])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert (world.summary(), world.state) == ("a=SUCCESS", State.SUCCESS)


def test_allow_failure_task_turns_its_failure_into_a_warning() -> None:
    flow = FakeFlow([Allow(id="s", tasks=[fake("a"), fake("b")], errors=[fake("e")]), fake("c")], errors=[fake("g")])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert world.summary() == "s=WARNING a=FAILED e=SUCCESS c=SUCCESS"
    assert world.state is State.WARNING


def test_finally_runs_after_success_and_after_errors() -> None:
    good = World(FakeFlow([fake("a")], finally_=[fake("f1"), fake("f2")])).run()
    assert good.summary() == "a=SUCCESS f1=SUCCESS f2=SUCCESS"
    flow = FakeFlow([fake("a")], errors=[fake("e")], finally_=[fake("f")])
    bad = World(flow, outcome=failing(a=ALWAYS)).run()
    assert bad.summary() == "a=FAILED e=SUCCESS f=SUCCESS"
    assert bad.state is State.FAILED


def test_a_failing_finally_fails_the_frame_without_errors() -> None:
    flow = FakeFlow([Seq(id="s", tasks=[fake("a")], errors=[fake("e")], finally_=[fake("f"), fake("g")])])
    world = World(flow, outcome=failing(f=ALWAYS)).run()
    assert world.summary() == "s=FAILED a=SUCCESS f=FAILED g=SUCCESS"


def test_disabled_tasks_leave_no_trace() -> None:
    flow = FakeFlow([fake("a", disabled=True), Seq(id="s", tasks=[fake("b", disabled=True)]), fake("c")])
    world = World(flow).run()
    assert world.summary() == "s=SUCCESS c=SUCCESS"


def test_a_flow_of_disabled_tasks_succeeds_at_once() -> None:
    world = World(FakeFlow([fake("a", disabled=True)])).start()
    assert (world.summary(), world.state) == ("", State.SUCCESS)


def test_run_if_skips_or_fails() -> None:
    flow = FakeFlow([fake("a", run_if="1"), fake("b", run_if="false"), fake("c"), fake("d", run_if="!boom")])
    world = World(flow).run()
    assert world.summary() == "a=SUCCESS b=SKIPPED c=SUCCESS d=FAILED"
    assert world.state is State.FAILED
    assert world.history(world.one("b").id) == ["CREATED", "SKIPPED"]
    assert world.one("d").attempts == []
    assert world.logs == ["Unable to evaluate the runIf condition for task d. Cause: boom"]


def test_parallel_starts_all_and_a_limit_holds_back() -> None:
    tasks = [fake(name) for name in "abcd"]
    assert World(FakeFlow([Par(id="p", tasks=tasks)])).start().summary() == (
        "p=RUNNING a=CREATED b=CREATED c=CREATED d=CREATED"
    )
    world = World(FakeFlow([Par(id="p", tasks=tasks, limit=2)])).start()
    assert world.summary() == "p=RUNNING a=CREATED b=CREATED"
    world.drain()
    world.finish(world.one("b").id)
    assert world.summary() == "p=RUNNING a=RUNNING b=SUCCESS c=CREATED"
    world.run()
    assert world.state is State.SUCCESS


def test_a_failing_parallel_branch_waits_for_its_siblings_but_runs_errors_at_once() -> None:
    flow = FakeFlow([Par(id="p", tasks=[fake("a"), fake("b"), fake("c")], limit=2, errors=[fake("e")])])
    world = World(flow).start()
    world.drain()
    world.finish(world.one("a").id, State.FAILED)
    assert world.summary() == "p=RUNNING a=FAILED b=RUNNING e=CREATED"
    world.drain()
    world.finish(world.one("e").id)
    assert world.one("p").state is State.RUNNING
    world.finish(world.one("b").id)
    assert (world.one("p").state, world.state) == (State.FAILED, State.FAILED)
    assert world.states("c") == []


def test_if_takes_a_branch_once_and_keeps_the_answer() -> None:
    asked = []

    def condition(run: object) -> str:
        asked.append(run)
        return "false"

    flow = FakeFlow([Cond(id="i", condition=condition, tasks=[fake("a")], otherwise=[fake("b"), fake("c")])])
    world = World(flow).run()
    assert world.summary() == "i=SUCCESS b=SUCCESS c=SUCCESS"
    assert len(asked) == 1
    assert world.store.outputs[world.one("i").id] == {"evaluationResult": False}


def test_if_without_else_succeeds_without_children() -> None:
    world = World(FakeFlow([Cond(id="i", condition="false", tasks=[fake("a")])])).run()
    assert (world.summary(), world.state) == ("i=SUCCESS", State.SUCCESS)


def test_switch_takes_the_case_the_default_or_fails() -> None:
    def choice(value: str, **more: object) -> World:
        return World(FakeFlow([Choice(id="s", value=value, cases={"x": [fake("a")]}, **more)])).run()

    assert choice("x").summary() == "s=SUCCESS a=SUCCESS"
    assert choice("y", defaults=[fake("d")]).summary() == "s=SUCCESS d=SUCCESS"
    failed = choice("y")
    assert (failed.summary(), failed.logs) == ("s=FAILED", ["No task found on flow"])


def test_a_flowable_that_cannot_be_rendered_fails_with_its_log() -> None:
    flow = FakeFlow([Cond(id="i", condition="!Unable to find `x`", tasks=[fake("a")])], errors=[fake("e")])
    world = World(flow).run()
    assert world.summary() == "i=FAILED e=SUCCESS"
    assert world.logs == ["Unable to find `x`"]


def test_for_each_runs_groups_in_order() -> None:
    flow = FakeFlow([Each(id="l", values=["x", "y", "x"], tasks=[fake("a"), fake("b")])])
    world = World(flow).run()
    assert world.summary() == "l=SUCCESS a[x]=SUCCESS b[x]=SUCCESS a[y]=SUCCESS b[y]=SUCCESS"


def test_for_each_without_values_succeeds() -> None:
    world = World(FakeFlow([Each(id="l", values=[], tasks=[fake("a")])])).run()
    assert (world.summary(), world.state) == ("l=SUCCESS", State.SUCCESS)


def test_for_each_limit_counts_groups() -> None:
    flow = FakeFlow([Each(id="l", values=list("wxyz"), limit=2, tasks=[fake("a"), fake("b")])])
    world = World(flow).start()
    assert world.summary() == "l=RUNNING a[w]=CREATED a[x]=CREATED"
    world.drain()
    world.finish(world.one("a", "x").id)
    assert world.summary() == "l=RUNNING a[w]=RUNNING a[x]=SUCCESS b[x]=CREATED"
    world.run()
    assert world.state is State.SUCCESS
    assert len(world.states("b")) == 4


def test_the_trace_of_a_loop_that_fails() -> None:
    flow = FakeFlow([Each(id="loop", values=["a", "b"], tasks=[fake("x"), fake("y")], errors=[fake("e")]), fake("z")])
    world = World(flow, outcome=failing(x__b=ALWAYS)).run()
    assert world.summary() == "loop=FAILED x[a]=SUCCESS y[a]=SUCCESS x[b]=FAILED e=SUCCESS"
    assert world.state is State.FAILED
    assert world.one("loop").cursor is not None
    assert world.one("loop").cursor.to_json() == {
        "branch": "e",
        "total": 2,
        "next": 2,
        "ok": 2,
        "fail": 1,
        "enext": 1,
    }


def test_nested_loops_have_keys_of_all_values() -> None:
    inner = Each(id="in", values=["1", "2"], tasks=[fake("a")])
    world = World(FakeFlow([Each(id="out", values=["x", "y"], limit=0, tasks=[inner])])).run()
    keys = {run.loop_key for run in world.store.runs.values() if run.task_id == "a"}
    assert len(keys) == 4
    assert all(len(key) == 16 for key in keys)
    assert {run.value for run in world.store.runs.values() if run.task_id == "a"} == {"1", "2"}


def test_a_plain_frame_in_a_loop_passes_the_key_on_but_not_the_value() -> None:
    world = World(FakeFlow([Each(id="l", values=["x"], tasks=[Seq(id="s", tasks=[fake("a")])])])).run()
    assert world.one("a").loop_key == world.one("s").loop_key != b""
    assert (world.one("s").value, world.one("a").value) == ("x", None)


def test_each_parallel_runs_values_and_tasks_side_by_side() -> None:
    flow = FakeFlow([EachPar(id="l", values=["x", "y"], tasks=[fake("a"), fake("b")])])
    world = World(flow).start()
    assert world.summary() == "l=RUNNING a[x]=CREATED b[x]=CREATED a[y]=CREATED b[y]=CREATED"


def test_dag_starts_what_has_its_needs() -> None:
    tasks = [fake(name) for name in "abcd"]
    flow = FakeFlow([Dag(id="g", tasks=tasks, after={"b": ["a"], "c": ["a"], "d": ["b", "c"]})])
    world = World(flow).start()
    assert world.summary() == "g=RUNNING a=CREATED"
    world.drain()
    world.finish(world.one("a").id)
    assert world.summary() == "g=RUNNING a=SUCCESS b=CREATED c=CREATED"
    world.drain()
    world.finish(world.one("c").id)
    assert world.states("d") == []
    world.run()
    assert world.state is State.SUCCESS
    assert world.one("g").cursor is not None
    assert world.one("g").cursor.done == 0b1111


def test_a_failed_dag_task_stops_the_rest() -> None:
    flow = FakeFlow([Dag(id="g", tasks=[fake("a"), fake("b")], after={"b": ["a"]}, errors=[fake("e")])])
    world = World(flow, outcome=failing(a=ALWAYS)).run()
    assert world.summary() == "g=FAILED a=FAILED e=SUCCESS"


def test_a_killed_child_stops_nothing_and_the_frame_ends_killed() -> None:
    flow = FakeFlow([fake("a"), fake("b")], errors=[fake("e")])
    world = World(flow).start()
    world.drain()
    world.finish(world.one("a").id, State.KILLED)
    world.run()
    assert world.summary() == "a=KILLED b=SUCCESS"
    assert world.state is State.KILLED


def test_flow_outputs_that_cannot_be_rendered_fail_the_execution() -> None:
    world = World(FakeFlow([fake("a")], outputs=["declared"]))
    world.render.flow_outputs_answer = "!no such output"
    world.run()
    assert (world.state, world.logs) == (State.FAILED, ["no such output"])


def test_flow_outputs_are_kept() -> None:
    world = World(FakeFlow([fake("a")], outputs=["declared"]))
    world.render.flow_outputs_answer = {"x": 1}
    world.run()
    assert world.store.execution.outputs == {"x": 1}


def test_created_twice_begins_once() -> None:
    world = World(FakeFlow([fake("a")])).start()
    world.step(Created())
    assert world.summary() == "a=CREATED"


def test_a_result_under_another_token_or_for_an_ended_run_changes_nothing() -> None:
    world = World(FakeFlow([fake("a"), fake("b")])).start()
    world.drain()
    run = world.one("a")
    token = run.token or ""
    world.step(TaskRunEnded(run.id, "w:999", State.FAILED, None, world.now))
    assert world.summary() == "a=RUNNING"
    world.finish(run.id)
    decision = world.step(TaskRunEnded(run.id, token, State.FAILED, None, world.now))
    assert world.summary() == "a=SUCCESS b=CREATED"
    assert not decision.updated and not decision.inserted and not decision.execution_changed


def test_the_worker_that_ends_a_task_takes_the_next_one_only() -> None:
    flow = FakeFlow([fake("a"), Par(id="p", tasks=[fake("b"), fake("c")])])
    world = World(flow, eager=True).start()
    world.drain()
    decision = world.finish(world.one("a").id)
    assert decision.claimed is not None
    assert decision.claimed in decision.inserted
    assert world.summary() == "a=SUCCESS p=RUNNING b=RUNNING c=CREATED"
    assert [type(command).__name__ for command in decision.commands] == ["RunTask"]
