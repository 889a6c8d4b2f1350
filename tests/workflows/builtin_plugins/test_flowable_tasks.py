"""What flowable tasks declare to the engine, and how they open."""

from __future__ import annotations

from typing import Any

import pytest

from apps.workflows.flow_language.source import InvalidFlow, parse_flow
from apps.workflows.plugin_api.errors import FlowableFailed
from apps.workflows.plugin_api.frame import Kind, Lanes
from apps.workflows.plugin_api.typed import BranchingTask

LOG = "{id: %s, type: io.kestra.plugin.core.log.Log, message: m}"


def flowable(name: str, body: str) -> BranchingTask:
    source = f"id: f\nnamespace: n\ntasks:\n  - id: x\n    type: io.kestra.plugin.core.flow.{name}\n"
    source += "".join(f"    {line}\n" for line in body.splitlines())
    found = parse_flow(source).tasks[0]
    assert isinstance(found, BranchingTask)
    return found


def logs(*ids: str) -> str:
    return "[" + ", ".join(LOG % name for name in ids) + "]"


def ids(tasks: tuple[Any, ...]) -> list[str]:
    return [task.id for task in tasks]


@pytest.mark.parametrize(
    ("name", "body", "lanes", "limit"),
    [
        ("Sequential", "", Lanes.ONE, 1),
        ("Parallel", "concurrent: 3", Lanes.PER_TASK, 3),
        ("Parallel", "", Lanes.PER_TASK, 0),
        ("ForEach", "values: [a]\nconcurrencyLimit: 0", Lanes.PER_VALUE, 0),
        ("ForEach", "values: [a]", Lanes.PER_VALUE, 1),
        ("EachSequential", "value: [a]", Lanes.PER_VALUE, 1),
        ("EachParallel", "value: [a]\nconcurrent: 2", Lanes.PER_VALUE_AND_TASK, 2),
        ("AllowFailure", "", Lanes.ONE, 1),
    ],
)
def test_frames(name: str, body: str, lanes: Lanes, limit: int) -> None:
    task = flowable(name, f"tasks: {logs('a', 'b')}\nerrors: {logs('e')}\nfinally: {logs('z')}\n{body}")
    spec = task.frame()
    assert (spec.lanes, spec.limit) == (lanes, limit)
    assert ids(spec.lists["main"]) == ["a", "b"]
    assert (ids(spec.errors), ids(spec.finals)) == (["e"], ["z"])
    assert ids(task.children()) == ["a", "b", "e", "z"]
    assert spec.kind is (Kind.ALLOW_FAILURE if name == "AllowFailure" else Kind.PLAIN)


@pytest.mark.parametrize(
    ("rendered", "chosen", "result"),
    [
        ("true", "then", True),
        ("False", "then", True),
        ("false", "else", False),
        ("0", "else", False),
        ("", "else", False),
    ],
)
def test_if_opens_by_its_condition(rendered: str, chosen: str, result: bool) -> None:
    task = flowable("If", f"condition: '{{{{ x }}}}'\nthen: {logs('a')}\nelse: {logs('b')}")
    assert task.frame().control == "{{ x }}"
    opening = task.open(rendered)
    assert (opening.chosen, opening.outputs) == (chosen, {"evaluationResult": result})


def test_if_without_else_runs_nothing_when_false() -> None:
    opening = flowable("If", f"condition: 'false'\nthen: {logs('a')}").open("false")
    assert (opening.chosen, opening.outputs) == (None, {"evaluationResult": False})


def test_switch_opens_the_case_or_the_defaults() -> None:
    task = flowable("Switch", f"value: v\ncases: {{a: {logs('in_a')}, 1: {logs('in_1')}}}\ndefaults: {logs('d')}")
    assert {name: ids(tasks) for name, tasks in task.frame().lists.items()} == {
        "case:a": ["in_a"],
        "case:1": ["in_1"],
        "default": ["d"],
    }
    assert (task.open("1").chosen, task.open("1").outputs) == ("case:1", {"value": "1", "defaults": False})
    assert (task.open("x").chosen, task.open("x").outputs) == ("default", {"value": "x", "defaults": True})


def test_switch_without_a_way_fails() -> None:
    with pytest.raises(FlowableFailed, match="No task found on flow"):
        flowable("Switch", f"value: v\ncases: {{a: {logs('in_a')}}}").open("b")


def test_switch_without_tasks_is_refused() -> None:
    with pytest.raises(InvalidFlow, match="No task defined, neither cases or default have any tasks"):
        flowable("Switch", "value: v\ncases: {}")


@pytest.mark.parametrize(
    ("control", "values"),
    [
        (["a", "b", "a"], ("a", "b")),
        ([1, "1", {"k": [1, "é"]}], ("1", '{"k":[1,"é"]}')),
        ('["a", 1, 1.5, true, {"k": 1}, [1]]', ("a", "1", "1.5", "true", '{"k":1}', "[1]")),
    ],
)
@pytest.mark.parametrize(
    ("name", "key"), [("ForEach", "values"), ("EachSequential", "value"), ("EachParallel", "value")]
)
def test_loops_open_with_distinct_texts(name: str, key: str, control: Any, values: tuple[str, ...]) -> None:
    opening = flowable(name, f"{key}: '{{{{ x }}}}'\ntasks: {logs('a')}").open(control)
    assert (opening.chosen, opening.values) == ("main", values)


@pytest.mark.parametrize("control", [[], "[]"])
def test_a_loop_over_nothing_runs_nothing(control: Any) -> None:
    opening = flowable("ForEach", f"values: []\ntasks: {logs('a')}").open(control)
    assert (opening.chosen, opening.values) == (None, ())


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ([1, None, {"key": "my-key"}], "Found '1' null values on Each, with values=[1, null, {key=my-key}]"),
        ("[null, null]", "Found '2' null values on Each, with values=[null, null]"),
        ([1.5], "Unknown value element type"),
        ([True], "Unknown value element type"),
        ([["a"]], "Unknown value element type"),
        ("a, b", "must be a list or the JSON of one"),
        ('{"a": 1}', "must be a list or the JSON of one"),
        (None, "must be a list or the JSON of one"),
    ],
)
def test_values_that_are_no_list_fail_the_loop(control: Any, message: str) -> None:
    with pytest.raises(FlowableFailed) as caught:
        flowable("ForEach", f"values: x\ntasks: {logs('a')}").open(control)
    assert message in str(caught.value)


def dag(*nodes: tuple[str, str]) -> str:
    return "tasks:\n" + "".join(f"  - task: {LOG % name}\n    dependsOn: [{needs}]\n" for name, needs in nodes)


def test_dag_declares_its_dependencies() -> None:
    spec = flowable("Dag", dag(("a", ""), ("b", "a"), ("c", "a, b")) + "concurrent: 2").frame()
    assert (spec.lanes, spec.limit) == (Lanes.GATED, 2)
    assert ids(spec.lists["main"]) == ["a", "b", "c"]
    assert spec.depends_on == {"a": (), "b": ("a",), "c": ("a", "b")}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("tasks: []", "x: No task defined"),
        (dag(("a", "b, q")), "x: Not existing task id in dependency: b, q"),
        (dag(("a", "b"), ("b", "a"), ("c", "b")), "x: Cyclic dependency detected: a, b"),
        (dag(("a", "a")), "x: Cyclic dependency detected: a"),
        (
            dag(("r", ""), ("a", "r, c"), ("b", "a"), ("c", "b, b"), ("d", "c")),
            "x: Cyclic dependency detected: a, b, c",
        ),
    ],
)
def test_impossible_dags_are_refused(body: str, message: str) -> None:
    with pytest.raises(InvalidFlow) as caught:
        flowable("Dag", body)
    assert [violation.message for violation in caught.value.violations] == [message]


def test_branches_that_must_not_be_empty() -> None:
    for name, body, path in (("Parallel", "tasks: []", "tasks[0].tasks"), ("If", "then: []", "tasks[0].then")):
        with pytest.raises(InvalidFlow) as caught:
            flowable(name, body)
        assert [(one.path, one.message) for one in caught.value.violations] == [(path, "must not be empty")]
