"""Internal storage as the other apps call it: one tenant's files, and never another's."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from apps.common.current_tenant import NoTenantOpen
from apps.storage.backends.local import LocalConfig, LocalStorage
from apps.storage.internal_storage import FileMissing, InternalStorage, StorageMisconfigured, open_storage
from apps.storage.internal_storage.choice import make_backend
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope, tenant_scope


@pytest.fixture
def backend(tmp_path: Path) -> LocalStorage:
    return LocalStorage(LocalConfig(base_path=tmp_path / "base"))


@pytest.fixture
def storage(backend: LocalStorage) -> InternalStorage:
    return InternalStorage("main", backend_for=lambda address: backend)


def test_bytes_streams_and_files_are_stored(storage: InternalStorage, tmp_path: Path) -> None:
    (tmp_path / "local.txt").write_text("from a file")

    assert storage.put("kestra:///a/1", b"bytes") == 5
    assert storage.put("kestra:///a/2", io.BytesIO(b"stream")) == 6
    assert storage.put("kestra:///a/3", tmp_path / "local.txt") == 11
    assert [storage.read(f"kestra:///a/{number}") for number in (1, 2, 3)] == [b"bytes", b"stream", b"from a file"]
    assert [found.path for found in storage.list("kestra:///a")] == [f"kestra:///a/{number}" for number in (1, 2, 3)]
    assert storage.attributes("kestra:///a/1").path == "kestra:///a/1"
    assert (storage.size("kestra:///a/1"), storage.exists("kestra:///a/9")) == (5, False)


def test_tenants_do_not_see_one_another(storage: InternalStorage, backend: LocalStorage) -> None:
    other = InternalStorage("other", backend_for=lambda address: backend)
    storage.put("kestra:///a/1", b"of main")

    with pytest.raises(FileMissing, match="no file"):
        other.open("kestra:///a/1")
    other.put("kestra:///a/1", b"of other")
    assert other.delete_prefix("kestra:///a") == ["kestra:///a/1"]
    assert storage.read("kestra:///a/1") == b"of main"


def test_missing_file_is_what_plugins_expect(storage: InternalStorage) -> None:
    with pytest.raises(FileNotFoundError, match="There is no file at"):
        storage.open("kestra:///a/none")


def test_move_between_two_backends_copies(storage: InternalStorage, backend: LocalStorage, tmp_path: Path) -> None:
    second = LocalStorage(LocalConfig(base_path=tmp_path / "second"))
    parted = InternalStorage(
        "main", backend_for=lambda address: second if address.startswith("kestra:///b/") else backend
    )
    storage.put("kestra:///a/x/1", b"one")
    storage.put("kestra:///a/x/deep/2", b"two")

    parted.move("kestra:///a/x", "kestra:///b/y")

    assert parted.read("kestra:///b/y/deep/2") == b"two"
    assert not storage.exists("kestra:///a/x")
    assert not storage.exists("kestra:///b/y/1")


def test_backend_is_found_by_its_type_name(tmp_path: Path) -> None:
    assert isinstance(make_backend("local", {"basePath": str(tmp_path)}), LocalStorage)
    with pytest.raises(StorageMisconfigured, match=r"known are: .*local"):
        make_backend("paper", {})
    with pytest.raises(StorageMisconfigured, match="bucket"):
        make_backend("local", {"basePath": str(tmp_path), "bucket": "b"})


def test_storage_is_that_of_the_open_tenant(alpha: Tenant) -> None:
    with tenant_scope("alpha"):
        assert open_storage().tenant_id == "alpha"
    with public_scope(), pytest.raises(NoTenantOpen):
        open_storage()
