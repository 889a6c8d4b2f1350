"""Polling triggers: a look per interval by a worker, against a real local server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import time_machine

from apps.common.clock import now
from apps.common.ids import new_id
from apps.namespaces.services import NamespaceSettings, create_namespace
from apps.workflows import jobs
from apps.workflows.models import Execution, LogEntry, TriggerEvaluation, TriggerState
from apps.workflows.services.polling import LEASE
from apps.workflows.services.processes import register_process, sign_off
from apps.workflows.services.triggers import switch_trigger
from tests.support.flow_runner import FlowRunner

Clock = time_machine.Traveller


class Service(ThreadingHTTPServer):
    """Answers with what the test says, and counts."""

    answer: dict[str, object]
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.asked += 1
        body = json.dumps(self.server.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(("127.0.0.1", 0), _Handler)
    made.answer = {"ready": False}
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def source(service: Service, more: str = "") -> str:
    return f"""
id: watch
namespace: company.team
tasks:
  - {{id: say, type: io.kestra.plugin.core.debug.Return, format: "{{{{ json(trigger.body).what }}}}"}}
triggers:
  - id: ready
    type: io.kestra.plugin.core.http.Trigger
    uri: http://127.0.0.1:{service.server_port}/
    responseCondition: "{{{{ json(response.body).ready }}}}"
    interval: PT30S
{more}"""


def row() -> TriggerState:
    return TriggerState.objects.get()


def look(flows: FlowRunner, clock: Clock, *, after: int = 0) -> None:
    clock.shift(after)
    flows.tick()
    flows.jobs.run()


def outcomes() -> list[str]:
    return [one.outcome for one in TriggerEvaluation.objects.order_by("id")]


def test_it_looks_each_interval_until_there_is_something(
    flows: FlowRunner, frozen_clock: Clock, service: Service
) -> None:
    flows.save(source(service))
    look(flows, frozen_clock)
    assert (service.asked, outcomes(), row().next_date) == (1, ["NOTHING"], now() + timedelta(seconds=30))
    look(flows, frozen_clock, after=29)
    assert service.asked == 1
    service.answer = {"ready": True, "what": "bread"}
    look(flows, frozen_clock, after=1)
    execution = Execution.objects.get()
    assert execution.state == "SUCCESS"
    assert execution.trigger["variables"]["code"] == 200
    assert outcomes() == ["NOTHING", "STARTED"]
    assert row().execution_id is None
    look(flows, frozen_clock, after=30)
    assert Execution.objects.count() == 2


def test_a_look_that_fails_is_logged_and_it_looks_again(
    flows: FlowRunner, frozen_clock: Clock, service: Service
) -> None:
    flows.save(source(service).replace("json(response.body)", "nothing"))
    look(flows, frozen_clock)
    look(flows, frozen_clock, after=30)
    assert outcomes() == ["FAILED", "FAILED"]
    assert {line.level for line in LogEntry.objects.filter(trigger_id="ready")} >= {5}
    assert service.asked == 2


def test_a_lost_look_is_given_to_another_worker(flows: FlowRunner, frozen_clock: Clock, service: Service) -> None:
    service.answer = {"ready": True, "what": "x"}
    flows.save(source(service))
    flows.tick()
    (lost,) = [job for job in flows.jobs.sent if job.job == "workflows.poll_trigger"]
    flows.jobs.clear()
    look(flows, frozen_clock, after=60)
    assert service.asked == 0
    look(flows, frozen_clock, after=int(LEASE.total_seconds()))
    assert (service.asked, Execution.objects.count()) == (1, 1)
    jobs.poll_trigger.run(*lost.args)
    assert (service.asked, Execution.objects.count()) == (1, 1)


def test_stop_after_and_switching(flows: FlowRunner, frozen_clock: Clock, service: Service) -> None:
    service.answer = {"ready": True, "what": "x"}
    flows.save(source(service, "    stopAfter: [SUCCESS]\n"))
    look(flows, frozen_clock)
    assert row().disabled
    look(flows, frozen_clock, after=60)
    assert service.asked == 1
    switch_trigger(acting_user=None, namespace="company.team", flow_id="watch", trigger_id="ready", disabled=False)
    look(flows, frozen_clock, after=60)
    assert service.asked == 2


@pytest.mark.parametrize(("fallback", "outcome", "lines"), [("FAIL", "FAILED", 1), ("CANCEL", "NOTHING", 0)])
def test_a_look_for_which_no_worker_runs_is_left_out(
    flows: FlowRunner, frozen_clock: Clock, service: Service, fallback: str, outcome: str, lines: int
) -> None:
    group = {"key": "absent", "fallback": fallback}
    create_namespace(acting_user=None, namespace="company", settings=NamespaceSettings(worker_group=group))
    flows.save(source(service))
    look(flows, frozen_clock)
    look(flows, frozen_clock, after=30)
    assert (outcomes(), service.asked) == ([outcome, outcome], 0)
    assert LogEntry.objects.filter(trigger_id="ready").count() == 2 * lines
    process = new_id()
    register_process(process, "WORKER", "absent", "test", now())
    look(flows, frozen_clock, after=30)
    sign_off(process)
    assert (outcomes()[-1], service.asked) == ("NOTHING", 1)
