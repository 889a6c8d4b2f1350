"""The alerts of the release in whole flows: an errors task with errorLogs(), and a flow that follows others."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from apps.secrets.services import save_secret, secret_cache
from apps.workflows.models import Execution
from tests.support.flow_runner import ENDED, FlowRunner, Ran

ERROR_LOGS = """
id: error_logs
namespace: company.team

tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: Something went wrong, make sure to fix it asap!

errors:
  - id: slack
    type: io.kestra.plugin.notifications.slack.SlackIncomingWebhook
    url: "{{ secret('SLACK_WEBHOOK') }}"
    payload: |
      {
        "text": "Failure alert for flow `{{ flow.namespace }}.{{ flow.id }}` with ID `{{ execution.id }}`. Here is a bit more context about why the execution failed: `{{ errorLogs()[0]['message'] }}`"
      }
"""  # noqa: E501
FAILURE_ALERT = """
id: failure_alert
namespace: company.monitoring

tasks:
  - id: send
    type: io.kestra.plugin.slack.SlackExecution
    url: "{{ secret('SLACK_WEBHOOK') }}"
    channel: "#general"
    executionId: "{{ trigger.executionId }}"

triggers:
  - id: listen
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.ExecutionStatusCondition
        in:
          - FAILED
          - WARNING
      - type: io.kestra.plugin.core.condition.ExecutionNamespaceCondition
        namespace: company.analytics
        prefix: true
"""
OWN_ALERT = """
id: own_alert
namespace: company.team
tasks:
  - id: broken
    type: io.kestra.plugin.core.execution.Fail
errors:
  - id: alert
    type: io.kestra.plugin.notifications.slack.SlackExecution
    channel: "#general"
    url: "{{ secret('SLACK_WEBHOOK') }}"
"""
FAILS = "id: fails\nnamespace: company.analytics\ntasks: [{id: load, type: io.kestra.plugin.core.execution.Fail}]\n"


@pytest.fixture
def slack(flows: FlowRunner, settings: Settings) -> Iterator[list[Any]]:
    """What came to a chat whose address is the secret SLACK_WEBHOOK."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    settings.KESTRA_MASTER_KEY = base64.b64encode(b"0" * 32).decode()
    secret_cache.forget_all()
    address = f"http://127.0.0.1:{server.server_port}/services/T0/B0"
    save_secret(acting_user=None, namespace="company", key="SLACK_WEBHOOK", value=address)
    yield seen
    secret_cache.forget_all()
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_errors_task_tells_why_the_execution_failed(flows: FlowRunner, slack: list[Any]) -> None:
    ran = flows.run(ERROR_LOGS)
    assert ran.states == [("fail", "FAILED"), ("slack", "SUCCESS")]
    ((_, text),) = slack[0].items()
    assert text.startswith(f"Failure alert for flow `company.team.error_logs` with ID `{ran.execution_id}`.")
    assert text.endswith("why the execution failed: `Something went wrong, make sure to fix it asap!`")


def test_an_errors_task_tells_of_its_own_execution(flows: FlowRunner, slack: list[Any]) -> None:
    ran = flows.run(OWN_ALERT)
    assert ran.run_of("alert").state == "SUCCESS", ran.logs()
    (message,) = slack
    assert message["channel"] == "#general"
    assert "company.team.own_alert Failed on task `broken` after " in message["text"]
    link = message["blocks"][0]["accessory"]["url"]
    assert link.endswith(f"/ui/alpha/executions/company.team/own_alert/{ran.execution_id}")


def test_a_flow_that_follows_others_tells_of_them(flows: FlowRunner, slack: list[Any]) -> None:
    flows.save(FAILURE_ALERT)
    failed = flows.run(FAILS)
    (alert,) = Execution.objects.filter(flow_id="failure_alert")
    flows.finish(Ran(str(alert.pk)))
    assert Ran(str(alert.pk)).state in ENDED
    (message,) = slack
    fields = {field["title"]: field["value"] for field in message["attachments"][0]["fields"]}
    assert fields["Execution ID"] == failed.execution_id
    assert fields["Execution Status"] == "FAILED"
    assert "Failed on task `load`" in message["text"]
