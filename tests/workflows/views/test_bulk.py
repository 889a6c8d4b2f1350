"""Actions on the executions that were ticked in a list."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.workflows.models import Execution
from apps.workflows.services.executions import StartRequest, create_execution
from tests.factories import grant
from tests.support.flow_runner import FlowRunner, Ran
from tests.support.pages import Pages

AsPages = Callable[..., Pages]
FAILS = """\
id: fails
namespace: company.team
tasks:
  - {id: try_it, type: io.kestra.plugin.core.execution.Fail, errorMessage: bad}
"""
WAITS = """\
id: waits
namespace: company.team
tasks:
  - {id: hold, type: io.kestra.plugin.core.flow.Pause}
"""
ASKS = """\
id: asks
namespace: company.team
tasks:
  - id: hold
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: reason, type: STRING}
"""
BULK = "/executions/bulk"


def held(flows: FlowRunner, source: str) -> Ran:
    ran = flows.start(source)
    flows.jobs.run(most=100_000)
    assert ran.state == "PAUSED"
    return ran


@pytest.mark.django_db
def test_the_list_offers_what_the_person_may_do(pages: AsPages, alice: User, bob: User, started: str) -> None:
    mine = pages(alice).get("/executions")
    assert f'name="ids" value="{started.rsplit("/", 1)[-1]}"' in mine.html
    assert 'value="delete"' in mine.html
    his = pages(bob).get("/executions")
    assert 'name="ids"' not in his.html
    assert "/ui/alpha/executions/bulk" not in his.links()
    assert 'name="ids"' in pages(alice).fragment("/executions/rows", ids=started.rsplit("/", 1)[-1], pick="1").html
    assert 'name="ids"' in pages(alice).get("/flows/edit/company.team/hello/executions").html
    assert 'name="ids"' not in pages(alice).get("/flows/edit/company.team/hello").html, "no list, no choosing"


@pytest.mark.django_db
def test_who_may_not_is_refused(pages: AsPages, bob: User, started: str, hidden_started: str) -> None:
    ids = [path.rsplit("/", 1)[-1] for path in (started, hidden_started)]
    assert pages(bob).get(BULK, action="kill", ids=ids).status == 403
    assert pages(bob).post(BULK, action="kill", ids=ids).status == 403
    grant(bob, "EXECUTION:UPDATE", namespace="company.team")
    asked = pages(bob).get(BULK, action="kill", ids=ids)
    assert "Kill: 1 execution" in asked.text
    assert "execution not found" in asked.text
    assert "payroll" not in asked.text
    result = pages(bob).post(BULK, action="kill", ids=ids)
    assert "1 execution killed, 1 left out" in result.text
    states = {one.namespace: one.state for one in Execution.objects.all()}
    assert states == {"company.team": "KILLED", "company.payroll": "CREATED"}


@pytest.mark.django_db
def test_all_of_them_done_leads_back_to_the_list_as_it_was(pages: AsPages, alice: User, hello: str) -> None:
    ids = [
        create_execution(acting_user=None, request=StartRequest("company.team", "hello")).execution_id for _ in range(3)
    ]
    back = "/ui/alpha/executions?namespace=company.team"
    alices = pages(alice)
    asked = alices.fragment(BULK, action="kill", ids=ids, back=back)
    assert "Kill: 3 executions" in asked.text
    assert "left out" not in asked.text
    assert alices.post(BULK, htmx=True, action="kill", ids=ids, back=back).location == back
    assert "3 executions killed." in alices.get("/executions").text
    assert {one.state for one in Execution.objects.all()} == {"KILLED"}
    again = alices.get(BULK, action="kill", ids=ids)
    assert "This cannot be done to any of them" in again.text
    assert "execution already ended" in again.text
    alices.post(BULK, action="delete", ids=ids[:2], logs="on")
    assert [one.id for one in Execution.objects.all()] == ids[2:]


@pytest.mark.django_db
@pytest.mark.parametrize("back", ["https://example.org/", "//example.org/ui/alpha/", "/ui/beta/executions", ""])
def test_the_way_back_is_ours(pages: AsPages, alice: User, started: str, back: str) -> None:
    ids = [started.rsplit("/", 1)[-1]]
    assert pages(alice).post(BULK, action="kill", ids=ids, back=back).location == "/ui/alpha/executions"


@pytest.mark.django_db
def test_what_means_nothing_is_refused(pages: AsPages, alice: User, started: str) -> None:
    assert pages(alice).get(BULK, action="boil").status == 400
    assert pages(alice).get(BULK).status == 400
    assert pages(alice).post(BULK, action="kill", ids=[f"{n:022d}" for n in range(101)]).status == 400
    assert "No execution is chosen" in pages(alice).get(BULK, action="kill").text
    assert "execution not found" in pages(alice).get(BULK, action="kill", ids=["no-id"]).text


def test_those_that_go_on_are_told_from_those_that_cannot(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    plain, asking, failed = held(flows, WAITS), held(flows, ASKS), flows.run(FAILS)
    ids = [plain.execution_id, asking.execution_id, failed.execution_id]
    asked = pages(alice).get(BULK, action="resume", ids=ids)
    assert "Resume: 2 executions" in asked.text
    assert "execution is FAILED, not PAUSED" in asked.text
    result = pages(alice).post(BULK, action="resume", ids=ids)
    assert "1 execution resumed, 2 left out" in result.text
    assert "reason" in result.text, "the input that is asked for"
    flows.finish(plain)
    assert (plain.state, asking.state, failed.state) == ("SUCCESS", "PAUSED", "FAILED")


def test_restart_replay_and_labels_of_several(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    first, second = flows.run(FAILS), flows.run(FAILS)
    ids, alices = [first.execution_id, second.execution_id], pages(alice)
    refused = alices.post(BULK, htmx=True, action="labels", ids=ids, key="system.a", value="b")
    assert refused.status == 422
    assert alices.post(BULK, htmx=True, action="labels", ids=ids).status == 422
    alices.post(BULK, action="labels", ids=ids, key=["seen"], value=["yes"])
    assert all({"key": "seen", "value": "yes"} in ran.execution.labels for ran in (first, second))
    alices.post(BULK, action="restart", ids=ids)
    for ran in (first, second):
        flows.finish(ran)
        assert ran.execution.attempt_number == 2
    flows.save(FAILS.replace("bad", "worse"))
    alices.post(BULK, action="replay", ids=ids, latest="yes")
    assert Execution.objects.filter(flow_revision=2).count() == 2
