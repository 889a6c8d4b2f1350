"""The page where backends are chosen: its forms, the test of a connection, the copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from apps.accounts.models import User
from apps.isolation.catalog import HIDDEN, Kind
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.selectors import ShownChoice, show_choice
from apps.storage.internal_storage import namespace_file_address, open_storage
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.transfers.services import carry_on
from tests.factories import make_super_admin
from tests.support.cloud_servers import aws_server
from tests.support.pages import Pages

PATH = "/namespaces/edit/company.team/isolation"
HELD = "an-s3-secret-value"


@pytest.fixture(scope="module")
def s3_address() -> Iterator[str]:
    with aws_server() as address:
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a",
                              aws_secret_access_key="b")  # fmt: skip
        client.create_bucket(Bucket="team")
        yield address


def test_a_namespace_gets_its_bucket_and_what_lay_before(alpha: Tenant, alice: User, s3_address: str) -> None:
    page = Pages(alice)
    with tenant_scope("alpha"):
        open_storage().put(namespace_file_address("company.team", "x"), b"before")
    first = page.get(PATH)
    assert "the installation's own" in first.text
    assert "Nothing is moved" in first.text
    form = page.post(PATH, kind="storage", action="show", type="s3")
    assert (form.status, 'name="storage__s3__bucket"' in form.html) == (200, True)
    given = {"storage__s3__bucket": "team", "storage__s3__endpoint": s3_address, "storage__s3__accessKey": "AK",
             "storage__s3__secretKey": HELD, "storage__s3__forcePathStyle": "on",
             "kind": "storage", "type": "s3"}  # fmt: skip

    wrong = page.post(PATH, action="test", **{**given, "storage__s3__bucket": "nothing"})
    assert (wrong.status, "NoSuchBucket" in wrong.text) == (422, True)
    assert "passed" in page.post(PATH, action="test", **given).text
    with tenant_scope("alpha"):
        assert show_choice(Kind.STORAGE, "company.team") is None
    assert page.post(PATH, action="save", **given).status == 302
    shown = page.get(PATH)
    assert HELD not in shown.html
    assert shown.value_of("storage__s3__secretKey") == HIDDEN
    assert "chosen here" in shown.text
    assert page.post(PATH, action="save", **{**given, "storage__s3__secretKey": HIDDEN}).status == 302

    assert page.post(PATH, kind="storage", action="copy").status == 302
    assert "running" in page.get(PATH).text
    assert carry_on()
    assert "done" in page.get(PATH).text
    with tenant_scope("alpha"):
        assert open_storage().read(namespace_file_address("company.team", "x")) == b"before"
    below = page.get("/namespaces/edit/company.team.sub/isolation")
    assert "from company.team" in below.text
    assert page.post(PATH, kind="storage", action="save", type="").status == 302
    with tenant_scope("alpha"):
        assert show_choice(Kind.STORAGE, "company.team") is None


def test_what_belongs_to_the_machine_is_refused_on_the_page(alpha: Tenant, alice: User, tmp_path: Path) -> None:
    page = Pages(alice)
    own = {"storage__local__basePath": str(tmp_path / "own")}

    refused = page.post(PATH, kind="storage", action="save", type="local", **own)
    assert (refused.status, "only a super admin" in refused.text) == (403, True)
    assert page.get("/admin/isolation").status == 403
    root = Pages(make_super_admin("root@example.com"))
    assert root.post("/admin/isolation", kind="storage", action="save", type="local", **own).status == 302
    with tenant_scope("alpha"):
        assert show_choice(Kind.STORAGE, WHOLE_TENANT) == ShownChoice("local", {"basePath": str(tmp_path / "own")})
    assert "chosen for the tenant" in page.get(PATH).text
    assert page.post(PATH, kind="paper", action="save").status == 400
