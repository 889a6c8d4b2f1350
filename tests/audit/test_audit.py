"""Who did what: written with the change, in its tenant, without secrets."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.audit.services import HIDDEN, hide_secrets, record
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope, tenant_scope
from tests.factories import grant
from tests.support.api_client import ApiClient
from tests.support.world import PASSWORD


def note(user: User | None, **detail: Any) -> AuditEntry:
    return record(acting_user=user, action="UPDATE", resource="Flow", detail=detail)


def test_entry_lies_in_the_tenant_that_is_open(in_alpha: Tenant, alice: User) -> None:
    entry = note(alice, namespace="company.team", flowId="etl")
    assert AuditEntry.objects.filter(pk=entry.pk).exists()
    for other in (public_scope(), tenant_scope("beta")):
        with other:
            assert not AuditEntry.objects.filter(pk=entry.pk).exists()


def test_entry_goes_with_a_change_that_is_rolled_back(in_alpha: Tenant, alice: User) -> None:
    before = AuditEntry.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        note(alice, namespace="a")
        _ = 1 / 0
    assert AuditEntry.objects.count() == before


def test_secrets_are_hidden_at_every_depth() -> None:
    state = {
        "name": "x",
        "storage": {"accessKey": "AKIA", "region": "eu", "secretKey": "s"},
        "tokens": [{"token": "t"}],
    }
    assert hide_secrets(state) == {
        "name": "x",
        "storage": {"accessKey": HIDDEN, "region": "eu", "secretKey": HIDDEN},
        "tokens": [{"token": HIDDEN}],
    }


def test_search_filters_by_what_the_page_offers(in_alpha: Tenant, alice: User, api: Callable[..., ApiClient]) -> None:
    note(alice, namespace="company.team", flowId="etl")
    note(alice, namespace="company.team.sub", flowId="etl")
    note(None, namespace="company.teammates", flowId="other", revision=3)
    client = api(alice)

    def found(**query: Any) -> int:
        answer = client.get("/auditlogs/search", **query)
        assert answer.status_code == 200, answer.content
        total: int = answer.json()["total"]
        return total

    assert found(flowId="etl") == 2
    assert found(namespace="company.team") == 2
    assert found(namespace="company.team", flowId="etl", type="UPDATE") == 2
    assert found(details="revision:3") == 1
    assert found(q="teammates") == 1
    assert found(flowId="etl", endDate="2020-01-01T00:00:00Z") == 0
    assert found(flowId="etl", userId=alice.id) == 2
    row = client.get("/auditlogs/search", flowId="other").json()["results"][0]
    assert row["auditLog"]["detail"]["namespace"] == "company.teammates"
    assert row["auditLog"]["detail"]["cls"] == "Flow"
    assert "user" not in row, "the product itself did it"
    assert client.get("/auditlogs/search", startDate="yesterday").status_code == 400


def test_find_gives_the_last_entry_and_diff_its_states(
    in_alpha: Tenant, alice: User, api: Callable[..., ApiClient]
) -> None:
    note(alice, namespace="a", flowId="f")
    last = record(
        acting_user=alice,
        action="UPDATE",
        resource="Flow",
        detail={"namespace": "a", "flowId": "f"},
        before={"x": 1},
        after={"x": 2},
    )
    client = api(alice)
    found = client.post("/auditlogs/find", {"detail": {"namespace": "a", "flowId": "f"}}).json()
    assert found["auditLog"]["id"] == last.id
    assert found["user"] == {"id": alice.id, "username": "alice@example.com"}
    assert client.get(f"/auditlogs/{last.id}/diff").json() == {"before": '{"x":1}', "after": '{"x":2}'}
    assert client.post("/auditlogs/find", {"detail": {"flowId": "nope"}}).status_code == 404


def test_holder_in_a_namespace_sees_only_that_namespace(
    in_alpha: Tenant, alice: User, bob: User, api: Callable[..., ApiClient]
) -> None:
    grant(bob, "AUDITLOG:READ", namespace="company.team")
    note(alice, namespace="company.team", flowId="etl")
    note(alice, namespace="other", flowId="etl")
    client = api(bob)
    assert client.get("/auditlogs/search").status_code == 403
    assert client.get("/auditlogs/search", namespace="other").status_code == 403
    assert client.get("/auditlogs/search", namespace="company.team").json()["total"] == 1
    sneaky = {"namespace": "company.team", "filters[namespace][EQUALS]": "other"}
    rows = client.get("/auditlogs/search", **sneaky).json()["results"]
    assert [row["auditLog"]["detail"]["namespace"] for row in rows] == ["company.team"]


def test_sign_in_is_recorded_with_its_address(alice: User, api: Callable[..., ApiClient]) -> None:
    api().client.post("/login", {"username": "alice@example.com", "password": PASSWORD})
    entry = AuditEntry.objects.get(type="LOGIN")
    assert entry.user_id == alice.id
    assert entry.ip_address == "127.0.0.1"


def test_address_is_what_our_proxy_saw_and_not_what_the_caller_says(
    alice: User, api: Callable[..., ApiClient], settings: Settings
) -> None:
    given = {"username": "alice@example.com", "password": PASSWORD}
    headers = {"X-Forwarded-For": "1.2.3.4, 203.0.113.9"}
    for behind, seen in ((False, "127.0.0.1"), (True, "203.0.113.9")):
        settings.KESTRA_BEHIND_PROXY = behind
        api().client.post("/login", given, headers=headers)
        assert AuditEntry.objects.filter(type="LOGIN").latest("id").ip_address == seen
