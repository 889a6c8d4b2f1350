"""What triggers, subflows and retries would start beyond a quota is not started, and that is said; nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from apps.common.clock import now
from apps.common.errors import TooManyRequests
from apps.tenants.models import Tenant
from apps.tenants.selectors import forget_tenant
from apps.workflows.models import Execution, LogEntry, TriggerEvaluation, TriggerState
from apps.workflows.services.restarting import replay_execution
from apps.workflows.services.schedules import evaluate_due
from apps.workflows.services.webhooks import WebhookCall, call_webhook
from tests.support.flow_runner import FlowRunner
from tests.support.world import ALPHA
from tests.workflows.test_steps import make_all_timers_due

Clock = time_machine.Traveller
LOG = "tasks:\n  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hello}}\n"
FLOW = "id: {name}\nnamespace: company.team\n" + LOG
SCHEDULE = "triggers:\n  - {id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '*/10 * * * *'}\n"
FOLLOW = """\
triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.Flow
    preconditions: {id: one, flows: [{namespace: company.team, flowId: first}]}
"""
HOOK = "triggers:\n  - {id: t, type: io.kestra.plugin.core.trigger.Webhook, key: s3cret}\n"
PARENT = """\
id: parent
namespace: company.team
tasks:
  - {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: child}
"""
RETRIED = """\
id: retried
namespace: company.team
retry: {behavior: CREATE_NEW_EXECUTION, type: constant, interval: PT1S, maxAttempt: 3}
tasks:
  - {id: no, type: io.kestra.plugin.core.execution.Fail}
"""


def allow(**quotas: int) -> None:
    Tenant.objects.filter(pk=ALPHA).update(quotas=quotas)
    forget_tenant(ALPHA)


@pytest.fixture(autouse=True)
def _no_limit_afterwards(flows: FlowRunner) -> Iterator[None]:
    yield
    allow()


def outcomes() -> list[str]:
    return [one.outcome for one in TriggerEvaluation.objects.order_by("id")]


def messages() -> list[str]:
    return [line.message for line in LogEntry.objects.filter(trigger_id="t")]


@pytest.mark.parametrize("quota", ["executionsPerDay", "concurrentExecutions"])
def test_of_schedules_that_are_due_together_as_many_start_as_there_is_room(
    flows: FlowRunner, frozen_clock: Clock, quota: str
) -> None:
    for number in range(3):
        flows.save(FLOW.format(name=f"timed-{number}") + SCHEDULE)
    allow(**{quota: 2})
    frozen_clock.shift(timedelta(minutes=10))
    evaluate_due([str(row.pk) for row in TriggerState.objects.order_by("pk")])
    assert outcomes() == ["STARTED", "STARTED", "QUOTA"]
    assert Execution.objects.count() == 2
    (line,) = messages()
    assert line.startswith("Not started: This tenant may have 2 executions ")
    refused = TriggerState.objects.order_by("pk").last()
    assert refused is not None
    assert (refused.execution_id, refused.next_date) == (None, now() + timedelta(minutes=10)), (
        "it goes on with the next"
    )
    allow()
    flows.jobs.run()
    frozen_clock.shift(timedelta(minutes=10))
    evaluate_due([str(refused.pk)])
    assert outcomes()[-1] == "STARTED"
    assert Execution.objects.count() == 3, "the date that was refused is not made up for"


def test_a_flow_that_ends_starts_no_other_beyond_the_quota(flows: FlowRunner) -> None:
    flows.save(FLOW.format(name="second") + FOLLOW)
    allow(executionsPerDay=1)
    ran = flows.run(FLOW.format(name="first"))
    assert ran.state == "SUCCESS"
    assert Execution.objects.count() == 1
    assert outcomes() == ["QUOTA"]
    assert messages()[0].startswith(f"Not started after {ran.execution.id}: This tenant may have 1 executions a day")


def test_a_webhook_and_a_replay_are_told(flows: FlowRunner) -> None:
    ran = flows.run(FLOW.format(name="hook") + HOOK)
    allow(executionsPerDay=1)
    with pytest.raises(TooManyRequests, match="may have 1 executions a day"):
        call_webhook(namespace="company.team", flow_id="hook", call=WebhookCall("s3cret", None, {}, {}))
    with pytest.raises(TooManyRequests, match="may have 1 executions a day"):
        replay_execution(acting_user=None, execution_id=ran.execution.id)
    assert Execution.objects.count() == 1


def test_a_subflow_beyond_the_quota_fails_its_task_with_the_reason(flows: FlowRunner) -> None:
    flows.save(FLOW.format(name="child"))
    allow(executionsPerDay=1)
    ran = flows.run(PARENT)
    assert ran.states == [("sub", "FAILED")]
    assert any("may have 1 executions a day" in line for line in ran.logs())


def test_the_next_try_of_a_retry_is_a_line_in_the_log_of_the_one_before(flows: FlowRunner) -> None:
    allow(executionsPerDay=1)
    ran = flows.run(RETRIED)
    make_all_timers_due()
    flows.tick()
    flows.jobs.run()
    assert ran.state == "RETRIED"
    assert Execution.objects.count() == 1
    said = [line.message for line in LogEntry.objects.filter(execution_id=ran.execution.id)]
    assert any(line.startswith("The next try is not started: This tenant may have 1") for line in said), said
