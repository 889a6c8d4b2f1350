"""What concerns all namespaces of a tenant: created first, where that is asked; all secrets in one list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_super_admin, make_user
from tests.support.api_client import ApiClient

Api = Callable[..., ApiClient]


@pytest.mark.parametrize("where", ["installation", "tenant"])
def test_flows_wait_for_their_namespace_where_it_must_be_created(
    where: str, alpha: Tenant, api: Api, alice: User, settings: Settings
) -> None:
    source = "id: f\nnamespace: new.team\ntasks:\n  - {id: t, type: io.kestra.plugin.core.log.Log, message: x}\n"
    client = api(alice)

    def saved() -> Any:
        return client.client.post(client.url("/flows"), source, content_type="application/x-yaml")

    if where == "tenant":
        root = make_super_admin("root@example.com")
        answer = ApiClient(root, tenant=None).put("/tenants/alpha", {"id": "alpha", "requireExistingNamespace": True})
        assert answer.json()["requireExistingNamespace"] is True
    else:
        settings.KESTRA_REQUIRE_EXISTING_NAMESPACE = True
    refused = saved()
    assert refused.status_code == 422
    assert "The namespace 'new.team' was not created" in refused.content.decode()
    assert client.post("/namespaces", {"id": "new.team"}).status_code == 200
    assert saved().status_code == 200


def test_secrets_of_all_namespaces_are_listed_without_values(
    alpha: Tenant, api: Api, alice: User, settings: Settings
) -> None:
    settings.KESTRA_MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    client = api(alice)
    for namespace, key in (("company.a", "FIRST"), ("company", "SECOND"), ("other", "THIRD")):
        client.post("/namespaces", {"id": namespace})
        assert client.put(f"/namespaces/{namespace}/secrets", {"key": key, "value": "hidden"}).status_code == 200
    found = client.get("/secrets")
    assert [(one["namespace"], one["key"]) for one in found.json()["results"]] == [
        ("company", "SECOND"), ("company.a", "FIRST"), ("other", "THIRD"),
    ]  # fmt: skip
    assert "hidden" not in found.content.decode()
    assert [one["key"] for one in client.get("/secrets", namespace="company").json()["results"]] == ["SECOND", "FIRST"]
    assert client.get("/secrets", q="thi").json()["total"] == 1
    paged = client.get("/secrets", sort="key:desc", size=1, page=2).json()
    assert (paged["total"], paged["results"][0]["key"]) == (3, "SECOND")

    with tenant_scope("alpha"):
        reader = make_user("reader@example.com")
        grant(reader, "SECRET:READ", namespace="company.a")
    assert [one["key"] for one in ApiClient(reader).get("/secrets").json()["results"]] == ["FIRST"]
    assert ApiClient(reader).get("/secrets", namespace="other").status_code == 403
