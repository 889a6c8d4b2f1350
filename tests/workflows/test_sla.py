"""SLAs on real rows: what a broken one does, its labels, and what is found by them."""

import pytest

from apps.common.clock import now
from apps.timers.models import Timer
from apps.workflows.models import Execution
from apps.workflows.services.bulk_executions import kill_with_children
from apps.workflows.services.restarting import restart_execution
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner, Ran
from tests.support.world import person

SLOW = """
id: slow
namespace: company.team
sla:
  - {id: quick, type: MAX_DURATION, duration: PT30S, behavior: FAIL, labels: {sla: missed}}
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""
ASSERTED = """
id: asserted
namespace: company.team
sla:
  - id: wanted
    type: EXECUTION_ASSERTION
    assert: "{{ outputs.value.value == 'good' }}"
    behavior: FAIL
    labels: {ok: "no"}
tasks:
  - {id: value, type: io.kestra.plugin.core.debug.Return, format: bad}
  - {id: after, type: io.kestra.plugin.core.log.Log, message: after}
"""


def break_sla(flows: FlowRunner, ran: Ran) -> None:
    """All that happened to the execution was long ago, and its deadline comes."""
    histories = [{**entry, "date": "2020-01-01T00:00:00.000000Z"} for entry in ran.execution.histories]
    Execution.objects.filter(pk=ran.execution_id).update(histories=histories)
    Timer.objects.filter(kind="sla", key__startswith=ran.execution_id).update(due_at=now())
    flows.tick()
    flows.jobs.run()


def labels_of(row: Execution) -> dict[str, str]:
    return {label["key"]: label["value"] for label in row.labels}


@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED")])
def test_an_execution_that_lasts_too_long_is_ended_and_marked(flows: FlowRunner, behavior: str, state: str) -> None:
    ran = flows.start(SLOW.replace("FAIL", behavior))
    flows.jobs.run()
    break_sla(flows, ran)
    assert (ran.state, ran.states) == (state, [("nap", state)])
    assert labels_of(ran.execution)["sla"] == "missed"
    found = ApiClient(person("alice")).get("/executions/search", labels="sla:missed").json()
    assert [one["id"] for one in found["results"]] == [ran.execution_id], "labels that come later are found too"
    assert not Timer.objects.filter(kind="sla").exists()


def test_one_that_only_marks_lets_it_go_on(flows: FlowRunner) -> None:
    ran = flows.start(SLOW.replace("FAIL", "NONE").replace("PT1H", "PT0.1S"))
    flows.jobs.run()
    break_sla(flows, ran)
    flows.finish(ran)
    assert (ran.state, ran.states) == ("SUCCESS", [("nap", "SUCCESS")])
    assert labels_of(ran.execution)["sla"] == "missed"


def test_an_execution_in_time_is_not_marked(flows: FlowRunner) -> None:
    ran = flows.run(SLOW.replace("PT30S", "PT1H").replace("duration: PT1H}", "duration: PT0.1S}"))
    assert ran.state == "SUCCESS"
    assert "sla" not in labels_of(ran.execution)


@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED"), ("NONE", "SUCCESS")])
def test_a_broken_assertion(flows: FlowRunner, behavior: str, state: str) -> None:
    ran = flows.run(ASSERTED.replace("FAIL", behavior))
    assert ran.state == state
    assert labels_of(ran.execution)["ok"] == "no"
    assert ("after" in dict(ran.states)) == (behavior == "NONE"), "nothing starts in the step that ends it"


def test_an_assertion_that_holds(flows: FlowRunner) -> None:
    ran = flows.run(ASSERTED.replace("format: bad", "format: good"))
    assert ran.state == "SUCCESS"
    assert "ok" not in labels_of(ran.execution)


def test_a_queued_execution_breaks_its_sla_too_and_gives_no_place_back(flows: FlowRunner) -> None:
    source = SLOW + "concurrency: {limit: 1}\n"
    first, second = flows.start(source), flows.start(source)
    flows.jobs.run()
    assert (first.state, second.state) == ("RUNNING", "QUEUED")
    break_sla(flows, second)
    assert (first.state, second.state) == ("RUNNING", "FAILED")
    third = flows.start(source)
    flows.jobs.run()
    assert third.state == "QUEUED"


def test_a_restart_has_its_whole_time_again(flows: FlowRunner) -> None:
    ran = flows.start(SLOW)
    flows.jobs.run()
    break_sla(flows, ran)
    assert ran.state == "FAILED"
    restart_execution(acting_user=None, execution_id=ran.execution_id)
    assert Timer.objects.filter(kind="sla", key__startswith=ran.execution_id).exists()
    flows.jobs.run()
    flows.tick()
    assert ran.state == "RUNNING"
    break_sla(flows, ran)
    assert ran.state == "FAILED"
    assert [entry["state"] for entry in ran.execution.histories].count("FAILED") == 2


def test_a_kill_forgets_the_deadline(flows: FlowRunner) -> None:
    ran = flows.start(SLOW)
    flows.jobs.run()
    kill_with_children(acting_user=None, execution_id=ran.execution_id, cascade=True)
    assert ran.state == "KILLED"
    assert not Timer.objects.filter(kind="sla").exists()
