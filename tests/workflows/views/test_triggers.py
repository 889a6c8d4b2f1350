"""The pages of triggers: the list, the tab of a flow, why one ran or did not, switches, backfills."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.workflows.models import TriggerState
from apps.workflows.services.flows import create_flow
from apps.workflows.services.schedules import evaluate_due
from apps.workflows.views.trigger_view import cron_words
from tests.support.pages import Pages

pytestmark = pytest.mark.django_db
AsPages = Callable[..., Pages]
Clock = time_machine.Traveller
SOURCE = """
id: {flow_id}
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hello}}
triggers:
  - id: hourly
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 * * * *"
    conditions:
      - {{type: io.kestra.plugin.core.condition.DayWeek, dayOfWeek: MONDAY}}
  - {{id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: not-shown}}
"""
TAB = "/flows/edit/company.team/timed/triggers"


@pytest.fixture
def timed(in_alpha: Tenant, frozen_clock: Clock) -> TriggerState:
    """The hourly trigger of a flow that Bob views; another flow he does not know of has the same."""
    create_flow(acting_user=None, source=SOURCE.format(flow_id="timed", namespace="company.team"))
    create_flow(acting_user=None, source=SOURCE.format(flow_id="hidden", namespace="company.payroll"))
    return TriggerState.objects.get(flow_id="timed", trigger_id="hourly")


def test_the_list_shows_what_may_be_seen_and_what_may_be_done(
    pages: AsPages, alice: User, bob: User, timed: TriggerState
) -> None:
    shown = pages(alice).get("/admin/triggers")
    assert "4 triggers" in shown.text
    assert "each hour at :00 UTC" in shown.text
    assert "not-shown" not in shown.html, "the key of a webhook is a secret"
    assert 'role="switch"' in shown.html
    bobs = pages(bob).get("/admin/triggers")
    assert "2 triggers" in bobs.text
    assert "payroll" not in bobs.html
    assert 'role="switch"' not in bobs.html
    assert "1 trigger match" in pages(alice).get("/admin/triggers", q="timed", kind="WEBHOOK").text
    assert "No trigger matches" in pages(alice).get("/admin/triggers", backfill="RUNNING").text
    assert "<html" not in pages(alice).fragment("/admin/triggers").html


def test_the_list_asks_the_same_number_of_queries_for_few_and_for_many(
    pages: AsPages, alice: User, timed: TriggerState, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        create_flow(acting_user=None, source=SOURCE.format(flow_id=f"more{number}", namespace="company.team"))
    alices = pages(alice)
    alices.get("/admin/triggers")
    with django_assert_max_num_queries(16):
        alices.get("/admin/triggers")


def test_why_it_did_not_run(pages: AsPages, alice: User, bob: User, timed: TriggerState, frozen_clock: Clock) -> None:
    frozen_clock.shift(3600)
    evaluate_due([str(timed.pk)])
    shown = pages(bob).get(f"{TAB}/hourly/why")
    assert "Conditions do not hold" in shown.text
    assert "DayWeek does not hold, it saw THURSDAY" in shown.text
    assert "<html" not in pages(alice).fragment(f"{TAB}/hourly/why").html
    assert pages(alice).get(f"{TAB}/none/why").status == 404
    assert pages(bob).get("/flows/edit/company.payroll/hidden/triggers/hourly/why").status == 404
    assert f"/ui/alpha{TAB}" in pages(bob).get("/flows/edit/company.team/timed").links()


def test_switching_and_unlocking(pages: AsPages, alice: User, bob: User, timed: TriggerState) -> None:
    assert pages(bob).post(f"{TAB}/hourly", do="disable").status == 403
    answer = pages(alice).post(f"{TAB}/hourly", do="disable", back="all")
    assert answer.location == "/ui/alpha/admin/triggers"
    assert TriggerState.objects.get(pk=timed.pk).disabled
    assert pages(alice).post(f"{TAB}/hourly", do="enable").location == f"/ui/alpha{TAB}"
    alices = pages(alice)
    alices.post(f"{TAB}/hourly", do="unlock")
    assert "Trigger is not locked" in alices.get(TAB).text
    assert pages(alice).post(f"{TAB}/hourly", do="explode").status == 400


def test_a_backfill_is_counted_started_paused_and_ended(
    pages: AsPages, alice: User, bob: User, timed: TriggerState
) -> None:
    ask = f"{TAB}/hourly/backfill"
    alices = pages(alice)
    assert alices.get(ask).value_of("start") == "2026-01-14T10:00"
    assert pages(bob).get(ask).status in (403, 404)
    span = {"start": "2026-01-14T00:30", "end": "2026-01-14T05:00"}
    counted = alices.post(ask, **span, count="1", inputs="", labels="")
    assert "5 executions" in counted.text
    assert not TriggerState.objects.filter(backfill__isnull=False).exists()
    wrong = alices.post(ask, start="2026-01-14T05:00", end="2026-01-14T00:30", inputs="- a", labels="x")
    assert wrong.status == 422
    assert "Write each input on a line of its own" in wrong.text
    assert "A label is written key:value" in wrong.text
    assert alices.post(ask, **span, inputs="day: 2026-01-14", labels="why:repair").location == f"/ui/alpha{TAB}"
    held = TriggerState.objects.get(pk=timed.pk).backfill
    assert (held["inputs"], held["labels"]) == ({"day": "2026-01-14"}, [{"key": "why", "value": "repair"}])
    assert "Backfill 11%" in alices.get(TAB).text
    alices.post(f"{TAB}/hourly", do="pause")
    assert "paused" in alices.get(TAB).text
    alices.post(f"{TAB}/hourly", do="unpause")
    alices.post(f"{TAB}/hourly", do="end")
    assert TriggerState.objects.get(pk=timed.pk).backfill is None


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* * * * *", "each minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "each hour at :05"),
        ("0 6 * * *", "each day at 06:00"),
        ("0 6 * * 1", "each Monday at 06:00"),
        ("30 22 * * MON-FRI", "Monday to Friday at 22:30"),
        ("0 0 1 * *", "on day 1 of the month at 00:00"),
        ("@daily", "daily"),
        ("0 6,18 * * *", "0 6,18 * * *"),
        ("0 0 6 * * *", "0 0 6 * * *"),
    ],
)
def test_cron_in_words(cron: str, words: str) -> None:
    assert cron_words(cron) == words
