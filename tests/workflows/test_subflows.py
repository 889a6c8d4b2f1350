"""Executions that start executions: subflows, batches, kills that reach them or not, retries as new executions."""

from typing import Any

import pytest

from apps.common.clock import now
from apps.storage.internal_storage import default_backend
from apps.timers.models import Timer
from apps.workflows.engine.commands import StartExecution
from apps.workflows.models import Execution
from apps.workflows.services.bulk_executions import kill_with_children
from apps.workflows.services.flows import update_flow
from apps.workflows.services.subflows import create_child
from tests.support.flow_runner import FlowRunner, Ran
from tests.workflows.test_steps import make_all_timers_due

CHILD = """
id: child
namespace: company.team
labels: {kind: child}
inputs:
  - {id: who, type: STRING}
  - {id: times, type: INT, defaults: 1}
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.who }} {{ inputs.times }}"}
outputs:
  - {id: said, type: STRING, value: "{{ outputs.say.value }}"}
"""
PARENT = """
id: parent
namespace: company.team
labels: {kind: parent, own: "yes"}
tasks:
  - id: sub
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: child
    inputs: {who: "{{ flow.id }}", times: "3"}
    labels: {given: "{{ task.id }}"}
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.sub.outputs.said }}"}
"""
SLEEPING = """
id: child
namespace: company.team
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""
SIMPLE_PARENT = """
id: parent
namespace: company.team
tasks:
  - {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: child}
"""


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Any) -> Any:
    settings.KESTRA_STORAGE_TYPE = "local"
    settings.KESTRA_STORAGE_CONFIGURATION = {"basePath": str(tmp_path / "storage")}
    default_backend.cache_clear()
    yield
    default_backend.cache_clear()


def children_of(ran: Ran) -> list[Execution]:
    return list(Execution.objects.filter(parent_execution_id=ran.execution_id).order_by("batch", "start_date"))


def labels_of(row: Execution) -> dict[str, str]:
    return {label["key"]: label["value"] for label in row.labels}


def test_a_subflow_gets_inputs_labels_and_trigger_and_gives_its_outputs(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.run(PARENT, labels=[("env", "prod")])
    assert ran.states == [("sub", "SUCCESS"), ("after", "SUCCESS")]
    (child,) = children_of(ran)
    assert child.state == "SUCCESS"
    assert child.inputs == {"who": "parent", "times": 3}
    assert labels_of(child) == {"kind": "child", "system.correlationId": ran.execution_id, "given": "sub"}
    assert child.trigger == {
        "id": "sub",
        "type": "io.kestra.plugin.core.flow.Subflow",
        "variables": {
            "executionId": ran.execution_id,
            "namespace": "company.team",
            "flowId": "parent",
            "flowRevision": 1,
        },
    }
    sub = ran.run_of("sub")
    assert sub.outputs == {"executionId": child.pk, "state": "SUCCESS", "outputs": {"said": "parent 3"}}
    assert len(sub.attempts) == 1
    assert ran.run_of("after").outputs == {"value": "parent 3"}
    (line,) = ran.logs("sub")
    assert child.pk in line


def test_labels_are_inherited_when_asked_and_the_correlation_always(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.run(
        PARENT.replace("    labels: {given", "    inheritLabels: true\n    labels: {given"),
        labels=[("env", "prod"), ("system.correlationId", "order-7")],
    )
    (child,) = children_of(ran)
    assert labels_of(child) == {
        "kind": "parent",
        "own": "yes",
        "env": "prod",
        "system.correlationId": "order-7",
        "given": "sub",
    }
    assert child.correlation == "order-7"


@pytest.mark.parametrize(
    ("child", "message"),
    [
        (None, "Unable to find flow 'company.team'.'child'"),
        (CHILD + "disabled: true\n", "Cannot execute a flow which is disabled"),
        (CHILD.replace("type: STRING}\n  - {id: times", "type: DATE}\n  - {id: times"), "Invalid input for `who`"),
    ],
)
def test_a_subflow_that_cannot_start_fails_its_task(flows: FlowRunner, child: str | None, message: str) -> None:
    if child is not None:
        flows.save(child)
    ran = flows.run(PARENT)
    assert ran.states == [("sub", "FAILED")]
    assert ran.state == "FAILED"
    assert any(message in line for line in ran.logs("sub")), ran.logs("sub")
    assert children_of(ran) == []


def test_outputs_of_the_task_are_read_in_the_child_and_kept_known_when_they_fail(flows: FlowRunner) -> None:
    flows.save(CHILD[: CHILD.index("outputs:")])
    taken = '    outputs: {extracted: "{{ outputs.say.value }}"}\n'
    ran = flows.run(PARENT.replace("    labels: {given", taken + "    labels: {given").replace("said", "extracted"))
    assert ran.run_of("sub").outputs["outputs"] == {"extracted": "parent 3"}
    wrong = taken.replace("say", "nothing")
    ran = flows.run(PARENT.replace("    labels: {given", wrong + "    labels: {given"))
    (child,) = children_of(ran)
    assert (ran.state, child.state) == ("FAILED", "SUCCESS")
    assert ran.run_of("sub").outputs["executionId"] == child.pk


def test_a_failure_is_passed_up_unless_told_otherwise(flows: FlowRunner) -> None:
    flows.save("id: child\nnamespace: company.team\ntasks:\n  - {id: no, type: io.kestra.plugin.core.execution.Fail}\n")
    ran = flows.run(SIMPLE_PARENT)
    assert (ran.state, ran.states) == ("FAILED", [("sub", "FAILED")])
    ran = flows.run(SIMPLE_PARENT.replace("flowId: child", "flowId: child, transmitFailed: false"))
    assert (ran.state, ran.states) == ("SUCCESS", [("sub", "SUCCESS")])
    assert ran.run_of("sub").outputs["state"] == "FAILED"


def test_a_subflow_nobody_waits_for_goes_on_by_itself(flows: FlowRunner) -> None:
    flows.save(SLEEPING)
    ran = flows.run(SIMPLE_PARENT.replace("flowId: child", "flowId: child, wait: false"))
    (child,) = children_of(ran)
    assert (ran.state, child.state) == ("SUCCESS", "RUNNING")
    assert ran.run_of("sub").outputs == {"executionId": child.pk}


def test_a_subflow_whose_start_was_lost_is_asked_for_again_and_starts_once(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.start(PARENT)
    flows.jobs.run(only=lambda job: job.job != "workflows.start_child")
    flows.jobs.clear()
    assert children_of(ran) == []
    make_all_timers_due()
    flows.tick()
    (asked,) = [job for job in flows.jobs.sent if job.job == "workflows.start_child"]
    execution_id, run_id, child_id, token, batch = asked.args
    for _ in range(3):
        create_child(execution_id, run_id, child_id=child_id, token=token, batch=batch)
    flows.finish(ran)
    assert ran.state == "SUCCESS"
    assert len(children_of(ran)) == 1
    assert len(ran.logs("sub")) == 1, "one start is told of"


def test_the_end_of_a_subflow_that_nobody_announced_is_found(flows: FlowRunner) -> None:
    flows.save(CHILD)
    ran = flows.start(PARENT)
    flows.jobs.run(only=lambda job: job.job != "workflows.announce_end")
    flows.jobs.clear()
    assert ran.state == "RUNNING"
    make_all_timers_due()
    flows.tick()
    flows.finish(ran)
    assert ran.state == "SUCCESS"


def test_a_start_for_another_try_changes_nothing(flows: FlowRunner) -> None:
    flows.save(SLEEPING)
    ran = flows.start(SIMPLE_PARENT)
    flows.jobs.run()
    run = ran.run_of("sub")
    stale = StartExecution(run.id, "0" * 22, "~" + "0" * 22)
    create_child(ran.execution_id, run.id, child_id=stale.child_id, token=stale.token, batch=None)
    assert len(children_of(ran)) == 1


# Kills


def test_a_kill_reaches_subflows_of_subflows(flows: FlowRunner) -> None:
    flows.save(SLEEPING)
    flows.save(SIMPLE_PARENT)
    top = SIMPLE_PARENT.replace("id: parent", "id: top").replace("flowId: child", "flowId: parent")
    ran = flows.start(top)
    flows.jobs.run()
    kill_with_children(acting_user=None, execution_id=ran.execution_id, cascade=True)
    flows.jobs.run()
    assert set(Execution.objects.values_list("flow_id", "state")) == {
        ("top", "KILLED"),
        ("parent", "KILLED"),
        ("child", "KILLED"),
    }


def test_a_kill_without_cascade_leaves_the_subflow_alone_for_good(flows: FlowRunner) -> None:
    flows.save(SLEEPING)
    ran = flows.start(SIMPLE_PARENT)
    flows.jobs.run()
    kill_with_children(acting_user=None, execution_id=ran.execution_id, cascade=False)
    flows.jobs.run()
    make_watch_due(ran)
    flows.tick()
    flows.jobs.run()
    (child,) = children_of(ran)
    assert (ran.state, child.state) == ("KILLED", "RUNNING")


def test_a_kill_order_for_a_subflow_that_was_lost_is_given_again(flows: FlowRunner) -> None:
    flows.save(SLEEPING)
    ran = flows.start(SIMPLE_PARENT)
    flows.jobs.run()
    kill_with_children(acting_user=None, execution_id=ran.execution_id, cascade=False)
    # As if it had been killed with its subflow, and the message got lost.
    Execution.objects.filter(parent_execution_id=ran.execution_id).update(told=False)
    flows.jobs.clear()
    make_watch_due(ran)
    flows.tick()
    flows.jobs.run()
    (child,) = children_of(ran)
    assert child.state == "KILLED"


def make_watch_due(ran: Ran) -> None:
    assert Timer.objects.filter(kind="watch", key=ran.execution_id).update(due_at=now()) == 1


# Retries


def test_a_retry_as_a_new_execution_starts_from_scratch_and_counts(flows: FlowRunner) -> None:
    ran = flows.run(
        """
id: again
namespace: company.team
inputs:
  - {id: who, type: STRING, defaults: world}
retry: {type: constant, interval: PT0.05S, maxAttempt: 3, behavior: CREATE_NEW_EXECUTION}
tasks:
  - {id: no, type: io.kestra.plugin.core.execution.Fail}
""",
        labels=[("env", "prod")],
    )
    assert ran.state == "RETRIED"
    for _ in range(200):
        if Execution.objects.filter(state="FAILED").exists():
            break
        flows.tick()
        flows.jobs.run()
    rows = list(Execution.objects.order_by("start_date"))
    assert [row.state for row in rows] == ["RETRIED", "RETRIED", "FAILED"]
    assert [row.attempt_number for row in rows] == [1, 2, 3]
    assert [row.parent_id for row in rows] == [None, rows[0].pk, rows[1].pk]
    assert {row.original_id for row in rows} == {ran.execution_id}
    assert {row.original_created for row in rows} == {rows[0].start_date}
    assert all(row.inputs == {"who": "world"} and labels_of(row)["env"] == "prod" for row in rows)


def test_a_flow_that_was_changed_meanwhile_is_retried_as_it_was(flows: FlowRunner) -> None:
    source = """
id: again
namespace: company.team
retry: {type: constant, interval: PT0.05S, maxAttempt: 2, behavior: CREATE_NEW_EXECUTION}
tasks:
  - {id: no, type: io.kestra.plugin.core.execution.Fail}
"""
    ran = flows.run(source)
    update_flow(acting_user=None, namespace="company.team", flow_id="again", source=source + "  \ndescription: new\n")
    make_all_timers_due()
    flows.tick()
    flows.jobs.run()
    (fresh,) = Execution.objects.filter(parent_id=ran.execution_id)
    assert (fresh.flow_revision, fresh.state) == (1, "FAILED")
