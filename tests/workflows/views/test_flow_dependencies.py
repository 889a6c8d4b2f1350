"""Which flows start which, on a page and by the API; what somebody may not see has no name."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.workflows.services.flows import create_flow
from tests.support.api_client import ApiClient
from tests.support.pages import Pages
from tests.workflows.views.conftest import HELLO

pytestmark = pytest.mark.django_db
CALLER = """\
id: caller
namespace: company.team
tasks:
  - id: group
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: "{{ flow.namespace }}", flowId: hello}
      - {id: dynamic, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: "{{ inputs.x }}"}
"""
LISTENER = """\
id: listener
namespace: company.payroll
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: x}
triggers:
  - id: after_hello
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: company.team, flowId: hello}
"""
UNRELATED = HELLO.replace("id: hello", "id: unrelated").replace("Hello", "hello flowId")


@pytest.fixture
def web(hello: str) -> str:
    """hello, a flow that starts it, one that waits for it, and one that only has its name in a text."""
    for source in (CALLER, LISTENER, UNRELATED):
        create_flow(acting_user=None, source=source)
    return hello


def test_the_page_shows_both_directions(pages: Callable[..., Pages], alice: User, web: str) -> None:
    shown = pages(alice).get(web + "/dependencies")
    assert shown.html.count('class="node"') == 3
    assert "caller" in shown.text
    assert "by trigger" in shown.text
    assert "unrelated" not in shown.text
    assert pages(alice).get(web + "/dependencies", depth="99").status == 200


def test_a_flow_that_may_not_be_seen_has_no_name(pages: Callable[..., Pages], bob: User, web: str) -> None:
    shown = pages(bob).get(web + "/dependencies")
    assert "Restricted" in shown.text
    assert "listener" not in shown.html
    assert "payroll" not in shown.html


def test_a_flow_by_itself_says_so(pages: Callable[..., Pages], alice: User, hello: str) -> None:
    assert "No other flow depends on this one" in pages(alice).get(hello + "/dependencies").text


def test_the_api_answers_nodes_and_edges(
    api: Callable[..., ApiClient], alice: User, bob: User, web: str, alpha: Tenant
) -> None:
    found = api(alice).get("/flows/company.team/hello/dependencies").json()
    assert {(one["source"], one["target"], one["relation"]) for one in found["edges"]} == {
        ("alpha_company.team_caller", "alpha_company.team_hello", "FLOW_TASK"),
        ("alpha_company.team_hello", "alpha_company.payroll_listener", "FLOW_TRIGGER"),
    }
    only = api(alice).get("/flows/company.team/hello/dependencies", destinationOnly="true").json()
    assert [one["relation"] for one in only["edges"]] == ["FLOW_TASK"]
    seen = api(bob).get("/namespaces/company.team/dependencies").json()
    assert "alpha_company.payroll_listener" not in {node["uid"] for node in seen["nodes"]}
    assert len(seen["edges"]) == 1
