"""Templates: their tasks run in place, at the revision an execution began with; off unless switched on."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from apps.common.errors import Invalid
from apps.namespaces.services import NamespaceSettings, create_namespace
from apps.workflows.models import ExecutionTemplate
from apps.workflows.services.pausing import resume_execution
from apps.workflows.services.restarting import replay_execution
from apps.workflows.services.templates import create_template, delete_template, update_template
from tests.support.flow_runner import FlowRunner, Ran

LOG = "io.kestra.plugin.core.log.Log"
GREETING = f"""
id: greeting
namespace: company.shared
tasks:
  - {{id: hello, type: {LOG}, message: "hello {{{{ parent.outputs.args.who }}}}"}}
errors:
  - {{id: sorry, type: {LOG}, message: sorry}}
"""
USES = """
id: uses
namespace: company.team
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Pause}
  - id: greet
    type: io.kestra.plugin.core.flow.Template
    namespace: company.shared
    templateId: greeting
    args: {who: "{{ flow.id }}"}
"""


@pytest.fixture(autouse=True)
def _switched_on(settings: Settings) -> None:
    settings.KESTRA_TEMPLATES = True


def at_once(source: str) -> str:
    return source.replace("  - {id: nap, type: io.kestra.plugin.core.flow.Pause}\n", "")


def go_on(flows: FlowRunner, ran: Ran) -> None:
    flows.jobs.run()
    resume_execution(acting_user=None, execution_id=ran.execution_id)
    flows.finish(ran)


def test_the_tasks_of_a_template_run_in_place(flows: FlowRunner) -> None:
    create_template(acting_user=None, source=GREETING)
    ran = flows.run(at_once(USES))
    assert ran.states == [("greet", "SUCCESS"), ("hello", "SUCCESS")]
    assert ran.run_of("greet").outputs == {"args": {"who": "uses"}}
    assert ran.run_of("hello").parent_id == ran.run_of("greet").id
    assert ran.logs("hello") == ["hello uses"]


def test_an_execution_keeps_the_templates_it_began_with(flows: FlowRunner) -> None:
    template = create_template(acting_user=None, source=GREETING)
    ran = flows.start(USES)
    name = {"namespace": "company.shared", "template_id": "greeting"}
    update_template(acting_user=None, source=GREETING.replace("id: hello", "id: bye"), **name)
    again = flows.start(USES)
    delete_template(acting_user=None, **name)
    go_on(flows, ran)
    go_on(flows, again)
    assert [run.task_id for run in ran.runs] == ["nap", "greet", "hello"]
    assert [run.task_id for run in again.runs] == ["nap", "greet", "bye"]
    pins = ExecutionTemplate.objects.order_by("revision").values_list("template_id", "revision")
    assert list(pins) == [(template.pk, 1), (template.pk, 2)]
    replayed = Ran(
        replay_execution(acting_user=None, execution_id=ran.execution_id, task_run_id=ran.run_of("hello").id)
    )
    flows.finish(replayed)
    assert replayed.states[-1] == ("hello", "SUCCESS")


def test_what_cannot_be_taken_in_fails_its_task_and_says_why(flows: FlowRunner, settings: Settings) -> None:
    assert flows.run(at_once(USES)).logs("greet") == ["Can't find flow template 'company.shared.greeting'"]
    create_template(acting_user=None, source=GREETING)
    clash = at_once(USES) + f"  - {{id: hello, type: {LOG}, message: mine}}\n"
    assert "has a task `hello`, and so has the flow" in flows.run(clash).logs("greet")[0]
    create_namespace(acting_user=None, namespace="company.shared", settings=NamespaceSettings(allowed_namespaces=[]))
    assert flows.run(at_once(USES)).logs("greet") == ["Namespace company.shared is not allowed."]
    settings.KESTRA_TEMPLATES = False
    ran = flows.run(at_once(USES).replace("uses", "off"))
    assert (ran.state, "Templates are disabled" in ran.logs("greet")[0]) == ("FAILED", True)


def test_templates_in_templates_and_one_used_twice(flows: FlowRunner) -> None:
    create_template(acting_user=None, source=GREETING)
    inner = "type: io.kestra.plugin.core.flow.Template, namespace: company.shared, templateId"
    outer = f"{{id: outer, namespace: company.shared, tasks: [{{id: i, {inner}: greeting, args: {{who: you}}}}]}}"
    create_template(acting_user=None, source=outer)
    create_template(
        acting_user=None, source=f"{{id: ring, namespace: company.shared, tasks: [{{id: r, {inner}: ring}}]}}"
    )
    ran = flows.run(
        f"{{id: nest, namespace: company.team, tasks: [{{id: a, {inner}: outer}}, {{id: b, {inner}: greeting, "
        f"args: {{who: me}}}}]}}"
    )
    assert [task for task, _ in ran.states] == ["a", "i", "hello", "b", "hello"]
    assert ran.logs() == ["hello you", "hello me"]
    ring = flows.run(f"{{id: round, namespace: company.team, tasks: [{{id: a, {inner}: ring}}]}}")
    assert (ring.state, ring.logs("r")) == ("FAILED", ["The flow template 'company.shared.ring' takes in itself"])


def test_a_template_has_tasks_and_errors_alone(flows: FlowRunner) -> None:
    with pytest.raises(Invalid) as refused:
        create_template(acting_user=None, source=GREETING + "triggers: []\n")
    assert [problem.path for problem in refused.value.problems] == ["triggers"]
    create_template(acting_user=None, source=GREETING)
    with pytest.raises(Invalid, match="already exists"):
        create_template(acting_user=None, source=GREETING)
