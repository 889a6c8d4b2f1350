"""What the tasks that wait declare to the engine and to the host: Pause, LoopUntil, Subflow, ForEachItem, Labels."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.engine.compiled_flow import compile_flow
from apps.workflows.flow_language.source import InvalidFlow, parse_flow
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.frame import Kind, Lanes
from apps.workflows.plugin_api.task import ExecutableTask, FlowableTask, LabelTask, RunnableTask, Task
from tests.support.run_context import FakeRunContext

FLOW = "io.kestra.plugin.core.flow."
LOG = "[{id: a, type: io.kestra.plugin.core.log.Log, message: m}]"


def parsed(type_name: str, body: str) -> Task:
    source = f"id: f\nnamespace: n\ntasks:\n  - id: x\n    type: {type_name}\n"
    return parse_flow(source + "".join(f"    {line}\n" for line in body.splitlines())).tasks[0]


def flowable(name: str, body: str) -> FlowableTask:
    found = parsed(FLOW + name, body)
    assert isinstance(found, FlowableTask)
    return found


def test_a_pause_declares_its_times_and_inputs() -> None:
    spec = flowable("Pause", "timeout: PT5S\nonResume: [{id: asked, type: STRING}]").frame()
    assert (spec.kind, spec.lanes, spec.lists) == (Kind.PAUSE, Lanes.ONE, {"main": ()})
    assert spec.pause is not None
    assert (spec.pause.delay, spec.pause.timeout.raw, spec.pause.on_resume[0].id) == (None, "PT5S", "asked")


def test_a_pause_checks_what_it_asks_for() -> None:
    with pytest.raises(InvalidFlow, match="Duplicate input with name"):
        flowable("Pause", "onResume: [{id: a, type: STRING}, {id: a, type: INT}]")


def test_a_loop_declares_its_limits_or_those_of_the_house() -> None:
    spec = flowable("LoopUntil", f"condition: c\ntasks: {LOG}").frame().repeat
    assert spec is not None
    assert (spec.max_iterations, spec.max_duration, spec.interval) == (100, timedelta(hours=1), timedelta(seconds=1))
    body = f"condition: c\ntasks: {LOG}\nfailOnMaxReached: true\ncheckFrequency: {{maxIterations: 3, interval: PT2S}}"
    task = flowable("WaitFor", body)
    spec = task.frame().repeat
    assert spec is not None
    assert (spec.condition, spec.max_iterations, spec.interval.raw, spec.fail_on_max) == ("c", "3", "PT2S", True)
    assert task.open(None).outputs == {"iterationCount": 1}


def test_a_subflow_says_what_to_call() -> None:
    task = parsed(
        FLOW + "Subflow",
        "namespace: n\nflowId: '{{ inputs.flow }}'\nrevision: 2\ninputs: {a: '{{ x }}'}\nlabels: {k: 1}\nwait: false",
    )
    assert isinstance(task, ExecutableTask)
    call = task.call()
    assert (call.namespace, call.flow_id, call.revision, call.inputs) == ("n", "{{ inputs.flow }}", 2, {"a": "{{ x }}"})
    assert call.labels == [{"key": "k", "value": "1"}]
    assert (task.wait, task.transmit_failed, task.batches()) == (False, True, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("namespace: n\nflowId: f", r"Recursive call to flow \[n.f\]"),
        ("namespace: n\nflowId: g\nlabels: {system.x: y}", "System labels can only be set by Kestra itself"),
        ("namespace: n\nflowId: g\nrevision: 0", "revision"),
    ],
)
def test_a_subflow_that_must_not_be_is_refused_when_saved(body: str, message: str) -> None:
    with pytest.raises(InvalidFlow, match=message):
        parsed(FLOW + "Subflow", body)


FOR_EACH_ITEM = "namespace: n\nflowId: g\nitems: '{{ inputs.file }}'\nbatch: {rows: '{{ 1 + 1 }}'}"


def test_for_each_item_runs_as_three_tasks() -> None:
    spec = flowable(
        "ForEachItem", FOR_EACH_ITEM + "\nwait: false\ntransmitFailed: false\nworkerGroup: {key: big}"
    ).frame()
    split, start, merge = spec.lists["main"]
    assert (spec.kind, spec.lanes) == (Kind.FOR_EACH_ITEM, Lanes.ONE)
    assert [task.id for task in (split, start, merge)] == ["x_split", "x_items", "x_merge"]
    assert [task.type.rpartition("$")[2] for task in (split, start, merge)] == [
        "ForEachItemSplit",
        "ForEachItemExecutable",
        "ForEachItemMergeOutputs",
    ]
    assert isinstance(start, ExecutableTask)
    assert (start.wait, start.transmit_failed) == (False, False)
    assert [group and group.key for group in (split.worker_group, start.worker_group, merge.worker_group)] == [
        "big",
        None,
        "big",
    ]
    assert start.batches() == "{{ currentEachOutput(outputs['x_split']).numberOfBatches }}"
    assert start.items(2) == "{{ currentEachOutput(outputs['x_split']).batchesUri }}3.txt"


def test_the_engine_knows_the_three_tasks_of_a_for_each_item() -> None:
    source = "id: f\nnamespace: n\ntasks:\n  - id: x\n    type: io.kestra.plugin.core.flow.ForEachItem\n"
    compiled = compile_flow(parse_flow(source + "".join(f"    {line}\n" for line in FOR_EACH_ITEM.splitlines())))
    assert [item.task.id for item in compiled.tasks] == ["x", "x_split", "x_items", "x_merge"]


def test_the_split_names_batches_by_number(tmp_path: Path) -> None:
    context = FakeRunContext(tmp_path)
    file = context.storage.put(b"a\nb\nc\n", "file.txt")
    context.variables = {"inputs": {"file": file}}
    split = flowable("ForEachItem", FOR_EACH_ITEM).frame().lists["main"][0]
    assert isinstance(split, RunnableTask)
    output: Any = split.run(context)
    assert output.number_of_batches == 2
    listed = context.storage.read(output.splits).splitlines()
    assert listed == [f"{output.batches_uri}{number}.txt" for number in (1, 2)]
    assert [context.storage.read(uri) for uri in listed] == ["a\nb\n", "c\n"]
    context.variables = {"inputs": {"file": "/etc/passwd"}}
    with pytest.raises(TaskFailed, match="Unable to split the items from /etc/passwd, this is not an internal storage"):
        split.run(context)


@pytest.mark.parametrize(
    ("rendered", "labels"),
    [
        ({"a": "b", "n": 1, "t": True}, {"a": "b", "n": "1", "t": "true"}),
        ('{"a": "b"}', {"a": "b"}),
        ([{"key": "a", "value": "b"}, {"key": "a", "value": "c"}], {"a": "c"}),
        ('[{"key": "a", "value": 2}]', {"a": "2"}),
    ],
)
def test_labels_are_read_in_every_form(rendered: Any, labels: dict[str, str]) -> None:
    task = parsed("io.kestra.plugin.core.execution.Labels", "labels: '{{ x }}'")
    assert isinstance(task, LabelTask)
    assert task.labels_from(rendered) == labels


@pytest.mark.parametrize(
    ("rendered", "message"),
    [
        ("no json", "must be the JSON of a map"),
        ('"text"', "must be the JSON of a map"),
        ([1], "Unknown value type: int"),
        ([{"key": "a"}], "needs `key` and `value`"),
        ({"a": ["b"]}, "must be a text, a number or a boolean"),
        ({"a": ""}, "A label needs a key and a value"),
        ({"system.x": "y"}, "System labels can only be set by Kestra itself, offending label: system.x=y"),
    ],
)
def test_labels_that_are_none_are_refused(rendered: Any, message: str) -> None:
    task = parsed("io.kestra.plugin.core.execution.Labels", "labels: '{{ x }}'")
    assert isinstance(task, LabelTask)
    with pytest.raises(TaskFailed, match=message):
        task.labels_from(rendered)
