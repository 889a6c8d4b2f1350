"""KV pairs: row and file stay together, whatever fails in between; expired pairs are gone; writes are audited."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.current_tenant import NoTenantOpen
from apps.common.errors import Expired, IllegalArgument, NotFound
from apps.namespaces.catalog import KvType, TypedValue
from apps.namespaces.key_values import NamespaceKeyValues
from apps.namespaces.models import KeyValue
from apps.namespaces.selectors import ValueLost, get_kv, list_kv, require_kv
from apps.namespaces.services import (
    KeyExists,
    delete_kv,
    delete_kv_keys,
    delete_namespace_kv,
    purge_expired_kv,
    set_kv,
    sweep_kv_files,
)
from apps.storage.internal_storage import InternalStorage
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.workflows.plugin_api.run_context import KeyValueStore

NAMESPACE = "company.team"


def put(key: str, value: Any = "value", **options: Any) -> KeyValue:
    return set_kv(acting_user=None, namespace=NAMESPACE, key=key, value=value, **options)


def value_of(key: str) -> Any:
    found = get_kv(NAMESPACE, key)
    return None if found is None else found.value


def files(folder: Path, tenant: str = "alpha") -> list[str]:
    return sorted(found.name.split(".")[0] for found in (folder / tenant).rglob("*.ion"))


def test_pair_is_stored_replaced_and_removed(committed_alpha: str, storage_folder: Path) -> None:
    first = put("a", {"x": 1}, description="first")
    second = put("a", 5)

    assert (first.pk, first.version != second.version) == (second.pk, True)
    assert get_kv(NAMESPACE, "a") == TypedValue(KvType.NUMBER, 5)
    assert (second.description, second.type, second.size) == ("first", "NUMBER", 1)
    assert files(storage_folder) == ["a"]
    assert delete_kv(acting_user=None, namespace=NAMESPACE, key="a")
    assert not delete_kv(acting_user=None, namespace=NAMESPACE, key="a")
    assert (value_of("a"), files(storage_folder)) == (None, [])


def test_value_lies_below_its_namespace_as_ion(committed_alpha: str, storage_folder: Path) -> None:
    row = put("my.key", {"x": "y"})

    assert (storage_folder / "alpha/company/team/_kv" / f"my.key.{row.version}.ion").read_text() == '{"x":"y"}'


def test_rolled_back_write_changes_nothing(committed_alpha: str, storage_folder: Path) -> None:
    put("a", "old")
    with pytest.raises(RuntimeError, match="the caller fails"), transaction.atomic():
        put("a", "new")
        put("b", "new")
        delete_kv(acting_user=None, namespace=NAMESPACE, key="a")
        raise RuntimeError("the caller fails")

    assert (value_of("a"), value_of("b")) == ("old", None)


def test_write_that_fails_takes_its_file_along(
    committed_alpha: str, storage_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a", "old")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no row")

    monkeypatch.setattr(KeyValue, "save", fail)
    with pytest.raises(RuntimeError, match="no row"):
        put("a", "new")
    assert (value_of("a"), files(storage_folder)) == ("old", ["a"])


def test_write_whose_storage_fails_leaves_the_old_value(
    committed_alpha: str, storage_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a", "old")

    def fail(*args: Any, **kwargs: Any) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(InternalStorage, "put", fail)
    with pytest.raises(OSError, match="disk full"):
        put("a", "new")
    assert value_of("a") == "old"


def test_old_file_that_cannot_be_removed_does_not_fail_the_write(
    committed_alpha: str, storage_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put("a", "old")

    def fail(*args: Any, **kwargs: Any) -> bool:
        raise OSError("storage is away")

    with monkeypatch.context() as broken:
        broken.setattr(InternalStorage, "delete", fail)
        put("a", "new")

    assert (value_of("a"), files(storage_folder)) == ("new", ["a", "a"])
    assert "storage is away" in caplog.text
    assert sweep_kv_files() == 0
    with time_machine.travel(timedelta(days=2)):
        assert sweep_kv_files() == 1
    assert (value_of("a"), files(storage_folder)) == ("new", ["a"])


def test_reader_meets_the_new_value_when_the_old_file_goes_under_its_hands(
    committed_alpha: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a", "old")
    read, changed = InternalStorage.read, iter([True])

    def read_late(storage: InternalStorage, address: str) -> bytes:
        if next(changed, False):
            put("a", "new")
        return read(storage, address)

    monkeypatch.setattr(InternalStorage, "read", read_late)
    assert value_of("a") == "new"


def test_lost_value_is_an_error_and_not_an_absent_pair(committed_alpha: str, storage_folder: Path) -> None:
    put("a")
    for file in storage_folder.rglob("*.ion"):
        file.unlink()

    with pytest.raises(ValueLost, match="set the key again"):
        get_kv(NAMESPACE, "a")


def test_writers_of_one_key_leave_one_pair_and_one_file(committed_alpha: str, storage_folder: Path) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def write(number: int) -> None:
        try:
            with tenant_scope(committed_alpha):
                together.wait(10)
                for turn in range(5):
                    put("a", number * 100 + turn)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert value_of("a") in {number * 100 + 4 for number in range(4)}
    assert (KeyValue.objects.count(), files(storage_folder)) == (1, ["a"])


def test_overwrite_can_be_refused(in_alpha: Tenant, frozen_clock: time_machine.Traveller) -> None:
    put("a", "old", ttl=timedelta(hours=1))
    with pytest.raises(KeyExists):
        put("a", "new", overwrite=False)
    assert value_of("a") == "old"

    frozen_clock.shift(timedelta(hours=1))
    put("a", "new", overwrite=False)
    assert value_of("a") == "new"


def test_expired_pair_is_gone(in_alpha: Tenant, frozen_clock: time_machine.Traveller) -> None:
    put("a", ttl=timedelta(minutes=5))
    put("b")
    frozen_clock.shift(timedelta(minutes=4, seconds=59))
    assert value_of("a") == "value"

    frozen_clock.shift(timedelta(seconds=1))
    assert value_of("a") is None
    assert [row.key for row in list_kv(NAMESPACE)] == ["b"]
    with pytest.raises(Expired):
        require_kv(NAMESPACE, "a")
    with pytest.raises(NotFound):
        require_kv(NAMESPACE, "none")
    assert delete_kv_keys(acting_user=None, namespace=NAMESPACE, keys=["a", "b", "none"]) == ["b"]
    assert KeyValue.objects.count() == 0


def test_new_value_without_ttl_never_expires(in_alpha: Tenant) -> None:
    put("a", ttl=timedelta(minutes=5))

    assert put("a").expires is None


def test_purge_removes_expired_pairs_and_their_files(committed_alpha: str, storage_folder: Path) -> None:
    for number in range(5):
        put(f"old{number}", ttl=timedelta(minutes=number + 1))
    put("new", ttl=timedelta(days=1))
    put("ever")
    with time_machine.travel(timedelta(hours=1)):
        assert purge_expired_kv(limit=2) == 2
        assert purge_expired_kv() == 3
        assert purge_expired_kv() == 0

    assert files(storage_folder) == ["ever", "new"]


def test_deleted_namespace_takes_its_pairs_and_not_those_below(committed_alpha: str, storage_folder: Path) -> None:
    put("a")
    put("b")
    set_kv(acting_user=None, namespace="company.team.sub", key="c", value=1)

    assert delete_namespace_kv(namespace=NAMESPACE) == 2
    assert (files(storage_folder), value_of("a")) == (["c"], None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"key": "-a"}, "Key must start"),
        ({"namespace": "Not A Namespace"}, "is no namespace"),
        ({"namespace": "a._kv"}, "begins with _"),
        ({"ttl": timedelta(0)}, "longer than nothing"),
        ({"ttl": timedelta.max}, "too long"),
        ({"value": float("nan")}, "no number"),
    ],
)
def test_bad_pair_is_refused_and_nothing_stored(
    in_alpha: Tenant, storage_folder: Path, options: dict[str, Any], text: str
) -> None:
    wanted: dict[str, Any] = {"acting_user": None, "namespace": NAMESPACE, "key": "a", "value": 1, **options}
    with pytest.raises(IllegalArgument, match=text):
        set_kv(**wanted)
    assert KeyValue.objects.count() == 0
    assert list(storage_folder.rglob("*.ion")) == []


def test_tenants_have_pairs_of_their_own(alpha: Tenant, beta: Tenant) -> None:
    with tenant_scope("alpha"):
        put("a", "of alpha")
    with tenant_scope("beta"):
        assert value_of("a") is None
        put("a", "of beta")
    with tenant_scope("alpha"):
        assert value_of("a") == "of alpha"
    with pytest.raises(NoTenantOpen):
        value_of("a")


def test_persons_write_is_audited_without_the_value(in_alpha: Tenant, alice: User) -> None:
    set_kv(acting_user=alice, namespace=NAMESPACE, key="a", value="hidden", ttl=timedelta(hours=1))
    set_kv(acting_user=alice, namespace=NAMESPACE, key="a", value=12)
    delete_kv(acting_user=alice, namespace=NAMESPACE, key="a")
    put("a")

    entries = list(AuditEntry.objects.filter(resource="KeyValue").order_by("id"))
    assert [(entry.type, entry.namespace, entry.detail["key"]) for entry in entries] == [
        (kind, NAMESPACE, "a") for kind in ("CREATE", "UPDATE", "DELETE")
    ]
    assert {entry.user_name for entry in entries} == {"alice@example.com"}
    assert (entries[1].before["type"], entries[1].after["type"]) == ("STRING", "NUMBER")
    assert not any("hidden" in str((entry.before, entry.after, entry.detail)) for entry in entries)


def test_running_task_sees_a_store(in_alpha: Tenant) -> None:
    store: KeyValueStore = NamespaceKeyValues(NAMESPACE)
    store.set("a", "PT5M", ttl=timedelta(hours=1))
    store.set("b", "123.45", kv_type="NUMBER")

    assert (store.get("a"), store.get("b"), store.keys(), store.keys("b")) == (
        timedelta(minutes=5),
        123.45,
        ["a", "b"],
        ["b"],
    )
    with pytest.raises(FileExistsError):
        store.set("a", 1, overwrite=False)
    assert (store.delete("a"), store.delete("a")) == (True, False)
    with pytest.raises(KeyError):
        store.get("a")
