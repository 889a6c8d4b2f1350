"""A flow that names a worker group nobody announced, or one of other tenants, is refused where it names it."""

from __future__ import annotations

import pytest

from apps.common.errors import Invalid
from apps.common.ids import new_id
from apps.instance.models import WorkerGroup
from apps.namespaces.services import NamespaceSettings, create_namespace
from apps.workflows.services.flow_checks import check_flows
from apps.workflows.services.flows import create_flow

FLOW = """
id: grouped
namespace: company.team
tasks:
  - {id: first, type: io.kestra.plugin.core.log.Log, message: m}
  - id: inner
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: g, type: io.kestra.plugin.core.log.Log, message: m, workerGroup: {key: KEY}}
"""


def announce(key: str, *tenants: str) -> None:
    WorkerGroup.objects.create(id=new_id(), key=key, allowed_tenants=list(tenants))


def test_without_any_group_every_key_is_taken(in_alpha: object) -> None:
    assert create_flow(acting_user=None, source=FLOW.replace("KEY", "anything")).changed


@pytest.mark.parametrize("key", ["gpu", "default", '"{{ inputs.group }}"', "shared"])
def test_keys_that_may_be_used(in_alpha: object, key: str) -> None:
    announce("gpu")
    announce("shared", "beta", "alpha")
    assert create_flow(acting_user=None, source=FLOW.replace("KEY", key)).changed


@pytest.mark.parametrize("key", ["gpus", "theirs"])
def test_keys_that_are_refused(in_alpha: object, key: str) -> None:
    announce("gpu")
    announce("theirs", "beta")
    source = FLOW.replace("KEY", key)
    with pytest.raises(Invalid) as refused:
        create_flow(acting_user=None, source=source)
    (problem,) = refused.value.problems
    assert problem.path == "tasks[1].tasks[0].workerGroup"
    assert f"there is no worker group `{key}` that this tenant may use" in problem.message
    (check,) = check_flows(source)
    assert [violation.path for violation in check.violations] == ["tasks[1].tasks[0].workerGroup"]
    assert ("gpu" in (check.violations[0].suggestion or "")) == (key == "gpus")


def test_a_default_group_is_checked_when_it_is_given(in_alpha: object) -> None:
    announce("gpu", "beta")
    for group, path in (
        ({"key": "gpu"}, "workerGroup.key"),
        ({"key": ""}, "workerGroup.key"),
        ({"key": "default", "fallback": "SLEEP"}, "workerGroup.fallback"),
        ({"key": "default", "queue": "x"}, "workerGroup"),
    ):
        with pytest.raises(Invalid) as refused:
            create_namespace(acting_user=None, namespace="company", settings=NamespaceSettings(worker_group=group))
        assert [problem.path for problem in refused.value.problems] == [path]
