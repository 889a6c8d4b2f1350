"""Flow triggers: the release's two examples, windows, legacy conditions, outputs, chains, and doubled news."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from apps.namespaces.services import NamespaceSettings, create_namespace
from apps.timers.models import Timer
from apps.workflows.execution_store.news import NEWS_TIMER
from apps.workflows.models import Execution, LogEntry, TriggerEvaluation, TriggerState, TriggerWindow
from apps.workflows.plugin_api.state import State
from apps.workflows.services.execution_changes import change_execution_status
from apps.workflows.services.executions import StartRequest, create_execution, kill_execution
from apps.workflows.services.flow_checks import check_flows
from apps.workflows.services.flow_triggers import tell_triggers
from apps.workflows.services.restarting import change_task_run_state, restart_execution
from apps.workflows.services.trigger_chains import LONGEST_CHAIN
from tests.support.flow_runner import FlowRunner, Ran

Clock = time_machine.Traveller
SILVER = """
id: silver_layer
namespace: company.team
tasks:
  - {id: transform, type: io.kestra.plugin.core.log.Log, message: "after {{ trigger.executionId }} {{ trigger.state }}"}
triggers:
  - id: after_bronze
    type: io.kestra.plugin.core.trigger.Flow
    preconditions:
      id: bronze_layer
      timeWindow:
        type: DAILY_TIME_DEADLINE
        deadline: "09:00:00"
      flows:
        - namespace: company.team
          flowId: bronze_layer
          states: [SUCCESS]
"""
ALERT = """
id: alert
namespace: system
tasks:
  - id: tell
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.namespace }}.{{ trigger.flowId }} {{ trigger.state }}"
triggers:
  - id: on_failure
    type: io.kestra.plugin.core.trigger.Flow
    states: [FAILED, WARNING]
    preconditions:
      id: company
      where:
        - id: namespace
          filters:
            - {field: NAMESPACE, type: STARTS_WITH, value: company}
"""


def flow(flow_id: str, *, namespace: str = "company.team", fail: bool = False, more: str = "") -> str:
    task = "execution.Fail, errorMessage: no" if fail else "log.Log, message: yes"
    return f"id: {flow_id}\nnamespace: {namespace}\n{more}tasks:\n  - {{id: do, type: io.kestra.plugin.core.{task}}}\n"


def listener(body: str, *, flow_id: str = "listener", inputs: str = "") -> str:
    return (
        flow(flow_id, more=inputs) + f"triggers:\n  - id: follow\n    type: io.kestra.plugin.core.trigger.Flow\n{body}"
    )


def run(flows: FlowRunner, source: str) -> str:
    """Save a flow, run it and all that follows; the execution's id."""
    ran = flows.start(source)
    flows.jobs.run()
    return ran.execution_id


def again(flows: FlowRunner, flow_id: str) -> str:
    started = create_execution(acting_user=None, request=StartRequest("company.team", flow_id))
    flows.jobs.run()
    return started.execution_id


def of(flow_id: str) -> list[Execution]:
    return list(Execution.objects.filter(flow_id=flow_id).order_by("start_date", "id"))


def sources(flow_id: str) -> list[str]:
    """Executions that the flow's executions followed, in the order of their ids: the clock stands still."""
    return sorted(execution.trigger["variables"]["executionId"] for execution in of(flow_id))


def outcomes() -> list[str]:
    return [one.outcome for one in TriggerEvaluation.objects.order_by("id")]


def test_the_silver_layer_follows_the_bronze_one_until_nine(flows: FlowRunner, frozen_clock: Clock) -> None:
    frozen_clock.move_to(datetime(2026, 1, 15, 8, 30, tzinfo=UTC))
    flows.save(SILVER)
    run(flows, flow("bronze_layer", fail=True))
    assert of("silver_layer") == []
    first = run(flows, flow("bronze_layer"))
    second = again(flows, "bronze_layer")
    assert sources("silver_layer") == sorted([first, second]), "each success resets what was gathered"
    (held,) = [one for one in of("silver_layer") if one.trigger["variables"]["executionId"] == first]
    assert held.state == "SUCCESS"
    assert held.trigger == {
        "id": "after_bronze",
        "type": "io.kestra.plugin.core.trigger.Flow",
        "variables": {
            "executionId": first,
            "namespace": "company.team",
            "flowId": "bronze_layer",
            "flowRevision": 2,
            "state": "SUCCESS",
        },
    }
    assert f"after {first} SUCCESS" in [line.message for line in LogEntry.objects.all()]
    frozen_clock.move_to(datetime(2026, 1, 15, 9, 0, tzinfo=UTC))
    again(flows, "bronze_layer")
    run(flows, flow("bronze_layer", namespace="other"))
    assert len(of("silver_layer")) == 2
    frozen_clock.move_to(datetime(2026, 1, 16, 0, 0, tzinfo=UTC))
    third = again(flows, "bronze_layer")
    assert sources("silver_layer") == sorted([first, second, third])
    assert outcomes() == ["CONDITIONS", "STARTED", "STARTED", "CONDITIONS", "STARTED"]


@pytest.mark.parametrize(
    ("namespace", "fails", "told"),
    [("company", True, True), ("company.team", True, True), ("other", True, False), ("company.team", False, False)],
)
def test_failures_in_a_namespace_and_below_are_told(
    flows: FlowRunner, frozen_clock: Clock, namespace: str, fails: bool, told: bool
) -> None:
    flows.save(ALERT)
    source = run(flows, flow("job", namespace=namespace, fail=fails))
    assert sources("alert") == ([source] if told else [])
    if told:
        assert f"{namespace}.job FAILED" in [line.message for line in LogEntry.objects.all()]


MULTIPLE = """    conditions:
      - id: multiple
        type: io.kestra.plugin.core.condition.MultipleCondition
        window: P1D
        windowAdvance: P0D
        conditions:
          success: {type: io.kestra.plugin.core.condition.ExecutionStatus, in: [SUCCESS]}
          a: {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: a}
          b: {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: b}
"""


def preconditions(window: str, *, reset: bool = True) -> str:
    return f"""    preconditions:
      id: both
      resetOnSuccess: {str(reset).lower()}
      timeWindow: {window}
      flows:
        - {{namespace: company.team, flowId: a, states: [SUCCESS]}}
        - {{namespace: company.team, flowId: b}}
"""


@pytest.mark.parametrize("body", [MULTIPLE, preconditions("{type: DURATION_WINDOW, window: P1D}")])
def test_two_flows_within_a_day(flows: FlowRunner, frozen_clock: Clock, body: str) -> None:
    flows.save(listener(body))
    run(flows, flow("a"))
    assert of("listener") == []
    assert outcomes()[-1] == "WAITING"
    second = run(flows, flow("b"))
    assert sources("listener") == [second]
    again(flows, "b")
    assert len(of("listener")) == 1, "all is gathered anew"
    frozen_clock.move_to(datetime(2026, 1, 16, 0, 0, tzinfo=UTC))
    again(flows, "a")
    assert len(of("listener")) == 1, "what came yesterday does not count"
    last = again(flows, "b")
    assert sources("listener") == sorted([second, last])


def test_without_reset_each_further_one_starts_the_flow(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(listener(preconditions("{}", reset=False)))
    run(flows, flow("a"))
    second = run(flows, flow("b"))
    third = again(flows, "b")
    run(flows, flow("unrelated"))
    assert sources("listener") == sorted([second, third])


@pytest.mark.parametrize(
    ("window", "first", "second", "starts"),
    [
        ("{type: SLIDING_WINDOW, window: PT1H}", "10:00", "10:59", True),
        ("{type: SLIDING_WINDOW, window: PT1H}", "10:00", "11:01", False),
        ("{type: DURATION_WINDOW, window: PT1H}", "10:30", "11:00", False),
        ("{type: DURATION_WINDOW, window: PT1H}", "10:30", "10:59", True),
        ("{type: DURATION_WINDOW, window: PT1H, windowAdvance: PT15M}", "10:30", "11:14", True),
        ("{type: DURATION_WINDOW, window: PT1H, windowAdvance: PT15M}", "11:14", "11:15", False),
        ("{type: DAILY_TIME_WINDOW, startTime: '11:00', endTime: '12:00:00'}", "11:00", "11:59", True),
        ("{type: DAILY_TIME_WINDOW, startTime: '11:00', endTime: '12:00:00'}", "10:59", "11:30", False),
        ("{type: DAILY_TIME_DEADLINE, deadline: '12:00:00+01:00'}", "10:00", "10:59", True),
        ("{type: DAILY_TIME_DEADLINE, deadline: '12:00:00+01:00'}", "10:00", "11:00", False),
    ],
)
def test_windows(flows: FlowRunner, frozen_clock: Clock, window: str, first: str, second: str, starts: bool) -> None:
    flows.save(listener(preconditions(window)))
    frozen_clock.move_to(datetime.fromisoformat(f"2026-01-15T{first}:00+00:00"))
    run(flows, flow("a"))
    frozen_clock.move_to(datetime.fromisoformat(f"2026-01-15T{second}:00+00:00"))
    run(flows, flow("b"))
    assert bool(of("listener")) is starts


def test_states_before_the_end_are_heard_when_they_are_asked_for(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        listener("""    states: [PAUSED, RUNNING]
    conditions:
      - {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: waits}
""")
    )
    run(flows, "id: waits\nnamespace: company.team\ntasks:\n  - {id: p, type: io.kestra.plugin.core.flow.Pause}\n")
    assert sorted(one.trigger["variables"]["state"] for one in of("listener")) == ["PAUSED", "RUNNING"]


def states_heard() -> list[str]:
    return sorted(one.trigger["variables"]["state"] for one in of("listener"))


def test_what_a_person_does_to_an_execution_is_news_too(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(listener("    states: [CREATED, PAUSED, RESTARTED, WARNING, FAILED]\n"))
    pausing = flow("pausing").replace("tasks:\n", "tasks:\n  - {id: wait, type: io.kestra.plugin.core.flow.Pause}\n")
    first = run(flows, pausing)
    flows.tick()
    flows.jobs.run()
    assert states_heard() == ["CREATED", "PAUSED"]
    kill_execution(acting_user=None, execution_id=first, cascade=False)
    flows.jobs.run()
    change_execution_status(acting_user=None, execution_id=first, state=State.WARNING)
    flows.jobs.run()
    assert states_heard() == ["CREATED", "PAUSED", "WARNING"], "the end that was set, and not KILLED, is asked for"
    failed = run(flows, flow("failing", fail=True))
    restart_execution(acting_user=None, execution_id=failed)
    flows.jobs.run()
    flows.tick()
    flows.jobs.run()
    assert states_heard() == ["CREATED", "CREATED", "FAILED", "FAILED", "PAUSED", "RESTARTED", "WARNING"]
    (task_run,) = Ran(failed).runs
    change_task_run_state(acting_user=None, execution_id=failed, task_run_id=task_run.id, state=State.SUCCESS)
    flows.jobs.run()
    assert states_heard().count("RESTARTED") == 2


def test_outputs_of_the_source_reach_the_inputs(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        listener(
            """    inputs:
      total: "{{ trigger.outputs.total }}"
      text: "{{ outputs.say.value }} of {{ flow.id }}"
    labels: {from: "{{ trigger.flowId }}"}
    conditions:
      - {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: gives}
      - {type: io.kestra.plugin.core.condition.ExecutionOutputs, expression: "{{ trigger.outputs.total > 2 }}"}
      - {type: io.kestra.plugin.core.condition.ExecutionLabels, labels: {kind: good}}
""",
            inputs="inputs:\n  - {id: total, type: INT}\n  - {id: text, type: STRING}\n",
        )
    )
    gives = """
id: gives
namespace: company.team
labels: {kind: good}
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: three}
outputs:
  - {id: total, type: INT, value: NUMBER}
"""
    run(flows, gives.replace("NUMBER", "2"))
    assert of("listener") == []
    run(flows, gives.replace("NUMBER", "3"))
    (held,) = of("listener")
    assert held.inputs == {"total": 3, "text": "three of listener"}
    assert {"key": "from", "value": "gives"} in held.labels
    assert [report["seen"] for report in TriggerEvaluation.objects.latest("id").conditions[:2]] == [
        "company.team.gives",
        "true",
    ]


def test_inputs_that_cannot_be_rendered_start_nothing(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        listener(
            '    inputs: {x: "{{ outputs.missing.value }}"}\n    conditions:\n      - {type: '
            "io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: a}\n"
        )
    )
    run(flows, flow("a"))
    assert of("listener") == []
    assert outcomes() == ["FAILED"]
    (line,) = LogEntry.objects.filter(trigger_id="follow")
    assert "missing" in line.message


def test_news_that_comes_twice_starts_once_and_lost_news_is_found(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(listener(preconditions("{}")))
    run(flows, flow("a"))
    ran = flows.start(flow("b"))
    flows.jobs.run(only=lambda job: job.job != "workflows.tell_triggers")
    (news,) = [job for job in flows.jobs.sent if job.job == "workflows.tell_triggers"]
    flows.jobs.clear()
    assert of("listener") == []
    assert Timer.objects.filter(kind=NEWS_TIMER).count() == 1
    frozen_clock.shift(20)
    flows.tick()
    flows.jobs.run()
    assert sources("listener") == [ran.execution_id]
    again_told: Any = news.args
    tell_triggers(*again_told)
    flows.jobs.run()
    assert sources("listener") == [ran.execution_id]
    assert TriggerWindow.objects.count() == 0
    assert Timer.objects.filter(kind=NEWS_TIMER).count() == 0


def test_without_a_flow_trigger_there_is_no_news(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.start(flow("a"))
    flows.jobs.run(only=lambda job: job.job != "workflows.tell_triggers")
    assert flows.jobs.sent == []
    assert not Timer.objects.filter(kind=NEWS_TIMER).exists()


def test_a_chain_that_feeds_itself_is_told_when_saved_and_stopped_when_run(
    flows: FlowRunner, frozen_clock: Clock
) -> None:
    condition = "{type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: %s}"
    after = f"    conditions:\n      - {condition}\n"
    flows.save(listener(after % "pong", flow_id="ping"))
    pong = listener(after % "ping", flow_id="pong")
    (check,) = check_flows(pong)
    assert "company.team.pong → company.team.ping → company.team.pong" in check.warnings[-1]
    assert check_flows(listener(after % "elsewhere", flow_id="third"))[0].warnings == []
    run(flows, pong)
    assert Execution.objects.count() == LONGEST_CHAIN + 1
    (line,) = LogEntry.objects.exclude(trigger_id=None)
    assert "narrow the trigger" in line.message
    assert TriggerState.objects.filter(listens=1).count() == 2


def test_a_namespace_that_does_not_allow_it_is_not_followed(flows: FlowRunner, frozen_clock: Clock) -> None:
    create_namespace(acting_user=None, namespace="hidden", settings=NamespaceSettings(allowed_namespaces=["system"]))
    flows.save(ALERT.replace("value: company", "value: hidden"))
    flows.save(ALERT.replace("value: company", "value: hidden").replace("namespace: system", "namespace: company.team"))
    source = run(flows, flow("secretive", namespace="hidden.below", fail=True))

    (told,) = of("alert")
    assert (told.namespace, told.state) == ("system", "SUCCESS")
    refused = TriggerEvaluation.objects.get(trigger__namespace="company.team")
    assert (refused.outcome, refused.message) == ("CONDITIONS", "Namespace hidden.below is not allowed.")
    assert refused.source_id == source
    assert not TriggerWindow.objects.filter(trigger__namespace="company.team").exists()


def test_where_compares_and_joins(flows: FlowRunner, frozen_clock: Clock) -> None:
    flows.save(
        listener("""    preconditions:
      id: p
      where:
        - id: names
          operand: OR
          filters:
            - {field: FLOW_ID, type: REGEX, value: "load_.+"}
            - {field: FLOW_ID, type: IN, values: [export]}
        - id: said
          filters:
            - {field: EXPRESSION, type: IS_TRUE, value: "{{ labels.go == 'yes' }}"}
            - {field: STATE, type: NOT_EQUAL_TO, value: WARNING}
""")
    )
    yes, no = "labels: {go: 'yes'}\n", "labels: {go: 'no'}\n"
    run(flows, flow("load_", more=yes))
    first = run(flows, flow("load_orders", more=yes))
    run(flows, flow("load_more", more=no))
    assert sources("listener") == [first]
    second = run(flows, flow("export", more=yes))
    assert sources("listener") == sorted([first, second])
