"""The default dashboard: figures, filters, panels, each only of what the person may see."""

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.console.views.dashboard import PANELS
from apps.tenants.models import Tenant
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from tests.factories import grant
from tests.support.pages import Pages

FLOW = """\
id: hello
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: Hello}}
triggers:
  - {{id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *"}}
"""


@pytest.fixture
def two_namespaces(in_alpha: Tenant) -> None:
    """Two executions in the team's namespace, one with a label, three in payroll's."""
    for namespace, times in (("company.team", 2), ("company.payroll", 3)):
        create_flow(acting_user=None, source=FLOW.format(namespace=namespace))
        for number in range(times):
            labels = [("run", str(number))]
            create_execution(acting_user=None, request=StartRequest(namespace, "hello", labels=labels))


@pytest.mark.django_db
@pytest.mark.usefixtures("two_namespaces")
def test_figures_follow_filters_and_permissions(alice: User, bob: User) -> None:
    assert "Executions 5" in Pages(alice).get("/dashboards").text
    assert "Executions 2" in Pages(alice).get("/dashboards", namespace="company.team").text
    assert "Executions 1" in Pages(alice).get("/dashboards", namespace="company.team", label="run:1").text
    assert "Executions 0" in Pages(alice).get("/dashboards", flow="other").text
    for window in ("1h", "7d", "30d", "90d"):
        assert "Executions 5" in Pages(alice).get("/dashboards", time=window).text, window
    shown = Pages(bob).get("/dashboards")
    assert "Executions 2" in shown.text
    assert "payroll" not in shown.html


@pytest.mark.django_db
@pytest.mark.usefixtures("two_namespaces")
def test_each_panel_shows_what_may_be_seen(alice: User, bob: User, charlie: User) -> None:
    for panel in PANELS:
        assert Pages(alice).fragment(f"/dashboards/default/panels/{panel}").status == 200, panel
        assert "payroll" not in Pages(bob).fragment(f"/dashboards/default/panels/{panel}").html, panel
    assert Pages(alice).get("/dashboards/default/panels/nothing").status == 404
    assert "hello daily" in Pages(alice).fragment("/dashboards/default/panels/next").text
    grant(charlie, "FLOW:READ")
    assert "You cannot see executions" in Pages(charlie).get("/dashboards").text
    assert Pages(charlie).get("/dashboards/default/panels/flows").status == 403


@pytest.mark.django_db
@pytest.mark.usefixtures("two_namespaces")
def test_the_page_asks_a_bounded_number_of_queries(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alices = Pages(alice)
    alices.get("/dashboards")
    with django_assert_max_num_queries(20):
        alices.get("/dashboards")
