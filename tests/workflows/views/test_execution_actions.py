"""What an execution's page offers in each state, and what its questions do."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.workflows.models import Execution
from apps.workflows.plugin_api.state import State
from apps.workflows.services.flows import delete_flow
from apps.workflows.views.execution_offers import ExecutionRights, list_offers
from tests.support.flow_runner import FlowRunner, Ran
from tests.support.pages import Pages

AsPages = Callable[..., Pages]
PAUSES = """\
id: pauses
namespace: company.team
tasks:
  - {id: before, type: io.kestra.plugin.core.debug.Return, format: "first"}
  - id: approval
    type: io.kestra.plugin.core.flow.Pause
    timeout: PT1H
    onResume:
      - {id: reason, type: STRING}
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.approval.onResume.reason }}"}
"""
FAILS = """\
id: fails
namespace: company.team
inputs:
  - {id: word, type: STRING, defaults: bad}
tasks:
  - {id: first, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.word }}"}
  - {id: try_it, type: io.kestra.plugin.core.execution.Fail, condition: "{{ inputs.word == 'bad' }}", errorMessage: bad}
"""
PARENT = """\
id: mother
namespace: company.team
tasks:
  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: pauses, wait: true}
"""
LIMITED = """\
id: limited
namespace: company.team
concurrency: {limit: 1, behavior: QUEUE}
tasks:
  - {id: hold, type: io.kestra.plugin.core.flow.Pause}
"""
SLEEPS = """\
id: sleeps
namespace: company.team
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT0.5S}
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "awake"}
"""
EVERYTHING = ExecutionRights(execute=True, update=True, delete=True, see_flow=True)
WORDS = ["pause", "resume", "restart", "replay", "state", "labels", "force-run", "unqueue", "kill"]


def page_of(ran: Ran) -> str:
    return f"/executions/company.team/{ran.execution.flow_id}/{ran.execution_id}"


def until(flows: FlowRunner, ran: Ran, state: str) -> Ran:
    flows.jobs.run(most=100_000)
    assert ran.state == state, ran.states
    return ran


def newest(flow_id: str) -> Ran:
    found = Execution.objects.filter(flow_id=flow_id).order_by("-start_date").first()
    assert found is not None
    return Ran(found.id)


@pytest.mark.parametrize(
    ("state", "bar", "blocked"),
    [
        ("RUNNING", {"pause", "kill"}, {"state", "labels", "replay", "delete"}),
        ("PAUSED", {"resume", "kill"}, {"state", "labels", "delete"}),
        ("QUEUED", {"kill"}, {"state", "labels", "replay", "delete"}),
        ("FAILED", {"restart"}, set()),
        ("SUCCESS", set(), {"restart"}),
        ("KILLED", set(), {"restart"}),
    ],
)
def test_each_state_offers_what_can_be_done_and_says_why_the_rest_cannot(
    state: str, bar: set[str], blocked: set[str], flow_row: object
) -> None:
    offers = list_offers(State(state), EVERYTHING, flow_row)  # type: ignore[arg-type]
    assert {offer.word for offer in offers if offer.in_bar} == bar
    assert {offer.word for offer in offers if offer.blocked} == blocked
    assert {"unqueue"} <= {offer.word for offer in offers} or state != "QUEUED"


@pytest.fixture
def flow_row() -> object:
    return object()


def test_nothing_is_offered_without_a_right() -> None:
    nobody = ExecutionRights(execute=False, update=False, delete=False, see_flow=True)
    assert [offer for state in State for offer in list_offers(state, nobody, None)] == []


@pytest.mark.django_db
def test_viewers_can_neither_ask_nor_act(pages: AsPages, bob: User, started: str) -> None:
    assert pages(bob).get(started).status == 200
    for word in WORDS:
        assert pages(bob).get(f"{started}/{word}").status == 403, word
        assert pages(bob).post(f"{started}/{word}").status == 403, word
        assert "/ui/alpha" + started + "/" + word not in pages(bob).get(started).links()
    assert Execution.objects.get().state == "CREATED"


@pytest.mark.django_db
def test_questions_about_hidden_executions_are_not_there(pages: AsPages, bob: User, hidden_started: str) -> None:
    for word in [*WORDS, "task"]:
        assert pages(bob).get(f"{hidden_started}/{word}").status == 404, word


def test_a_paused_execution_is_resumed_with_what_its_pause_asks_for(
    flows: FlowRunner, pages: AsPages, alice: User
) -> None:
    ran = until(flows, flows.start(PAUSES), "PAUSED")
    page, alices = page_of(ran), pages(alice)
    asked = alices.get(page + "/resume")
    assert "approval has paused it" in asked.text
    assert "fails when nobody has resumed it in 59 min" in asked.text
    assert asked.value_of("inputs.reason") == ""
    refused = alices.post(page + "/resume", htmx=True)
    assert refused.status == 422
    assert "1 value cannot be used" in refused.text
    assert ran.state == "PAUSED"
    assert alices.post(page + "/resume", htmx=True, **{"inputs.reason": "fine"}).location == "/ui/alpha" + page
    flows.finish(ran)
    assert ran.state == "SUCCESS"
    assert "fine" in alices.get(page + "/outputs", run=ran.run_of("after").id).text
    again = alices.get(page + "/resume")
    assert "is not paused" in again.text
    alices.post(page + "/resume", **{"inputs.reason": "late"})
    assert "is not paused" in alices.get(page).text


def test_the_inputs_of_a_pause_are_told_again_while_they_are_typed(
    flows: FlowRunner, pages: AsPages, alice: User
) -> None:
    ran = until(flows, flows.start(PAUSES), "PAUSED")
    shown = pages(alice).post(page_of(ran) + "/resume/inputs", htmx=True, **{"inputs.reason": "half a wo"})
    assert shown.value_of("inputs.reason") == "half a wo"
    assert "<form" not in shown.html


def test_a_pause_is_failed_in_place_of_resumed(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = until(flows, flows.start(PAUSES), "PAUSED")
    run = ran.run_of("approval")
    page, alices = page_of(ran), pages(alice)
    asked = alices.fragment(page + "/state", run=run.id)
    assert "The pause ends in failure" in asked.text
    assert 'value="SUCCESS"' not in asked.html
    assert alices.post(page + "/state", run=run.id, state="SUCCESS").status == 400
    alices.post(page + "/state", run=run.id, state="FAILED")
    flows.finish(ran)
    assert ran.state == "FAILED"


def test_a_failed_execution_restarts_in_place_or_on_another_revision(
    flows: FlowRunner, pages: AsPages, alice: User
) -> None:
    ran = flows.run(FAILS)
    page, alices = page_of(ran), pages(alice)
    asked = alices.get(page + "/restart")
    assert "try_it" in asked.text
    assert "first" not in asked.text.split("Restart execution")[1].split("Revision of the flow")[0]
    assert alices.post(page + "/restart", revision="1").location == "/ui/alpha" + page
    flows.finish(ran)
    assert (ran.state, ran.execution.attempt_number) == ("FAILED", 2)
    flows.save(FAILS.replace("'bad'", "'worse'"))
    sent = alices.post(page + "/restart", revision="2").location
    fresh = newest("fails")
    assert sent == "/ui/alpha" + page_of(fresh) != "/ui/alpha" + page
    flows.finish(fresh)
    assert (fresh.state, fresh.execution.flow_revision) == ("SUCCESS", 2)
    assert page in "".join(alices.get(page_of(fresh)).links()), "what it repeats is linked"
    missing = alices.post(page + "/restart", htmx=True, revision="9")
    assert missing.status == 404
    assert "revision 9 not found" in missing.text
    assert alices.post(page + "/restart", revision="two").status == 400


def test_what_did_not_fail_has_nothing_to_restart(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(FAILS, {"word": "good"})
    assert "no task of it failed, replay it" in pages(alice).get(page_of(ran)).text
    assert "nothing to restart from" in pages(alice).get(page_of(ran) + "/restart").text
    assert pages(alice).post(page_of(ran) + "/restart").status == 422


def test_a_replay_is_a_new_execution_with_the_same_or_other_inputs(
    flows: FlowRunner, pages: AsPages, alice: User
) -> None:
    ran = flows.run(FAILS, {"word": "bad"})
    page, alices = page_of(ran), pages(alice)
    asked = alices.get(page + "/replay")
    assert asked.value_of("inputs.word") == "bad"
    alices.post(page + "/replay", revision="1", inputs="same", **{"inputs.word": "ignored"})
    same = newest("fails")
    flows.finish(same)
    assert same.execution.inputs == {"word": "bad"}
    sent = alices.post(page + "/replay", inputs="other", **{"inputs.word": "good"}).location
    other = newest("fails")
    flows.finish(other)
    assert sent == "/ui/alpha" + page_of(other)
    assert (other.state, other.execution.inputs) == ("SUCCESS", {"word": "good"})
    assert ran.state == "FAILED"


def test_a_replay_from_a_task_takes_over_what_ran_before_it(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(FAILS)
    page, alices, run = page_of(ran), pages(alice), ran.run_of("try_it")
    assert any(f"/replay?run={run.id}" in link for link in alices.get(page).links()), "the failure offers it"
    assert "Replay from try_it?" in alices.get(page + "/replay", run=run.id).text
    alices.post(page + "/replay", run=run.id)
    fresh = newest("fails")
    flows.finish(fresh)
    assert fresh.states == [("first", "SUCCESS"), ("try_it", "FAILED")]
    assert len(fresh.run_of("first").attempts) == len(ran.run_of("first").attempts)
    assert fresh.run_of("first").outputs == ran.run_of("first").outputs
    assert alices.get(page + "/replay", run="0" * 22).status == 404


def test_the_fields_of_a_replay_follow_the_revision(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(FAILS)
    flows.save(FAILS.replace("word", "name"))
    page, alices = page_of(ran), pages(alice)
    shown = alices.post(page + "/replay/inputs", htmx=True, revision="2", inputs="other")
    assert shown.value_of("inputs.name") == "bad", "the default"
    assert "inputs.word" not in shown.html
    assert "cannot be read any more" in alices.get(page + "/replay", revision="7").text


def test_a_deleted_flow_blocks_what_needs_it(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(FAILS)
    delete_flow(acting_user=None, namespace="company.team", flow_id="fails")
    shown = pages(alice).get(page_of(ran))
    assert "Replay , not possible now: the flow was deleted" in shown.text
    assert pages(alice).post(page_of(ran) + "/replay", htmx=True).status == 404
    assert Execution.objects.count() == 1


def test_states_are_changed_with_their_consequence_told(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(FAILS)
    page, alices, run = page_of(ran), pages(alice), ran.run_of("try_it")
    assert "It counts as killed. No task runs." in alices.get(page + "/state").text
    alices.post(page + "/state", state="CANCELLED")
    assert ran.state == "CANCELLED"
    assert "as if it had succeeded" in alices.get(page + "/state", run=run.id).text
    alices.post(page + "/state", run=run.id, state="SUCCESS")
    flows.finish(ran)
    assert ran.state == "SUCCESS"
    assert alices.post(page + "/state", state="RUNNING").status == 400
    assert alices.post(page + "/state").status == 400


def test_labels_are_replaced_and_added_but_never_the_products(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(FAILS, labels=[("team", "data")])
    page, alices = page_of(ran), pages(alice)
    asked = alices.get(page + "/labels")
    assert asked.value_of("value") == "data"
    assert "system.correlationId" in asked.text
    refused = alices.post(page + "/labels", htmx=True, key=["team", "system.x"], value=["ops", "1"])
    assert refused.status == 422
    assert "are set by the product alone" in refused.text
    for key, value in (("tier", ""), ("", "1"), ("team", "twice")):
        assert alices.post(page + "/labels", htmx=True, key=["team", key], value=["ops", value]).status == 422
    assert {"key": "team", "value": "data"} in ran.execution.labels
    alices.post(page + "/labels", key=["team", "tier", ""], value=["ops", "1", ""])
    kept = [(one["key"], one["value"]) for one in ran.execution.labels if not one["key"].startswith("system.")]
    assert kept == [("team", "ops"), ("tier", "1")]
    assert "empty it to remove its label" in alices.get(page + "/labels").text
    alices.post(page + "/labels", key=["team", "tier"], value=["", "2"])
    kept = [(one["key"], one["value"]) for one in ran.execution.labels if not one["key"].startswith("system.")]
    assert kept == [("tier", "2")]


def test_a_running_execution_is_held_and_goes_on_where_it_stood(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.start(SLEEPS)
    page, alices = page_of(ran), pages(alice)
    alices.post(page + "/pause")
    assert "is not running" in alices.get(page).text, "it waits for its first step"
    until(flows, ran, "RUNNING")
    assert "takes effect after the current tasks" in alices.get(page + "/pause").text
    alices.post(page + "/pause")
    assert ran.state == "PAUSED"
    assert "It was paused by hand" in alices.get(page + "/resume").text
    alices.post(page + "/resume")
    flows.finish(ran)
    assert ran.state == "SUCCESS"


def test_a_queued_execution_is_taken_out_of_the_queue_or_forced(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    until(flows, flows.start(LIMITED), "PAUSED")
    for word in ("unqueue", "force-run"):
        ran = until(flows, flows.start(LIMITED), "QUEUED")
        assert "Queued → Running." in pages(alice).get(f"{page_of(ran)}/{word}").text
        pages(alice).post(f"{page_of(ran)}/{word}")
        until(flows, ran, "PAUSED")
        again = pages(alice)
        again.post(page_of(ran) + "/unqueue")
        assert "is not queued" in again.get(page_of(ran)).text


@pytest.mark.parametrize(("answer", "child_state"), [("yes", "KILLED"), ("no", "PAUSED")])
def test_a_kill_reaches_what_it_started_only_if_that_is_wanted(
    flows: FlowRunner, pages: AsPages, alice: User, answer: str, child_state: str
) -> None:
    flows.save(PAUSES)
    ran = until(flows, flows.start(PARENT), "RUNNING")
    child, alices = newest("pauses"), pages(alice)
    gantt = alices.get(page_of(ran) + "/gantt")
    assert "/ui/alpha" + page_of(child) in gantt.links(), "the run leads to what it started"
    assert "/ui/alpha" + page_of(child) in alices.get(page_of(ran)).links()
    assert "/ui/alpha" + page_of(ran) in alices.get(page_of(child)).links(), "and the child to its parent"
    task = alices.fragment(page_of(ran) + "/task", run=ran.run_of("call").id)
    assert "/ui/alpha" + page_of(child) in task.links()
    alices.post(page_of(ran) + "/kill", subflows=answer)
    flows.jobs.run(most=100_000)
    assert (ran.state, child.state) == ("KILLED", child_state)


def test_relatives_in_hidden_namespaces_are_not_shown(
    flows: FlowRunner, pages: AsPages, alice: User, bob: User
) -> None:
    flows.save(PAUSES.replace("company.team", "company.payroll"))
    ran = until(flows, flows.start(PARENT.replace("namespace: company.team, flow", "namespace: company.payroll, flow")),
                "RUNNING")  # fmt: skip
    for path in ("", "/gantt", f"/task?run={ran.run_of('call').id}"):
        where, _, query = path.partition("?run=")
        asked = {"run": query} if query else {}
        assert "company.payroll" in pages(alice).get(page_of(ran) + where, **asked).text
        assert "company.payroll" not in pages(bob).get(page_of(ran) + where, **asked).text


def test_a_task_run_shows_its_attempts(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    source = FAILS.replace("errorMessage: bad", "retry: {type: constant, interval: PT0.1S, maxAttempt: 3}")
    ran = flows.run(source)
    run = ran.run_of("try_it")
    shown = pages(alice).get(page_of(ran) + "/task", run=run.id)
    assert shown.html.split("t-attempts")[2].split("</section>")[0].count("<li>") == 3
    assert f"/ui/alpha{page_of(ran)}/replay?run={run.id}" in shown.links()
    gantt = pages(alice).get(page_of(ran) + "/gantt").html.split(f'id="run-{run.id}"')[1].split("gantt-dur")[0]
    assert gantt.count("data-wait") >= 2, "the time between attempts is waiting"
    assert gantt.count('data-state="FAILED"') >= 3
    assert pages(alice).get(page_of(ran) + "/task", run="nope").status == 404
