"""``workerGroup`` with real rows: which groups have a worker, and whose queue a computed key means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.common.clock import now
from apps.common.ids import new_id
from apps.namespaces.selectors import inherited_cache
from apps.namespaces.services import NamespaceSettings, create_namespace
from apps.tenants.models import Tenant
from apps.tenants.selectors import forget_tenant
from apps.workflows.services.processes import register_process, sign_off
from tests.support.flow_runner import FlowRunner


def flow(group: str) -> str:
    return f"""
id: grouped
namespace: company.team
inputs: [{{id: group, type: STRING, defaults: default}}]
tasks:
  - {{id: first, type: io.kestra.plugin.core.log.Log, message: m}}
  - {{id: g, type: io.kestra.plugin.core.log.Log, message: m, workerGroup: {group}}}
"""


@pytest.mark.parametrize(("fallback", "state"), [("FAIL", "FAILED"), ("CANCEL", "KILLED")])
def test_a_group_without_a_worker(flows: FlowRunner, fallback: str, state: str) -> None:
    ran = flows.run(flow(f"{{key: absent, fallback: {fallback}}}"))
    assert ran.state == state
    assert ran.run_of("g").state == state
    assert ran.logs("g") == [f"No worker of the group `absent` is running and the task's fallback is {fallback}"]


def test_a_worker_that_serves_several_groups_counts_until_it_leaves(flows: FlowRunner) -> None:
    process = new_id()
    register_process(process, "WORKER", "gpu,large", "test", now())
    source = flow("{key: large, fallback: FAIL}")
    assert flows.run(source).state == "SUCCESS"  # in this process one driver takes the messages of all groups
    sign_off(process)
    assert flows.run(source).run_of("g").state == "FAILED"


def test_a_computed_key_goes_to_the_group_it_names(flows: FlowRunner) -> None:
    ran = flows.run(flow('{key: "{{ inputs.group }}", fallback: FAIL}'))
    assert (ran.state, ran.run_of("g").state) == ("SUCCESS", "SUCCESS")
    ran = flows.run(flow('{key: "{{ inputs.group }}", fallback: FAIL}'), {"group": "absent"})
    assert ran.state == "FAILED"


def test_a_wide_fan_out_with_a_computed_key_is_told_run_by_run(flows: FlowRunner) -> None:
    ran = flows.run(
        """
id: wide
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ range(1, 20) }}"
    concurrencyLimit: 0
    tasks:
      - {id: g, type: io.kestra.plugin.core.log.Log, message: m, workerGroup: {key: "{{ 'def' ~ 'ault' }}"}}
""",
        seconds=20,
    )
    assert (ran.state, len(ran.runs)) == ("SUCCESS", 21)


DEFAULTS = """
id: grouped_by_place
namespace: company.team
tasks:
  - {id: own, type: io.kestra.plugin.core.log.Log, message: m, workerGroup: {key: default}}
  - id: unit
    type: io.kestra.plugin.core.flow.WorkingDirectory
    allowFailure: true
    tasks:
      - {id: inside, type: io.kestra.plugin.core.log.Log, message: m}
  - {id: none, type: io.kestra.plugin.core.log.Log, message: m}
"""


@pytest.fixture
def tenant_group() -> Iterator[None]:
    """The tenant's default group is one that nobody serves."""
    Tenant.objects.filter(pk="alpha").update(worker_group={"key": "of-tenant", "fallback": "FAIL"})
    forget_tenant("alpha")
    yield
    Tenant.objects.filter(pk="alpha").update(worker_group=None)
    forget_tenant("alpha")
    inherited_cache.forget_all()


def give(namespace: str, key: str, fallback: str = "FAIL") -> None:
    create_namespace(
        acting_user=None,
        namespace=namespace,
        settings=NamespaceSettings(worker_group={"key": key, "fallback": fallback}),
    )


def said(key: str) -> list[str]:
    return [f"No worker of the group `{key}` is running and the task's fallback is FAIL"]


def test_what_names_no_group_takes_that_of_the_tenant(flows: FlowRunner, tenant_group: None) -> None:
    ran = flows.run(DEFAULTS)
    assert ran.states == [("own", "SUCCESS"), ("unit", "WARNING"), ("none", "FAILED")]
    assert (ran.logs("unit"), ran.logs("none")) == (said("of-tenant"), said("of-tenant"))


def test_the_nearest_namespace_wins(flows: FlowRunner, tenant_group: None) -> None:
    give("company", "of-company")
    assert flows.run(DEFAULTS).logs("none") == said("of-company")
    give("company.team", "default")
    ran = flows.run(DEFAULTS)
    assert [state for _, state in ran.states] == ["SUCCESS"] * 4
