"""A tenant's backends in the admin console, and its bytes when it goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.common.errors import NotFound
from apps.instance.services.tenants import create_tenant, delete_tenant
from apps.isolation.catalog import HIDDEN, Kind
from apps.isolation.forms import backend_fields, read_fields, shown_values
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.selectors import ShownChoice, show_choice
from apps.isolation.services import save_choice
from apps.storage.internal_storage import namespace_file_address, open_storage
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant
from tests.factories import make_super_admin


@pytest.fixture
def root(db: None) -> User:
    return make_super_admin("root@example.com")


@pytest.fixture
def console(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


def test_form_has_the_fields_of_each_type() -> None:
    fields = backend_fields(Kind.STORAGE)

    assert {"storage", "storage__local__basePath", "storage__s3__bucket", "storage__s3__forcePathStyle"} <= set(fields)
    assert fields["storage__s3__bucket"].label == "s3: Bucket *"
    assert fields["storage__s3__secretKey"].widget.input_type == "password"  # type: ignore[attr-defined]
    shown = ShownChoice("s3", {"bucket": "b", "secretKey": HIDDEN})
    assert shown_values(Kind.STORAGE, shown) == {
        "storage": "s3", "storage__s3__bucket": "b", "storage__s3__secretKey": HIDDEN,
    }  # fmt: skip
    cleaned = {"storage": "s3", "storage__s3__bucket": "b", "storage__s3__region": "", "storage__local__basePath": "x"}
    assert read_fields(Kind.STORAGE, cleaned) == ("s3", {"bucket": "b"})
    assert read_fields(Kind.STORAGE, {"storage": ""}) == (None, {})


def test_super_admin_chooses_a_storage_in_the_console(console: Client, alpha: Tenant, tmp_path: Path) -> None:
    url = "/admin/tenants/tenant/alpha/change/"
    page = console.get(url)
    assert page.status_code == 200
    assert "storage__azure__connectionString" in page.content.decode()

    form = {"id": "alpha", "name": "Alpha", "storage": "local", "storage__local__basePath": str(tmp_path / "own")}
    assert console.post(url, form).status_code == 302
    with tenant_scope("alpha"):
        found = show_choice(Kind.STORAGE, WHOLE_TENANT)
        open_storage().put(namespace_file_address("a", "x"), b"")
    assert found == ShownChoice("local", {"basePath": str(tmp_path / "own")})
    assert (tmp_path / "own/alpha/a/_files/x").exists()
    assert str(tmp_path / "own") in console.get(url).content.decode()

    refused = console.post(url, {**form, "storage": "s3", "storage__s3__bucket": "x"}, follow=True)
    assert "The configuration of the storage type" in refused.content.decode()
    assert console.post(url, {"id": "alpha", "name": "Alpha", "storage": ""}).status_code == 302
    with tenant_scope("alpha"):
        assert show_choice(Kind.STORAGE, WHOLE_TENANT) is None


@pytest.mark.django_db(transaction=False)
def test_a_tenants_bytes_go_with_it_from_every_backend(
    root: User, alpha: Tenant, tmp_path: Path, instance_storage: Path
) -> None:
    tenant = create_tenant(acting_user=root, tenant_id="doomed")
    with tenant_scope("doomed"):
        save_choice(acting_user=root, kind=Kind.STORAGE, namespace="a", type_name="local",
                    configuration={"basePath": str(tmp_path / "of-a")})  # fmt: skip
        open_storage().put(namespace_file_address("a", "x"), b"")
        open_storage().put(namespace_file_address("b", "x"), b"")
    with tenant_scope("alpha"):
        open_storage().put(namespace_file_address("b", "x"), b"")

    delete_tenant(acting_user=root, tenant=tenant)

    assert not (tmp_path / "of-a/doomed").exists()
    assert not (instance_storage / "doomed").exists()
    assert (instance_storage / "alpha/b/_files/x").exists()
    with pytest.raises(NotFound):
        get_tenant("doomed")
