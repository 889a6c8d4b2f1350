"""Processes that may not touch dedicated backends: each door says so, and a step that needs one is made by a worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from apps.accounts.models import User
from apps.common.clock import now
from apps.common.ids import new_id
from apps.isolation.catalog import Kind
from apps.isolation.services import save_choice
from apps.namespaces.catalog import KvType, TypedValue
from apps.namespaces.services import NamespaceSettings, create_namespace, set_kv
from apps.secrets.services import save_secret, secret_cache
from apps.storage.internal_storage import namespace_file_address, open_storage
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.workflows.models import Execution
from apps.workflows.services.processes import register_process
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.support.inline_dispatcher import SentJob
from tests.support.pages import Pages

Api = Callable[..., ApiClient]
NS = "company.team"
FLOW = f"""
id: asks
namespace: {NS}.sub
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT0.05S
  - id: branch
    type: io.kestra.plugin.core.flow.If
    condition: "{{{{ secret('K') == 'open' and kv('k') == 'v' }}}}"
    then:
      - id: inside
        type: io.kestra.plugin.core.debug.Return
        format: "{{{{ read('note.txt') }}}}"
"""


def dedicate(tmp_path: Path, settings: Settings) -> None:
    """The namespace gets a storage and a secret manager of its own, with a thing in each; workers alone reach them."""
    settings.KESTRA_SECRET_TYPE, settings.KESTRA_SECRET_CONFIGURATION = "jdbc", {}
    settings.KESTRA_ISOLATION_DENIED = {"storage": ["web", "executor", "beat"], "secret": ["web", "executor", "beat"]}
    settings.PROCESS = "worker"
    save_choice(acting_user=None, kind=Kind.STORAGE, namespace=NS, type_name="local",
                configuration={"basePath": str(tmp_path / "own")})  # fmt: skip
    save_choice(acting_user=None, kind=Kind.SECRET, namespace=NS, type_name="jdbc", configuration={})
    for namespace in (NS, f"{NS}.sub"):
        open_storage().put(namespace_file_address(namespace, "note.txt"), b"a note")
        set_kv(acting_user=None, namespace=namespace, key="k", value=TypedValue(KvType.STRING, "v"))
    save_secret(acting_user=None, namespace=NS, key="K", value="open")
    secret_cache.forget_all()


def test_each_door_of_the_web_process_says_so(
    alpha: Tenant, api: Api, alice: User, tmp_path: Path, settings: Settings
) -> None:
    with tenant_scope("alpha"):
        dedicate(tmp_path, settings)
    settings.PROCESS = "web"
    client, base = api(alice), f"/namespaces/{NS}"

    def asked(method: str, below: str, **query: str) -> Any:
        return getattr(client.client, method)(client.url(f"{base}/{below}"), query_params=query)

    for answer in (
        asked("get", "files", path="/note.txt"),
        client.get(f"{base}/files/directory"),
        client.get(f"{base}/files/search", q="note"),
        asked("get", "files/stats", path="/note.txt"),
        client.get(f"{base}/files/export"),
        client.client.post(
            client.url(f"{base}/files"), {"fileContent": SimpleUploadedFile("f", b"x")}, query_params={"path": "/x"}
        ),
        asked("put", "files", **{"from": "/note.txt", "to": "/x"}),
        asked("delete", "files", path="/note.txt"),
        asked("post", "files/directory", path="/x"),
        client.get(f"{base}/kv/k"),
        client.put(f"{base}/kv/new", "v"),
        client.get(f"{base}/secrets"),
        client.put(f"{base}/secrets", {"key": "B", "value": "x"}),
        client.delete(f"{base}/secrets/K"),
        client.get(f"{base}.sub/inherited-secrets"),
    ):
        assert answer.status_code == 403, (answer.request["PATH_INFO"], answer.content)
        assert "only workers may reach" in answer.json()["message"]
    assert [pair["key"] for pair in client.get(f"{base}/kv").json()] == ["k"], "what the database holds is shown"

    pages = Pages(alice)
    for tab, path in (("files", "files"), ("secrets", "secrets"), ("pair", "kv")):
        shown = pages.get(f"/namespaces/edit/{NS}/{path}", **({"key": "k"} if tab == "pair" else {}))
        assert (shown.status, "only workers may reach" in shown.text) == (200, True), tab
    assert "may not touch dedicated backends" in pages.get(f"/namespaces/edit/{NS}/isolation").text


RESUMED = f"""
id: resumed
namespace: {NS}.sub
tasks:
  - id: hold
    type: io.kestra.plugin.core.flow.Pause
    onResume: [{{id: reason, type: STRING}}]
  - id: branch
    type: io.kestra.plugin.core.flow.If
    condition: "{{{{ secret('K') == 'open' and kv('k') == 'v' and outputs.hold.onResume.reason == 'go' }}}}"
    then:
      - id: child
        type: io.kestra.plugin.core.flow.Subflow
        namespace: {NS}.sub
        flowId: child
        inputs: {{word: "{{{{ secret('K') }}}}"}}
"""
CHILD = f"""
id: child
namespace: {NS}.sub
inputs: [{{id: word, type: STRING}}]
tasks:
  - {{id: fits, type: io.kestra.plugin.core.debug.Return, format: "{{{{ inputs.word | length }}}}"}}
"""
STARTS = f"""
id: starts
namespace: {NS}.sub
tasks:
  - {{id: begin, type: io.kestra.plugin.core.log.Log, message: begins}}
  - id: child
    type: io.kestra.plugin.core.flow.Subflow
    namespace: {NS}.sub
    flowId: child
    inputs: {{word: "{{{{ secret('K') }}}}"}}
  - id: branch
    type: io.kestra.plugin.core.flow.If
    condition: "{{{{ secret('K') == 'open' }}}}"
    then: [{{id: inside, type: io.kestra.plugin.core.log.Log, message: met}}]
"""
FOLLOWER = f"""
id: follower
namespace: {NS}.sub
inputs: [{{id: word, type: STRING}}]
tasks:
  - {{id: fits, type: io.kestra.plugin.core.log.Log, message: "{{{{ inputs.word }}}}"}}
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    inputs: {{word: "{{{{ secret('K') }}}}"}}
    conditions:
      - type: io.kestra.plugin.core.condition.ExecutionFlow
        namespace: {NS}.sub
        flowId: starts
      - type: io.kestra.plugin.core.condition.Expression
        expression: "{{{{ secret('K') == 'open' }}}}"
"""


def serve(group: str) -> None:
    """A worker of the group runs, as far as the database says."""
    register_process(new_id(), "WORKER", group, "test", now())


def test_a_resume_that_needs_a_dedicated_backend_is_finished_by_workers_of_the_flows_group(
    flows: FlowRunner, api: Api, alice: User, tmp_path: Path, settings: Settings
) -> None:
    dedicate(tmp_path, settings)
    create_namespace(
        acting_user=None, namespace=NS, settings=NamespaceSettings(worker_group={"key": "near", "fallback": "WAIT"})
    )
    flows.save(CHILD)
    jobs, ran = flows.jobs, flows.start(RESUMED)
    jobs.run()
    assert ran.state == "PAUSED"
    serve("near")

    settings.PROCESS = "web"
    secret_cache.forget_all()
    answer = api(alice).client.post(api(alice).url(f"/executions/{ran.execution_id}/resume"), {"reason": "go"})
    assert answer.status_code == 204, answer.content
    assert [(job.job, job.queue) for job in jobs.sent] == [("workflows.continue_execution", "worker.near")]
    assert ran.state == "RUNNING"
    assert ran.states == [("hold", "RUNNING")], "what a person did is kept, what follows is put off"

    settings.PROCESS = "worker"
    flows.finish(ran)
    assert ran.states == [("hold", "SUCCESS"), ("branch", "SUCCESS"), ("child", "SUCCESS")]
    assert Execution.objects.get(flow_id="child").state == "SUCCESS"


def test_what_starts_with_a_secret_of_a_dedicated_backend_is_planned_by_a_worker(
    flows: FlowRunner, tmp_path: Path, settings: Settings
) -> None:
    dedicate(tmp_path, settings)
    flows.save(CHILD)
    flows.save(FOLLOWER)
    jobs, ran = flows.jobs, flows.start(STARTS)
    handed: list[str] = []
    deadline = time.monotonic() + 60
    while not Execution.objects.filter(flow_id="follower", state="SUCCESS") and time.monotonic() < deadline:
        for job in jobs.sent:
            # As the processes do: each takes the queues that are its own.
            settings.PROCESS = "executor" if job.queue == "executor" else "worker"
            secret_cache.forget_all()
            handed += [job.job] if job.queue != "executor" else []
            jobs.take(job)
        flows.tick()
    settings.PROCESS = "worker"
    assert ran.states == [("begin", "SUCCESS"), ("child", "SUCCESS"), ("branch", "SUCCESS"), ("inside", "SUCCESS")]
    (follower,) = Execution.objects.filter(flow_id="follower")
    assert follower.inputs["word"] == "open"
    assert {"workflows.start_child", "workflows.tell_triggers"} <= set(handed)


def test_a_step_that_needs_a_dedicated_backend_is_handed_to_a_worker(
    flows: FlowRunner, tmp_path: Path, settings: Settings
) -> None:
    dedicate(tmp_path, settings)
    jobs, ran = flows.jobs, flows.start(FLOW)
    jobs.run()
    secret_cache.forget_all()
    handed: list[SentJob] = []
    settings.PROCESS = "executor"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        flows.tick()
        handed = [job for job in jobs.sent if job.job == "workflows.wake_timers"]
        if handed:
            break
        jobs.run(only=lambda job: job.queue == "executor")
        time.sleep(0.02)  # the clock itself is what is waited for
    assert [job.queue for job in handed] == ["worker.default"]
    assert ran.state == "RUNNING"
    assert "FAILED" not in dict(ran.states).values()

    settings.PROCESS = "worker"
    flows.finish(ran)
    assert ran.states == [("wait", "SUCCESS"), ("branch", "SUCCESS"), ("inside", "SUCCESS")]
    assert ran.run_of("inside").outputs == {"value": "a note"}
