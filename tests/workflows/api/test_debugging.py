"""The expression debugger and graphs over the API."""

from typing import Any

from apps.common.ids import new_id
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner, Ran
from tests.support.world import person
from tests.workflows.api.conftest import started

LOOP = """id: loop
namespace: company.team
inputs:
  - {id: password, type: SECRET, defaults: hush-hush}
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b"]
    tasks:
      - {id: out, type: io.kestra.plugin.core.debug.Return, format: "out {{ taskrun.value }}"}
"""


def evaluate(client: ApiClient, path: str, expression: str) -> Any:
    return client.client.post(client.url(path), data=expression, content_type="text/plain")


def test_an_expression_is_rendered_as_a_task_run_would(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    name = started(client, runner, "company.team/loop")
    ran = Ran(name)
    run_id = ran.run_of("out", "b").id
    path = f"/executions/{name}/eval/{run_id}"
    assert evaluate(client, path, "plain").json() == {"result": "plain"}
    assert evaluate(client, path, "{{ taskrun.id }} {{ taskrun.value }}").json() == {"result": f"{run_id} b"}
    assert evaluate(client, path, "{{ outputs.out[taskrun.value].value }}").json() == {"result": "out b"}
    found = evaluate(client, path, "{{ missing }}").json()
    assert found.keys() == {"error"}
    assert "Unable to find `missing` used in the expression `{{ missing }}` at line 1" in found["error"]
    whole = f"/executions/{name}/actions/eval"
    assert evaluate(client, whole, "{{ flow.id }} {{ outputs.out['a'].value }}").json() == {"result": "loop out a"}
    assert evaluate(client, f"{whole}/{run_id}", "{{ parent.taskrun.value ?? 'top' }}").json() == {"result": "top"}
    assert evaluate(client, f"/executions/{name}/eval/{new_id()}", "x").status_code == 404
    assert evaluate(client, f"/executions/{name}/eval/nonsense", "x").status_code == 404


def test_secrets_are_hidden_also_in_errors(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    name = started(client, runner, "company.team/loop")
    path = f"/executions/{name}/actions/eval"
    assert evaluate(client, path, "it is {{ inputs.password }}").json() == {"result": "it is ********"}
    failed = evaluate(client, path, "{{ inputs.password | toIon(1, 2, 3) }}{{ fromJson(inputs.password) }}")
    assert failed.status_code == 200
    assert "hush" not in failed.content.decode()


def test_debugging_needs_to_be_allowed_to_change_the_flow(running: tuple[ApiClient, FlowRunner], allow: Any) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    name = started(client, runner, "company.team/loop")
    bob = person("bob")
    assert evaluate(ApiClient(bob), f"/executions/{name}/actions/eval", "x").status_code == 403
    allow(bob, {"FLOW": ["UPDATE"]}, "company.other")
    assert evaluate(ApiClient(bob), f"/executions/{name}/actions/eval", "x").status_code == 403
    allow(bob, {"FLOW": ["UPDATE"]}, "company.team")
    assert evaluate(ApiClient(bob), f"/executions/{name}/actions/eval", "x").json() == {"result": "x"}


def test_a_flow_and_an_execution_are_drawn(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    name = started(client, runner, "company.team/loop")
    client.put("/flows/company.team/loop", LOOP + "  - {id: last, type: io.kestra.plugin.core.log.Log, message: x}\n")
    old = client.get(f"/executions/{name}/graph").json()
    new = client.get("/flows/company.team/loop/graph").json()
    assert [node["task"]["id"] for node in old["nodes"] if "task" in node] == ["each", "out"]
    assert [node["task"]["id"] for node in new["nodes"] if "task" in node] == ["each", "out", "last"]
    assert client.get("/flows/company.team/loop/graph", revision=1).json() == old
    assert client.post("/flows/graph", LOOP).json() == old
    assert client.post("/flows/graph", "id: x\nnamespace: y\n").status_code == 422
    assert client.get("/flows/company.team/none/graph").status_code == 404
