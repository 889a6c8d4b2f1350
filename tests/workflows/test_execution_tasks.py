"""Tasks that reach other executions: Count, PurgeExecutions, PurgeLogs, Resume, ForEachItem; and secrets in outputs."""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.common.clock import now
from apps.common.ids import to_uuid
from apps.storage.internal_storage import execution_address, open_storage
from apps.workflows.engine.events import Created
from apps.workflows.models import Execution, LogEntry, MetricEntry, TaskRun
from apps.workflows.services.advance import advance_execution
from tests.support.flow_runner import FlowRunner, Ran

TALKER = """
id: talker
namespace: company.team
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: [one, two]}
  - {id: count, type: io.kestra.plugin.core.metric.Publish, metrics: [{type: counter, name: n, value: 1}]}
  - {id: keep, type: io.kestra.plugin.core.storage.LocalFiles, inputs: {a.txt: x, b.txt: y}, outputs: ["*"]}
"""
SOON = "{{ now() | dateAdd(1, 'MINUTES') }}"


def purger(more: str = "", namespace: str = "company", kind: str = "execution.PurgeExecutions") -> str:
    return f"""
id: purger
namespace: company.admin
tasks:
  - id: purge
    type: io.kestra.plugin.core.{kind}
    namespace: {namespace}
    endDate: "{SOON}"
{more}
"""


def files_of(ran: Ran) -> list[str]:
    folder = execution_address("company.team", "talker", ran.execution_id)
    return [item.path for item in open_storage().list(folder, recursive=True)]


def rows_of(ran: Ran) -> tuple[int, int, int, int]:
    """How many rows of the execution, its task runs, log and metrics there are."""
    held = (TaskRun, LogEntry, MetricEntry)
    executions = Execution.objects.filter(pk=ran.execution_id).count()
    counts = [model.objects.filter(execution_id=ran.execution_id).count() for model in held]
    return executions, counts[0], counts[1], counts[2]


def test_purging_deletes_what_has_ended_with_all_that_belongs_to_it(flows: FlowRunner) -> None:
    old = [flows.run(TALKER) for _ in range(2)]
    other = flows.run(TALKER.replace("company.team", "companyx"))
    running = flows.start(TALKER)
    advance_execution(running.execution_id, Created())
    flows.jobs.clear()
    ran = flows.start(purger())
    flows.jobs.run()
    outputs = ran.run_of("purge").outputs
    assert outputs == {"executionsCount": 2, "logsCount": 4, "metricsCount": 2, "storagesCount": 4}
    assert [rows_of(one) for one in old] == [(0, 0, 0, 0)] * 2
    assert [files_of(one) for one in old] == [[], []]
    assert rows_of(other)[0] == 1, "a namespace that only begins alike is another one"
    assert rows_of(running)[0] == 1, "what runs is left alone"
    entry = AuditEntry.objects.filter(resource="Execution", type="DELETE").get()
    assert (entry.namespace, entry.detail["executions"]) == ("company", 2)


def test_only_what_is_asked_for_is_purged(flows: FlowRunner) -> None:
    old = flows.run(TALKER)
    more = "    purgeExecution: false\n    purgeStorage: false\n    flowId: talker\n"
    ran = flows.run(purger(more, namespace="company.team"))
    assert ran.run_of("purge").outputs == {
        "executionsCount": 0,
        "logsCount": 2,
        "metricsCount": 1,
        "storagesCount": 0,
    }
    assert rows_of(old) == (1, 3, 0, 0)
    assert len(files_of(old)) == 2


@pytest.mark.parametrize("more", ["    states: [FAILED]\n", '    startDate: "{{ now() }}"\n', "    flowId: nothing\n"])
def test_what_is_not_meant_is_not_purged(flows: FlowRunner, more: str) -> None:
    old = flows.run(TALKER)
    ran = flows.run(purger(more, namespace="company.team"))
    assert ran.run_of("purge").outputs["executionsCount"] == 0
    assert rows_of(old)[0] == 1


def test_more_than_a_slice_is_purged(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.workflows.services.purging.SLICE", 2)
    for _ in range(5):
        flows.run(TALKER)
    ran = flows.run(purger("    purgeExecution: false\n", namespace="company.team"))
    assert ran.run_of("purge").outputs["logsCount"] == 10
    again = flows.run(purger(namespace="company.team"))
    assert again.run_of("purge").outputs["executionsCount"] == 5


def test_an_ended_subflow_whose_parent_was_not_told_is_left(flows: FlowRunner) -> None:
    old = flows.run(TALKER)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE execution SET parent_run_id = id, told = false WHERE id = %s", [to_uuid(old.execution_id)]
        )
    ran = flows.run(purger(namespace="company.team"))
    assert ran.run_of("purge").outputs["executionsCount"] == 0


def test_logs_are_purged_by_level_and_date(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.workflows.services.purging.LINES", 1)
    old = flows.run(TALKER)
    kept = flows.run(TALKER)
    LogEntry.objects.filter(execution_id=old.execution_id).update(ts=now() - timedelta(days=2))
    more = "    startDate: \"{{ now() | dateAdd(-3, 'DAYS') }}\"\n"
    some = purger(more, kind="log.PurgeLogs").replace(SOON, "{{ now() | dateAdd(-1, 'DAYS') }}")
    assert flows.run(some).run_of("purge").outputs == {"count": 2}
    assert (rows_of(old)[2], rows_of(kept)[2]) == (0, 2)
    more = "    logLevels: [ERROR]\n"
    assert flows.run(purger(more, kind="log.PurgeLogs")).run_of("purge").outputs == {"count": 0}


@pytest.mark.parametrize("days", [0, 1, 40])
def test_lines_of_every_hour_of_the_period_are_purged_and_no_other(flows: FlowRunner, days: int) -> None:
    old = flows.run(TALKER)
    lines = list(LogEntry.objects.filter(execution_id=old.execution_id).order_by("id"))
    first = now() - timedelta(days=days, hours=1)
    # The line that was stored last is the oldest.
    for line, moment in zip(lines, (first, first - timedelta(hours=5)), strict=True):
        LogEntry.objects.filter(pk=line.pk).update(ts=moment)
    late = f'"{(first - timedelta(hours=5)).isoformat()}"'
    until = purger(kind="log.PurgeLogs").replace(f'"{SOON}"', late)
    assert flows.run(until).run_of("purge").outputs == {"count": 1}, "the last moment belongs to it"
    assert flows.run(purger(kind="log.PurgeLogs")).run_of("purge").outputs == {"count": 1}


def counter(body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"""
id: counter
namespace: company.admin
tasks:
  - id: count
    type: io.kestra.core.tasks.executions.Counts
    startDate: "{{{{ now() | dateAdd(-1, 'DAYS') }}}}"
{lines}"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("namespaces: [company.team]\nexpression: '{{ count > 0 }}'", {"talker": 2}),
        ("namespaces: [company]\nexpression: '{{ true }}'", {}),
        ("flows: [{namespace: company.team, flowId: talker}]\nexpression: '{{ count == 2 }}'", {"talker": 2}),
        ("flows: [{namespace: company.team, flowId: talker}]\nexpression: '{{ count == 3 }}'", {}),
        ("flows: [{namespace: company.team, flowId: silent}]\nexpression: '{{ count == 0 }}'", {"silent": 0}),
        ("namespaces: [company.team]\nexpression: 'true'\nstates: [FAILED]", {}),
        ("namespaces: [company.team]\nexpression: 'true'\nendDate: \"{{ now() | dateAdd(-1, 'HOURS') }}\"", {}),
    ],
)
def test_executions_are_counted(flows: FlowRunner, body: str, expected: dict[str, int]) -> None:
    for _ in range(2):
        flows.run(TALKER)
    outputs = flows.run(counter(body)).run_of("count").outputs
    assert {result["flowId"]: result["count"] for result in outputs["results"]} == expected
    assert outputs["total"] == sum(expected.values())


@pytest.mark.parametrize(
    ("date", "message"), [("yesterday", "write it as in 2025-01-31T10:15:00Z"), ("2025-01-31T10:15:00", "has no zone")]
)
def test_a_date_that_is_none_is_told(flows: FlowRunner, date: str, message: str) -> None:
    ran = flows.run(counter("namespaces: [a]\nexpression: 'true'").replace("{{ now() | dateAdd(-1, 'DAYS') }}", date))
    assert ran.state == "FAILED"
    assert message in ran.logs("count")[0]


PAUSED = """
id: paused
namespace: company.team
tasks:
  - id: ask
    type: io.kestra.plugin.core.flow.Pause
    onResume: [{id: approved, type: BOOLEAN}]
"""


def resumer(execution_id: str, more: str = "") -> str:
    return f"""
id: resumer
namespace: company.admin
tasks:
  - id: resume
    type: io.kestra.plugin.core.execution.Resume
    executionId: "{execution_id}"
{more}
"""


def test_a_task_resumes_another_execution(flows: FlowRunner) -> None:
    paused = flows.start(PAUSED)
    flows.jobs.run()
    assert paused.state == "PAUSED"
    missing = flows.run(resumer(paused.execution_id))
    assert (missing.state, paused.state) == ("FAILED", "PAUSED")
    assert "missing required input" in missing.logs("resume")[0]
    wrong = "    namespace: company.team\n    flowId: other\n"
    assert "No execution found" in flows.run(resumer(paused.execution_id, wrong)).logs("resume")[0]
    more = '    inputs: {approved: "{{ true }}"}\n    namespace: company.team\n    flowId: paused\n'
    assert flows.run(resumer(paused.execution_id, more)).state == "SUCCESS"
    flows.finish(paused)
    assert paused.run_of("ask").outputs == {"onResume": {"approved": True}}
    late = flows.run(resumer(paused.execution_id, more))
    assert (late.state, late.logs("resume")) == ("FAILED", ["The execution is not paused"])


CHILD = """
id: child
namespace: company.team
inputs:
  - {id: batch, type: STRING}
  - {id: number, type: INT}
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.number }} {{ read(inputs.batch) | trim }}"}
  - {id: maybe, type: io.kestra.plugin.core.execution.Fail, condition: "{{ read(inputs.batch) contains 'bad' }}"}
outputs:
  - {id: said, type: STRING, value: "{{ outputs.say.value }}"}
"""


def items_flow(content: str, more: str = "") -> str:
    return f"""
id: items
namespace: company.team
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.ForEach
    values: [v, w]
    concurrencyLimit: 0
    tasks:
      - {{id: file, type: io.kestra.plugin.core.storage.LocalFiles, inputs: {{a.txt: "{content}"}}, outputs: ["*"]}}
      - id: each
        type: io.kestra.plugin.core.flow.ForEachItem
        items: "{{{{ outputs.file[parent.taskrun.value].uris['a.txt'] }}}}"
        batch: {{rows: 2}}
        namespace: company.team
        flowId: child
        inputs: {{batch: "{{{{ taskrun.items }}}}", number: "{{{{ taskrun.iteration }}}}"}}
{more}
  - id: merged
    type: io.kestra.plugin.core.output.OutputValues
    values: {{v: "{{{{ read(outputs.each_merge.v.subflowOutputs) }}}}"}}
"""


def test_each_batch_of_a_file_is_an_execution_also_inside_a_loop(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.run(items_flow(r"a\nb\nc\n"))
    assert ran.state == "SUCCESS", ran.logs()
    items = [run for run in ran.runs if run.task_id == "each_items"]
    for run in items:
        assert run.outputs == {
            "numberOfBatches": 2,
            "iterations": {"CREATED": 0, "RUNNING": 0, "SUCCESS": 2},
            "subflowOutputsBaseUri": f"/company/team/items/executions/{ran.execution_id}/tasks/each-items/{run.id}",
        }
    second = open_storage().read(f"kestra://{items[0].outputs['subflowOutputsBaseUri']}/2/outputs.ion")
    assert second == b'{said:"2 c"}\n'
    assert ran.run_of("merged").outputs["values"]["v"] == '{said:"1 a\\nb"}\n{said:"2 c"}\n'
    assert Execution.objects.filter(flow_id="child").count() == 4


def test_a_failed_batch_fails_the_task_and_nothing_is_merged(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.run(items_flow(r"a\nb\nbad\n"))
    assert ran.state == "FAILED"
    states = {run.task_id: run.state for run in ran.runs}
    assert (states["each"], states["each_split"], states["each_items"]) == ("FAILED", "SUCCESS", "FAILED")
    assert "each_merge" not in states
    items = next(run.outputs for run in ran.runs if run.task_id == "each_items")
    assert items["iterations"] == {"CREATED": 0, "RUNNING": 0, "SUCCESS": 1, "FAILED": 1}


def test_a_failed_batch_need_not_fail_the_task(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.run(items_flow(r"a\nb\nbad\n", "        transmitFailed: false\n"))
    assert ran.state == "SUCCESS"
    assert ran.run_of("merged").outputs["values"]["v"] == '{said:"1 a\\nb"}\n{said:"2 bad"}\n'


def test_a_file_without_lines_starts_nothing(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.run(items_flow("").replace("[v, w]", "[v]").replace("read(outputs.each_merge.v.subflowOutputs)", "1"))
    assert ran.state == "SUCCESS"
    assert [(run.task_id, run.state) for run in ran.runs if run.task_id.startswith("each")] == [
        ("each", "SUCCESS"),
        ("each_split", "SUCCESS"),
        ("each_items", "SUCCESS"),
        ("each_merge", "SUCCESS"),
    ]
    assert ran.run_of("each_split").outputs["numberOfBatches"] == 0
    assert ran.run_of("each_items").outputs is None
    assert not Execution.objects.filter(flow_id="child").exists()


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers a secret to every GET."""

    def do_GET(self) -> None:
        body = b"top secret answer"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def web_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_encrypted_body_is_read_in_clear_and_never_stored_or_logged_so(
    flows: FlowRunner, web_server: str, settings: Any
) -> None:
    settings.KESTRA_MASTER_KEY = base64.b64encode(b"0" * 32).decode()
    ran = flows.run(f"""
id: encrypted
namespace: company.team
tasks:
  - {{id: ask, type: io.kestra.plugin.core.http.Request, uri: "{web_server}", encryptBody: true}}
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: "got {{{{ outputs.ask.encryptedBody }}}}"}}
  - {{id: size, type: io.kestra.plugin.core.debug.Return, format: "{{{{ outputs.ask.encryptedBody | length }}}}"}}
""")
    outputs = ran.run_of("ask").outputs
    assert outputs["body"] is None
    assert outputs["encryptedBody"]["type"] == "io.kestra.datatype:aes_encrypted"
    assert "secret" not in str(outputs)
    assert ran.run_of("size").outputs == {"value": str(len("top secret answer"))}
    assert ran.logs("say") == ["got ********"]
