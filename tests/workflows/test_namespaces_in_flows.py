"""What a namespace gives to its flows: variables, plugin defaults; and who may use it."""

from __future__ import annotations

from pytest_django import Settings

from apps.namespaces.services import NamespaceSettings, create_namespace, set_kv, update_namespace
from apps.workflows.services.flow_checks import check_flows
from apps.workflows.views.flow_source import diagnostics
from tests.support.flow_runner import FlowRunner

LOG = "io.kestra.plugin.core.log.Log"
RETURN = "io.kestra.plugin.core.debug.Return"


def make(namespace: str, **settings: object) -> None:
    create_namespace(acting_user=None, namespace=namespace, settings=NamespaceSettings(**settings))  # type: ignore[arg-type]


def test_variables_of_the_namespace_and_its_parents(flows: FlowRunner) -> None:
    make("company", variables={"db": {"host": "h", "port": 1}, "raw": "{{ flow.id }}"})
    make("company.team", variables={"db": {"port": 2}})
    ran = flows.run(
        f"""
        id: reads_variables
        namespace: company.team
        tasks:
          - {{id: a, type: {RETURN}, format: "{{{{ namespace.db.host }}}} {{{{ namespace.db.port }}}}"}}
          - {{id: b, type: {RETURN}, format: "{{{{ namespace.raw }}}} {{{{ render(namespace.raw) }}}}"}}
          - {{id: c, type: {RETURN}, format: "{{{{ namespace.none ?? 'absent' }}}}"}}
        """
    )

    assert [run.outputs["value"] for run in ran.runs] == ["h 2", "{{ flow.id }} reads_variables", "absent"]


def test_plugin_defaults_of_namespaces_reach_a_run_and_its_next_one(flows: FlowRunner) -> None:
    make("company", plugin_defaults=[{"type": RETURN, "values": {"format": "of company"}}])
    make("company.team", plugin_defaults=[{"type": LOG, "forced": True, "values": {"message": "forced"}}])
    source = f"""
        id: takes_defaults
        namespace: company.team
        tasks:
          - {{id: a, type: {RETURN}}}
          - {{id: b, type: {LOG}, message: own}}
        """

    ran = flows.run(source)
    assert ran.run_of("a").outputs == {"value": "of company"}
    assert ran.logs("b") == ["forced"]

    update_namespace(
        acting_user=None,
        namespace="company",
        settings=NamespaceSettings(plugin_defaults=[{"type": RETURN, "values": {"format": "changed"}}]),
    )
    again = flows.run(source)
    assert again.run_of("a").outputs == {"value": "changed"}


def test_plugin_defaults_of_the_installation_are_the_weakest_unless_forced(
    flows: FlowRunner, settings: Settings
) -> None:
    settings.KESTRA_PLUGIN_DEFAULTS = [
        {"type": RETURN, "values": {"format": "of the installation", "description": "everywhere"}},
        {"type": LOG, "forced": True, "values": {"level": "ERROR", "message": "forced by the installation"}},
    ]
    make("company", plugin_defaults=[{"type": LOG, "forced": True, "values": {"message": "forced by company"}}])
    make("company.team", plugin_defaults=[{"type": RETURN, "values": {"format": "of the team"}}])
    source = f"""
        id: takes_defaults
        namespace: NAMESPACE
        tasks:
          - {{id: given, type: {RETURN}}}
          - {{id: own, type: {RETURN}, format: own}}
          - {{id: said, type: {LOG}, message: own, level: INFO}}
        """

    far = flows.run(source.replace("NAMESPACE", "elsewhere"))
    near = flows.run(source.replace("NAMESPACE", "company.team"))

    assert [run.outputs["value"] for run in far.runs[:2]] == ["of the installation", "own"]
    assert [run.outputs["value"] for run in near.runs[:2]] == ["of the team", "own"]
    assert far.logs("said", level=5) == ["forced by the installation"]
    assert near.logs("said", level=5) == ["forced by company"]


def test_a_default_makes_a_flow_whole_when_it_is_checked_too(flows: FlowRunner) -> None:
    make("company", plugin_defaults=[{"type": LOG, "values": {"message": "given"}}])
    source = f"{{id: lacks, namespace: company.team, tasks: [{{id: a, type: {LOG}}}]}}"
    (inside,) = check_flows(source)
    (outside,) = check_flows(source.replace("company.team", "elsewhere"))
    assert (inside.constraints, diagnostics(source)) == (None, [])
    assert "message" in (outside.constraints or "")


def test_namespace_that_allows_nobody_is_closed_to_kv_and_subflows(flows: FlowRunner) -> None:
    make("closed", allowed_namespaces=[])
    make("shared", allowed_namespaces=["company"])
    for namespace in ("closed", "shared"):
        set_kv(acting_user=None, namespace=namespace, key="k", value="of " + namespace)
        flows.save(f"{{id: child, namespace: {namespace}, tasks: [{{id: a, type: {LOG}, message: hi}}]}}")

    def get_from(namespace: str) -> str:
        ran = flows.run(
            f"""
            id: gets_from_{namespace}
            namespace: company.team
            tasks:
              - {{id: get, type: io.kestra.plugin.core.kv.Get, key: k, namespace: {namespace}}}
            """
        )
        return str((ran.run_of("get").outputs or {}).get("value", ran.logs("get")))

    def call(namespace: str) -> str:
        ran = flows.run(
            f"""
            id: calls_{namespace}
            namespace: company.team
            tasks:
              - id: call
                type: io.kestra.plugin.core.flow.Subflow
                namespace: {namespace}
                flowId: child
            """
        )
        return ran.state

    assert get_from("shared") == "of shared"
    assert "Namespace closed is not allowed." in get_from("closed")
    assert (call("shared"), call("closed")) == ("SUCCESS", "FAILED")
    own = flows.run(
        """
        id: own
        namespace: closed
        tasks: [{id: get, type: io.kestra.plugin.core.kv.Get, key: k}]
        """
    )
    assert own.run_of("get").outputs == {"value": "of closed"}


def test_expression_kv_and_secret_ask_the_same_question(flows: FlowRunner) -> None:
    make("closed", allowed_namespaces=[])
    set_kv(acting_user=None, namespace="closed", key="k", value="hidden")
    for function in ("kv('k', 'closed')", "secret('k', 'closed')"):
        ran = flows.run(
            f"""
            id: asks
            namespace: company.team
            tasks: [{{id: a, type: {RETURN}, format: "{{{{ {function} }}}}"}}]
            """
        )
        assert ran.state == "FAILED"
        assert "Namespace closed is not allowed." in " ".join(ran.logs("a"))
