"""Outputs too large for a row: a file, read by expressions and the API as if they were in the row."""

from __future__ import annotations

import base64
import json

import pytest
from pytest_django import Settings

from apps.storage.internal_storage import InternalStorage, open_storage
from apps.workflows.models import Execution
from apps.workflows.selectors.executions import find_execution
from apps.workflows.selectors.task_runs import list_task_runs
from apps.workflows.services import stored_outputs
from apps.workflows.services.stored_outputs import MOST_ROW_BYTES, STORED, with_flow_outputs, with_outputs
from apps.workflows.views import stored_values
from tests.support.flow_runner import FlowRunner


@pytest.fixture(autouse=True)
def _own_key(settings: Settings) -> None:
    settings.KESTRA_MASTER_KEY = base64.b64encode(b"0" * 32).decode()


BIG = "x" * (MOST_ROW_BYTES + 1)
FLOW = """
id: big
namespace: company.team
inputs: [{id: text, type: STRING}]
tasks:
  - id: make
    type: io.kestra.plugin.core.output.OutputValues
    values: {text: "{{ inputs.text }}", small: here}
  - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.make.values.text | length }}"}
  - {id: again, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.make.values.small }}"}
"""
LOOP = """
id: big-loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b"]
    tasks: [{id: made, type: io.kestra.plugin.core.debug.Return, format: "the value {{ taskrun.value }}"}]
  - {id: one, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.made.b.value }}"}
  - {id: all, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.made }}"}
"""


def test_large_outputs_lie_in_a_file_and_are_read_as_before(flows: FlowRunner) -> None:
    ran = flows.run(FLOW, {"text": BIG})
    assert ran.state == "SUCCESS"
    assert (ran.logs("say"), ran.logs("again")) == ([str(len(BIG))], ["here"])
    held = ran.run_of("make").outputs
    assert held is not None and held["type"] == STORED
    content = open_storage().read(held["uri"])
    assert (len(content), json.loads(content)) == (held["size"], {"values": {"text": BIG, "small": "here"}})
    shown = with_outputs(ran.execution_id, list_task_runs(ran.execution_id).runs)
    assert shown[0].outputs == {"values": {"text": BIG, "small": "here"}}


def test_each_iteration_and_all_of_them(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_outputs, "MOST_ROW_BYTES", 10)
    ran = flows.run(LOOP)
    assert ran.logs("one") == ["the value b"]
    assert json.loads(ran.logs("all")[0]) == {"a": {"value": "the value a"}, "b": {"value": "the value b"}}


def test_what_is_read_at_once_is_bounded(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_outputs, "MOST_ROW_BYTES", 10)
    monkeypatch.setattr(stored_outputs, "MOST_BYTES", 40)
    ran = flows.run(LOOP)
    assert ran.state == "FAILED"
    assert ran.logs("one") == ["the value b"]
    assert "More than 40 bytes of outputs in files" in ran.logs("all")[0]
    shown = with_outputs(ran.execution_id, list_task_runs(ran.execution_id).runs)
    # The answer holds what fits; of the rest it says where it lies.
    assert [run.outputs and run.outputs.get("value") for run in shown][1:3] == ["the value a", None]
    assert shown[2].outputs is not None and shown[2].outputs["uri"].endswith("/outputs/attempt-0.json")


def test_outputs_beyond_all_bounds_fail_the_task(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_outputs, "MOST_ROW_BYTES", 10)
    monkeypatch.setattr(stored_outputs, "MOST_BYTES", 20)
    ran = flows.run(LOOP)
    assert ran.state == "FAILED"
    assert ran.run_of("made", "a").outputs is None
    assert "more than 20; write them to a file in internal storage" in ran.logs("made")[-1]


def test_a_storage_that_refuses_them_fails_the_task(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: InternalStorage, address: str, content: object) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(stored_outputs, "MOST_ROW_BYTES", 10)
    monkeypatch.setattr(InternalStorage, "put", refuse)
    ran = flows.run(LOOP)
    assert ran.state == "FAILED"
    assert ran.logs("made")[-1] == "The outputs could not be kept: no space left"


def test_a_marker_of_another_execution_opens_nothing(flows: FlowRunner) -> None:
    other = flows.run(FLOW, {"text": BIG}).run_of("make").outputs
    assert other is not None
    ran = flows.run(LOOP)
    run = ran.runs[0]
    run.outputs = dict(other)
    run.save(update_fields=["outputs"])
    (shown, *_) = with_outputs(ran.execution_id, list_task_runs(ran.execution_id).runs)
    assert shown.outputs == other


OUTER = """
id: outer
namespace: company.team
outputs: [{id: length, type: INT, value: "{{ outputs.call.outputs.text | length }}"}]
tasks:
  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: inner}
  - {id: items, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.call.state }}"}
"""
INNER = """
id: inner
namespace: company.team
outputs:
  - {id: text, type: STRING, value: "{{ outputs.make.value }}"}
  - {id: token, type: SECRET, value: "{{ outputs.make.value }}"}
tasks: [{id: make, type: io.kestra.plugin.core.debug.Return, format: "many words"}]
"""


def test_outputs_of_a_flow_lie_in_a_file_and_reach_who_waits(
    flows: FlowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_outputs, "MOST_ROW_BYTES", 40)
    flows.save(INNER)
    ran = flows.run(OUTER)
    assert (ran.state, ran.execution.outputs) == ("SUCCESS", {"length": 10})
    assert ran.logs("items") == ["SUCCESS"]
    child = find_execution(Execution.objects.get(flow_id="inner").id)
    assert child is not None and child.outputs is not None and child.outputs["type"] == STORED
    assert "many words" not in json.dumps(child.outputs)
    shown = with_flow_outputs(child).outputs
    assert shown is not None and shown["text"] == "many words"
    assert "many words" not in json.dumps(shown["token"])
    assert ran.run_of("call").outputs["type"] == STORED


def test_outputs_of_a_flow_too_large_for_a_file_fail_it(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_outputs, "MOST_ROW_BYTES", 40)
    monkeypatch.setattr(stored_outputs, "MOST_BYTES", 50)
    ran = flows.run(INNER.replace("many words", "many more words than there is room for"))
    assert (ran.state, ran.execution.outputs) == ("FAILED", None)
    assert any("could not be kept" in line for line in ran.logs())


def test_the_page_shows_the_beginning_of_stored_outputs(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_outputs, "MOST_ROW_BYTES", 40)
    monkeypatch.setattr(stored_values, "PREVIEW_BYTES", 30)
    ran = flows.run(INNER)
    shown = stored_values.show_outputs_of(ran.execution_id, ran.execution.outputs)
    assert shown.nodes == [] and shown.stored is not None
    assert (shown.stored.name, shown.stored.cut, len(shown.stored.preview)) == ("flow.json", True, 30)
    assert f"/api/v1/alpha/executions/{ran.execution_id}/file?path=kestra" in shown.stored.url
    open_storage().delete(ran.execution.outputs["uri"])
    gone = stored_values.show_outputs_of(ran.execution_id, ran.execution.outputs)
    assert gone.stored is not None and "cannot be read" in gone.stored.problem
