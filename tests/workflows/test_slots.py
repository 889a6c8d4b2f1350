"""Queued executions of a flow with a limit: in order, never stranded, and places that are counted wrong are found."""

from apps.common.clock import now
from apps.timers.models import Timer
from apps.workflows.execution_store.slots import SLOTS_TIMER
from apps.workflows.models import Execution, FlowSlot
from apps.workflows.services.executions import kill_execution
from tests.support.flow_runner import FlowRunner, Ran

LIMITED = """
id: limited
namespace: company.team
concurrency: {limit: 2, behavior: QUEUE}
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""
CANCELLING = LIMITED.replace("limited", "cancelling").replace("QUEUE", "CANCEL")


def start_several(flows: FlowRunner, source: str, number: int) -> list[Ran]:
    started = [flows.start(source) for _ in range(number)]
    flows.jobs.run()
    return started


def states(rans: list[Ran]) -> list[str]:
    return [ran.state for ran in rans]


def slots_timer_is_due() -> int:
    return Timer.objects.filter(kind=SLOTS_TIMER).update(due_at=now())


def running(flow_id: str = "limited") -> int:
    return FlowSlot.objects.get(flow_id=flow_id).running


def test_each_end_lets_the_oldest_begin(flows: FlowRunner) -> None:
    rans = start_several(flows, LIMITED, 4)
    assert states(rans) == ["RUNNING", "RUNNING", "QUEUED", "QUEUED"]
    kill_execution(acting_user=None, execution_id=rans[0].execution_id)
    flows.jobs.run()
    assert states(rans) == ["KILLED", "RUNNING", "RUNNING", "QUEUED"]
    assert running() == 2


def test_two_ends_announced_once_let_two_begin(flows: FlowRunner) -> None:
    rans = start_several(flows, LIMITED, 4)
    for ran in rans[:2]:
        kill_execution(acting_user=None, execution_id=ran.execution_id)
    announced = [job for job in flows.jobs.sent if job.job == "workflows.announce_end"]
    assert len(announced) == 2
    flows.jobs.run(only=lambda job: job == announced[0])
    assert states(rans) == ["KILLED", "KILLED", "RUNNING", "RUNNING"]


def test_a_freed_place_nobody_was_told_of_is_found_by_the_clock(flows: FlowRunner) -> None:
    rans = start_several(flows, LIMITED, 5)
    kill_execution(acting_user=None, execution_id=rans[0].execution_id)
    flows.jobs.clear()
    assert slots_timer_is_due() == 1
    flows.tick()
    assert states(rans) == ["KILLED", "RUNNING", "RUNNING", "QUEUED", "QUEUED"]
    assert Timer.objects.filter(kind=SLOTS_TIMER).get().due_at > now(), "it comes again while one is queued"
    for ran in rans[1:3]:
        kill_execution(acting_user=None, execution_id=ran.execution_id)
    flows.jobs.clear()
    slots_timer_is_due()
    flows.tick()
    assert states(rans)[3:] == ["RUNNING", "RUNNING"]
    assert not Timer.objects.filter(kind=SLOTS_TIMER).exists(), "nobody waits any more"


def test_places_that_were_counted_wrong_are_counted_anew(flows: FlowRunner) -> None:
    rans = start_several(flows, LIMITED, 3)
    FlowSlot.objects.filter(flow_id="limited").update(running=0)
    slots_timer_is_due()
    flows.tick()
    assert running() == 2
    assert states(rans)[2] == "QUEUED", "two are at work, whatever the number said"


def test_a_lost_place_is_found_after_an_execution_was_refused_for_it(flows: FlowRunner) -> None:
    flows.save(CANCELLING)
    FlowSlot.objects.create(namespace="company.team", flow_id="cancelling", running=2)
    (refused,) = start_several(flows, CANCELLING, 1)
    assert refused.state == "CANCELLED"
    assert slots_timer_is_due() == 1
    flows.tick()
    assert running("cancelling") == 0
    (begun,) = start_several(flows, CANCELLING, 1)
    assert begun.state == "RUNNING"


def test_a_flow_without_a_limit_has_no_timer_of_slots(flows: FlowRunner) -> None:
    start_several(flows, LIMITED.replace("concurrency: {limit: 2, behavior: QUEUE}\n", ""), 1)
    assert Execution.objects.get().state == "RUNNING"
    assert not Timer.objects.filter(kind=SLOTS_TIMER).exists()
