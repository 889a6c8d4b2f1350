"""Counts of dashboards are those of the tables, whatever happened between two folds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apps.common.clock import now
from apps.common.ids import new_id, to_uuid
from apps.live.services import record_event
from apps.tenants.scope import tenant_scope
from apps.workflows.models import ExecutionDay, Flow, LogHour
from apps.workflows.selectors.statistics import (
    Scope,
    count_by_time,
    failing_flows,
    failures_by_namespace,
    lines_by_time,
    running_longest,
)
from apps.workflows.services.flows import create_flow
from apps.workflows.services.rollups import fold_rollups, fold_tenant
from tests.support.world import ALPHA

FLOW = """\
id: counted
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: Hello}}
"""
DAY = timedelta(days=1)


@pytest.fixture
def flows(committed_alpha: str) -> Iterator[dict[str, int]]:
    """Namespace → number of a flow in it."""
    with tenant_scope(ALPHA):
        for namespace in ("company.team", "company.payroll"):
            create_flow(acting_user=None, source=FLOW.format(namespace=namespace))
        yield {row.namespace: row.pk for row in Flow.objects.all()}


def add(flows: dict[str, int], namespace: str, state: str, start: datetime, *, ms: int = 1000, error: str = "") -> str:
    """An execution that started then, and the event that its writer records with it."""
    execution_id = new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO execution (id, namespace, flow_id, flow_revision, flow_ref, state, histories, labels, pending,"
            " paused, hold, slot, told, attempt_number, start_date, duration_ms, error)"
            " VALUES (%s, %s, 'counted', 1, %s, %s, '[]', '[]', false, 0, false, false, false, 1, %s, %s, %s)",
            [to_uuid(execution_id), namespace, flows[namespace], state, start, ms, error],
        )
    tell(execution_id, namespace)
    return execution_id


def change(execution_id: str, namespace: str, state: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE execution SET state = %s WHERE id = %s", [state, to_uuid(execution_id)])
    tell(execution_id, namespace)


def tell(execution_id: str, namespace: str) -> None:
    record_event(ALPHA, f"exec:{execution_id}", namespace, "execution", {"id": execution_id}, now())


def log(flow_ref: int, level: int, moment: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO log (flow_ref, ts, level, message) VALUES (%s, %s, %s, 'x')", [flow_ref, moment, level]
        )


def folded() -> set[tuple[object, ...]]:
    return set(ExecutionDay.objects.values_list("day", "namespace", "state", "count", "duration_ms"))


def counted() -> set[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (start_date AT TIME ZONE 'UTC')::date, namespace, state, count(*), sum(duration_ms)::bigint"
            " FROM execution GROUP BY 1, 2, 3"
        )
        return set(cursor.fetchall())


def test_days_are_those_of_the_table_after_each_fold(flows: dict[str, int]) -> None:
    noon = now().replace(hour=12)
    first = add(flows, "company.team", "FAILED", noon - 40 * DAY)
    add(flows, "company.payroll", "SUCCESS", noon - 40 * DAY)
    fold_rollups()
    assert folded() == counted() != set()
    add(flows, "company.team", "SUCCESS", noon - 3 * DAY)
    change(first, "company.team", "SUCCESS")
    fold_rollups()
    assert folded() == counted()
    before = folded()
    fold_tenant(now())
    assert folded() == before, "nothing is counted twice"
    # a day later all is counted anew: what was deleted, and what events did not tell of
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM execution WHERE id = %s", [to_uuid(first)])
    fold_tenant(now() + DAY)
    assert folded() == counted()


def test_lines_are_counted_once_and_only_when_none_below_can_come_any_more(flows: dict[str, int]) -> None:
    moment = now().replace(minute=10)
    for level in (3, 3, 5):
        log(flows["company.team"], level, moment)
    fold_tenant(now())
    assert not LogHour.objects.exists(), "the first fold only marks"
    fold_tenant(now())
    log(flows["company.team"], 5, moment)
    fold_tenant(now())
    fold_tenant(now())
    fold_tenant(now())
    row = LogHour.objects.get()
    assert (row.namespace, row.info, row.error, row.warn) == ("company.team", 2, 2, 0)
    scope = Scope(moment - timedelta(hours=2), now() + timedelta(hours=1))
    assert sum(one.error for one in lines_by_time(scope, timedelta(hours=1))) == 2
    hidden = Scope(scope.start, scope.end, visible=["company.payroll"])
    assert lines_by_time(hidden, timedelta(hours=1)) == []


def test_long_windows_give_the_figures_of_short_ones(flows: dict[str, int]) -> None:
    today = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for days in (0, 1, 2, 5, 20):
        add(flows, "company.team", "SUCCESS", today - days * DAY + timedelta(seconds=1))
        add(flows, "company.payroll", "FAILED", today - days * DAY + timedelta(seconds=2))
    fold_tenant(now())
    start, end = today - 29 * DAY, today + DAY
    rolled = count_by_time(Scope(start, end), DAY)
    direct = count_by_time(Scope(start, end, narrow=True), DAY)
    assert sorted((one.start, one.state, one.count) for one in rolled) == sorted(
        (one.start, one.state, one.count) for one in direct
    )
    team = Scope(start, end, refs=[flows["company.team"]], visible=["company.team"])
    assert {one.state for one in count_by_time(team, DAY)} == {"SUCCESS"}
    assert sum(one.count for one in count_by_time(team, DAY)) == 5


def test_failures_and_what_runs_too_long(flows: dict[str, int]) -> None:
    moment = now()
    for minutes, error in ((3, "older"), (2, "newest")):
        add(flows, "company.team", "FAILED", moment - timedelta(minutes=minutes), error=error)
    for _ in range(3):
        add(flows, "company.payroll", "SUCCESS", moment - timedelta(minutes=5), ms=2000)
    running = add(flows, "company.payroll", "RUNNING", moment - timedelta(minutes=1))
    scope = Scope(moment - DAY, moment + DAY)
    assert failures_by_namespace(scope) == [("company.team", 2)]
    (failing,) = failing_flows(scope)
    assert (failing.flow_id, failing.count, failing.last_error) == ("counted", 2, "newest")
    (longest,) = running_longest(scope, ["RUNNING"])
    assert (longest.id, longest.usual_ms) == (running, 2000)
    assert running_longest(Scope(scope.start, scope.end, refs=[flows["company.team"]]), ["RUNNING"]) == []
