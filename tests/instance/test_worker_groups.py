"""Worker groups: super admins announce them, all clients' paths lead to them, audit, the admin console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.clock import now
from apps.common.ids import new_id
from apps.instance.models import ServiceInstance, WorkerGroup
from apps.instance.services.worker_groups import create_worker_group
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.world import PASSWORD

PATHS = ("/cluster/workergroups", "/instance/workergroups", "/instance/worker-groups")


@pytest.fixture
def root(db: None) -> User:
    user = make_super_admin()
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def client_of_root(root: User, api: Callable[..., ApiClient]) -> ApiClient:
    return api(root, tenant=None)


def worker(groups: str, state: str = "RUNNING") -> None:
    ServiceInstance.objects.create(
        id=new_id(),
        kind="WORKER",
        host="here",
        pid=1,
        worker_group=groups,
        version="1",
        state=state,
        started=now(),
        heartbeat=now(),
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_group_is_announced_changed_and_removed(client_of_root: ApiClient, path: str) -> None:
    client = client_of_root
    made = client.post(path, {"key": "gpu", "description": "with cards"}).json()
    assert made == {
        "id": made["id"],
        "key": "gpu",
        "description": "with cards",
        "allowedTenants": [],
        "activeWorkers": 0,
    }
    assert client.post(path, {"key": "gpu"}).status_code == 409
    changed = client.put(f"{path}/{made['id']}", {"key": "gpu", "allowedTenants": ["alpha"]}).json()
    assert (changed["description"], changed["allowedTenants"]) == ("", ["alpha"])
    assert client.put(f"{path}/{made['id']}", {"key": "cpu"}).status_code == 422
    assert client.delete(f"{path}/{made['id']}").status_code == 204
    assert client.get(f"{path}/{made['id']}").status_code == 404
    assert client.get(f"{path}/no-id").status_code == 404
    types = AuditEntry.objects.filter(resource="WorkerGroup", detail__key="gpu").values_list("type", flat=True)
    assert sorted(types) == ["CREATE", "DELETE", "UPDATE"]


def test_workers_that_run_are_counted_and_shown(client_of_root: ApiClient) -> None:
    worker("gpu,large")
    worker("gpu")
    worker("gpu", state="DISCONNECTED")
    made = client_of_root.post(PATHS[0], {"key": "gpu"}).json()
    client_of_root.post(PATHS[0], {"key": "absent"})
    rows = client_of_root.get(PATHS[0]).json()["workerGroups"]
    assert [(row["key"], row["activeWorkers"]) for row in rows] == [("absent", 0), ("gpu", 2)]
    shown = client_of_root.get(f"{PATHS[0]}/{made['id']}").json()
    assert [(one["type"], one["state"], one["hostname"]) for one in shown["workers"]] == [
        ("WORKER", "RUNNING", "here")
    ] * 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "-x"}, "key"),
        ({"key": "x" * 64}, "key"),
        ({"key": "a,b"}, "key"),
        ({"key": "default"}, "key"),
        ({"key": "ok", "allowedTenants": ["nowhere"]}, "allowedTenants"),
    ],
)
def test_what_is_refused(client_of_root: ApiClient, body: dict[str, object], field: str) -> None:
    answer = client_of_root.post(PATHS[0], body)
    assert answer.status_code == 422
    assert field in answer.content.decode()
    assert not WorkerGroup.objects.exists()


def test_only_super_admins(alice: User, api: Callable[..., ApiClient]) -> None:
    client = api(alice, tenant=None)
    assert client.get(PATHS[0]).status_code == 403
    assert client.post(PATHS[0], {"key": "gpu"}).status_code == 403


def test_the_admin_console_writes_through_the_services(root: User) -> None:
    client = Client()
    client.force_login(root)
    page = "/admin/instance/workergroup/"
    assert client.post(f"{page}add/", {"key": "gpu", "description": "d", "tenants": []}).status_code == 302
    group = WorkerGroup.objects.get(key="gpu")
    changed = client.post(f"{page}{group.pk}/change/", {"description": "e", "tenants": ["alpha"]})
    assert changed.status_code == 302
    group.refresh_from_db()
    assert (group.description, group.allowed_tenants) == ("e", ["alpha"])
    assert b"gpu" in client.get(page).content
    assert client.post(f"{page}{group.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not WorkerGroup.objects.exists()
    assert AuditEntry.objects.filter(resource="WorkerGroup").count() == 3


def test_a_taken_key_is_refused_by_the_service_too(root: User) -> None:
    create_worker_group(acting_user=root, key="gpu")
    with pytest.raises(Exception, match="already a worker group 'gpu'"):
        create_worker_group(acting_user=root, key="gpu")
