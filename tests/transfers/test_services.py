"""Copies from the backend before into the one that holds now: verified, resumable, and of the right things alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.errors import IllegalState, NotFound
from apps.common.ids import new_id
from apps.isolation.catalog import HIDDEN, Kind
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.services import clear_choice, save_choice
from apps.secrets.services import find_secret, save_secret, secret_cache
from apps.storage.backends.base import StorageFailed
from apps.storage.backends.local import LocalStorage
from apps.storage.internal_storage import (
    namespace_file_address,
    open_storage,
    task_file_address,
)
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope, tenant_scope
from apps.timers.models import Lease
from apps.transfers.models import Transfer, TransferState
from apps.transfers.services import cancel_transfer, carry_on, start_transfer
from tests.factories import grant, make_super_admin, make_user
from tests.support.api_client import ApiClient

Api = Callable[..., ApiClient]
STORAGE = Kind.STORAGE


@pytest.fixture
def root(db: None) -> User:
    return make_super_admin("root@example.com")


def choose(user: User, namespace: str, folder: Path) -> None:
    save_choice(acting_user=user, kind=STORAGE, namespace=namespace, type_name="local",
                configuration={"basePath": str(folder)})  # fmt: skip


def put(namespace: str, *names: str) -> None:
    for name in names:
        open_storage().put(namespace_file_address(namespace, name), f"{namespace} {name}".encode())


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


def carry(*, until: int = 20) -> None:
    """As the worker does, with each wait after an error over."""
    for _ in range(until):
        with public_scope(), connection.cursor() as cursor:
            cursor.execute("UPDATE timer_lease SET free_at = now() - interval '1 second' WHERE token = ''")
        if not carry_on():
            return


def test_what_belongs_to_the_place_is_copied_and_nothing_else(
    in_alpha: Tenant, root: User, tmp_path: Path, instance_storage: Path
) -> None:
    put("a", "of-a")
    put("a.b", "one", "dir/two")
    put("a.b.c", "three")
    put("a.bc", "x")
    choose(root, "a.b.own", tmp_path / "own")
    put("a.b.own", "four")
    # Of the flow `b` in `a`: at the path of the namespace `a.b`, and yet not its.
    open_storage().put(task_file_address("a", "b", new_id(), "t", new_id(), "out"), b"x")
    choose(root, "a.b", tmp_path / "new")

    row = start_transfer(acting_user=root, kind=STORAGE, namespace="a.b")
    carry()
    row.refresh_from_db()
    assert (row.state, row.copied, row.unchanged, row.kept, row.error) == ("DONE", 3, 0, 0, "")
    assert files(tmp_path / "new") == {
        "alpha/a/b/_files/one", "alpha/a/b/_files/dir/two", "alpha/a/b/c/_files/three",
    }  # fmt: skip
    assert open_storage().read(namespace_file_address("a.b", "dir/two")) == b"a.b dir/two"
    assert len(files(instance_storage)) == 6, "nothing is taken away from where it was"
    with public_scope():
        assert not Lease.objects.exists()

    # And back, after the choice was taken back.
    put("a.b", "since")
    clear_choice(acting_user=root, kind=STORAGE, namespace="a.b")
    start_transfer(acting_user=root, kind=STORAGE, namespace="a.b")
    carry()
    assert open_storage().read(namespace_file_address("a.b", "since")) == b"a.b since"
    newest = Transfer.objects.latest("created")
    assert (newest.copied, newest.unchanged, newest.source_type, newest.source_configuration) == (1, 3, "local", "")
    assert [entry.detail["copied"] for entry in AuditEntry.objects.filter(resource="Transfer").order_by("date")] == [
        0, 3, 0, 1,
    ]  # fmt: skip


def test_what_is_newer_in_the_present_backend_stays(in_alpha: Tenant, root: User, tmp_path: Path) -> None:
    put("a", "x", "y")
    choose(root, "a", tmp_path / "new")
    open_storage().put(namespace_file_address("a", "x"), b"written since")

    row = start_transfer(acting_user=root, kind=STORAGE, namespace="a")
    carry()
    row.refresh_from_db()
    assert (row.copied, row.kept) == (1, 1)
    assert open_storage().read(namespace_file_address("a", "x")) == b"written since"


def test_an_error_is_shown_and_the_copy_goes_on_behind_the_last_file(
    in_alpha: Tenant, root: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a", *(f"{number:02}" for number in range(10)))
    choose(root, "a", tmp_path / "new")
    row = start_transfer(acting_user=root, kind=STORAGE, namespace="a")
    opened: list[str] = []
    really = LocalStorage.open

    def failing(self: LocalStorage, path: str) -> BinaryIO:
        if path.endswith("05") and len(opened) < 12:
            raise StorageFailed("The storage", "reading", "no route to host")
        opened.append(path)
        return really(self, path)

    monkeypatch.setattr(LocalStorage, "open", failing)
    assert carry_on()
    row.refresh_from_db()
    assert (row.state, row.copied, row.cursor) == ("RUNNING", 5, "alpha/a/_files/04")
    assert "no route to host" in row.error
    assert not carry_on(), "it waits a moment before it is tried again"
    opened += ["enough"] * 12
    before = len(opened)
    carry()
    row.refresh_from_db()
    assert (row.state, row.copied, row.unchanged, row.error) == ("DONE", 10, 0, "")
    assert len(opened) - before == 10, "each of the last five is read once there and once back"


def test_copy_that_reads_back_otherwise_fails(
    in_alpha: Tenant, root: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a", "x")
    choose(root, "a", tmp_path / "new")
    row = start_transfer(acting_user=root, kind=STORAGE, namespace="a")
    really = LocalStorage.put

    class Damaged:
        def __init__(self, content: Any) -> None:
            self.content = content

        def read(self, size: int = -1) -> bytes:
            return bytes(self.content.read(size)).replace(b"x", b"y")

    monkeypatch.setattr(LocalStorage, "put", lambda self, path, content: really(self, path, Damaged(content)))  # type: ignore[arg-type]
    carry()
    row.refresh_from_db()
    assert row.state == TransferState.FAILED
    assert "reads back otherwise" in row.error


def test_a_cancelled_copy_stops_at_the_next_file(
    in_alpha: Tenant, root: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.transfers.services.carry.SAVED_EVERY", 0.0)
    put("a", "1", "2", "3")
    choose(root, "a", tmp_path / "new")
    start_transfer(acting_user=root, kind=STORAGE, namespace="a")
    with pytest.raises(IllegalState, match="under way already"):
        start_transfer(acting_user=root, kind=STORAGE, namespace="a")
    really = LocalStorage.put

    def put_and_cancel(self: LocalStorage, path: str, content: BinaryIO) -> int:
        if path.endswith("/2"):
            cancel_transfer(acting_user=root, kind=STORAGE, namespace="a")
        return really(self, path, content)

    monkeypatch.setattr(LocalStorage, "put", put_and_cancel)
    carry()
    row = Transfer.objects.get()
    assert (row.state, files(tmp_path / "new")) == ("CANCELLED", {"alpha/a/_files/1", "alpha/a/_files/2"})
    with pytest.raises(NotFound):
        cancel_transfer(acting_user=root, kind=STORAGE, namespace="a")


def test_secrets_are_copied_with_their_descriptions_and_tags(
    in_alpha: Tenant, root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.secret_servers import secret_manager_server

    for namespace in ("a", "a.b"):
        save_secret(acting_user=None, namespace=namespace, key="K", value=f"of {namespace}", description="d",
                    tags={"t": "v"})  # fmt: skip
    save_secret(acting_user=None, namespace="z", key="K", value="of z")
    with secret_manager_server() as (address, server):
        given = {"endpoint": address, "project": "tests"}
        save_choice(acting_user=root, kind=Kind.SECRET, namespace="a", type_name="google-secret-manager",
                    configuration=given)  # fmt: skip
        save_secret(acting_user=None, namespace="a", key="K", value="written since")
        row = start_transfer(acting_user=root, kind=Kind.SECRET, namespace="a")
        carry()
        row.refresh_from_db()
        assert (row.state, row.copied, row.kept, row.error) == ("DONE", 1, 1, "")
        secret_cache.forget_all()
        assert [find_secret(namespace, "K") for namespace in ("a", "a.b", "z")] == ["written since", "of a.b", "of z"]
        copied = next(held for held in server.secrets.values() if held["annotations"]["namespace"] == "a.b")
        assert (copied["annotations"]["description"], copied["labels"]["t"]) == ("d", "v")
        assert len(server.secrets) == 2


def test_nothing_is_copied_where_nothing_was_changed(in_alpha: Tenant, root: User, tmp_path: Path) -> None:
    with pytest.raises(IllegalState, match="never changed"):
        start_transfer(acting_user=root, kind=STORAGE, namespace="a")
    choose(root, WHOLE_TENANT, tmp_path / "one")
    put("q", "x")
    choose(root, "a", tmp_path / "two")
    choose(root, WHOLE_TENANT, tmp_path / "three")
    put("q", "y")
    start_transfer(acting_user=root, kind=STORAGE, namespace=WHOLE_TENANT)
    carry()
    assert files(tmp_path / "three") == {"alpha/q/_files/x", "alpha/q/_files/y"}


@pytest.fixture
def changed(alpha: Tenant, root: User, tmp_path: Path) -> Iterator[Path]:
    """The storage of `company.team` was changed; there are two files before."""
    with tenant_scope("alpha"):
        put("company.team", "x", "y")
        choose(root, "company.team", tmp_path / "new")
    yield tmp_path / "new"


def test_routes_show_the_source_and_start_a_copy(api: Api, alice: User, root: User, changed: Path) -> None:
    client, path = api(alice), "/namespaces/company.team.sub/isolation/storage"
    shown = client.get(path).json()
    assert (shown["type"], shown["source"], "configuration" in shown) == ("local", "company.team", False)
    path = "/namespaces/company.team/isolation/storage"
    assert client.get(path).json()["former"] == "as around it"
    assert "Nothing is moved" in client.get(path).json()["notMoved"]
    assert {item["type"] for item in client.get(f"{path}/types").json()} >= {"local", "s3", "azure", "gcs"}

    started = client.post(f"{path}/copy")
    assert (started.status_code, started.json()["state"], started.json()["source"]) == (200, "RUNNING", "instance")
    assert client.post(f"{path}/copy").status_code == 409
    carry()
    done = client.get(path).json()["transfer"]
    assert (done["state"], done["copied"], done["requestedBy"]) == ("DONE", 2, alice.username)
    assert client.delete(f"{path}/copy").status_code == 404
    assert client.get("/namespaces/company.team/isolation/paper").status_code == 404
    instance = api(root, tenant=None)
    assert instance.get("/tenants/alpha/isolation/secret").json()["source"] == "instance"
    assert instance.post("/tenants/alpha/isolation/storage/copy").status_code == 409
    assert api(alice, tenant=None).get("/tenants/alpha/isolation/secret").status_code == 403


def test_who_may_not_read_a_thing_cannot_have_it_copied(api: Api, alpha: Tenant, changed: Path) -> None:
    with tenant_scope("alpha"):
        keeper = make_user("keeper@example.com")
        grant(keeper, "NAMESPACE:READ", "NAMESPACE:UPDATE", "FLOW:READ", namespace="company.team")
    client = api(keeper)

    for kind in ("storage", "secret"):
        answer = client.post(f"/namespaces/company.team/isolation/{kind}/copy")
        assert answer.status_code == 403, answer.content
    assert client.get("/namespaces/company.team/isolation/storage").json().get("configuration") is not None
    assert HIDDEN not in client.get("/namespaces/company.team/isolation/secret").content.decode()
