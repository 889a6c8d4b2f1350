"""Processes of the installation: for who has INFRASTRUCTURE in a tenant, and for super admins everywhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.common.clock import now
from apps.common.ids import new_id
from apps.instance.models import ServiceInstance, WorkerGroup
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient

Api = Callable[..., ApiClient]


@pytest.fixture
def processes(db: None) -> list[str]:
    """A worker that runs, one that is gone, and another process."""
    names = []
    for kind, state, groups in (
        ("WORKER", "RUNNING", "default,gpu"),
        ("WORKER", "NOT_RUNNING", ""),
        ("X", "RUNNING", ""),
    ):
        names.append(new_id())
        ServiceInstance.objects.create(
            id=names[-1], kind=kind, host=f"host-{kind}", pid=7, worker_group=groups, version="1.2", state=state,
            started=now(), heartbeat=now(),
        )  # fmt: skip
    return names


def check_reads(client: ApiClient, base: str, processes: list[str]) -> None:
    active = client.get(f"{base}/active").json()
    assert active == {"total": 2, "services": [{"type": "WORKER", "total": 1}, {"type": "X", "total": 1}]}
    page = client.get(f"{base}/search", type="WORKER", sort="state:desc", size=1).json()
    assert (page["total"], page["results"][0]["id"]) == (2, processes[0])
    assert client.get(f"{base}/search", state=["NOT_RUNNING", "ERROR"]).json()["total"] == 1
    assert client.get(f"{base}/search", q="host-x").json()["total"] == 1
    one = client.get(f"{base}/{processes[0]}").json()
    assert one["server"] == {"hostname": "host-WORKER", "version": "1.2", "pid": 7}
    assert (one["type"], one["state"], one["workerGroups"]) == ("WORKER", "RUNNING", ["default", "gpu"])
    assert client.get(f"{base}/{new_id()}").status_code == 404
    assert client.get(f"{base}/nothing").status_code == 404


def test_the_admin_of_a_tenant_sees_the_processes(api: Api, alice: User, processes: list[str]) -> None:
    check_reads(api(alice), "/cluster/services", processes)


def test_a_super_admin_sees_them_without_a_tenant(api: Api, processes: list[str]) -> None:
    check_reads(api(make_super_admin(), tenant=None), "/instance/services", processes)


def test_others_see_nothing(api: Api, bob: User, alice: User, processes: list[str]) -> None:
    for path in ("active", "search", processes[0]):
        assert api(bob).get(f"/cluster/services/{path}").status_code == 403
        assert api(alice, tenant=None).get(f"/instance/services/{path}").status_code == 403
    assert api(bob).get("/cluster/workergroups").status_code == 403


def test_a_tenant_sees_the_groups_it_may_use(api: Api, alice: User) -> None:
    for key, tenants in (("all", []), ("ours", ["alpha"]), ("theirs", ["beta"])):
        WorkerGroup.objects.create(id=new_id(), key=key, allowed_tenants=tenants)
    shown = api(alice).get("/cluster/workergroups").json()["workerGroups"]
    assert [one["key"] for one in shown] == ["all", "ours"]
