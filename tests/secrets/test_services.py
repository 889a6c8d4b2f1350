"""Secrets as the product uses them: inheritance, backends per level, cache, routes, expressions; never shown."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.errors import Forbidden, IllegalArgument, NotFound
from apps.isolation.catalog import HIDDEN, BackendMisconfigured, Kind, make_backend
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.services import ConnectionFailed, clear_choice, save_choice
from apps.secrets.backends.base import SecretBackend, SecretBackendFailed, SecretsReadOnly
from apps.secrets.catalog import Place
from apps.secrets.models import Secret
from apps.secrets.services import delete_secret, describe_secret, find_secret, list_inherited_secrets, save_secret
from apps.secrets.services.lookup import secret_cache
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_super_admin, make_user
from tests.support.api_client import ApiClient
from tests.support.cloud_servers import VAULT_TOKEN, free_port
from tests.support.unsteady_proxy import unsteady

Api = Callable[..., ApiClient]
Configure = Callable[[str], dict[str, Any]]
VALUE = "the-hidden-value"


def save(namespace: str, key: str, value: str = VALUE) -> None:
    save_secret(acting_user=None, namespace=namespace, key=key, value=value)


def test_nearest_namespace_gives_the_value(in_alpha: Tenant) -> None:
    save("a", "K", "of a")
    save("a.b", "K", "of b")

    assert [find_secret(namespace, "K") for namespace in ("a.b.c", "a.b", "a.bc", "a", "z")] == [
        "of b", "of b", "of a", "of a", None,
    ]  # fmt: skip
    save("a", "L")
    assert list_inherited_secrets("a.b.c") == {"a.b": ["K"], "a": ["K", "L"]}


def test_value_is_encrypted_and_opens_in_its_tenant_alone(alpha: Tenant, beta: Tenant) -> None:
    with tenant_scope("alpha"):
        save("a", "K")
        stored = Secret.objects.get().value
    assert VALUE not in stored
    with tenant_scope("beta"):
        assert find_secret("a", "K") is None
        Secret.objects.create(namespace="a", key="K", value=stored)
        with pytest.raises(Exception, match="no data key"):
            find_secret("a", "K")


def test_each_level_is_asked_in_the_backend_that_holds_for_it(
    in_alpha: Tenant, alice: User, configuration: Configure, vault_address: str, aws_address: str
) -> None:
    save("a", "K", "table, a")
    save("a.b", "K", "table, a.b: out of reach")
    save_choice(acting_user=alice, kind=Kind.SECRET, namespace="a.b", type_name="vault",
                configuration=configuration("vault"))  # fmt: skip
    save_choice(acting_user=alice, kind=Kind.SECRET, namespace="a.b.c", type_name="aws-secret-manager",
                configuration=configuration("aws-secret-manager"))  # fmt: skip

    assert find_secret("a.b.c", "K") == "table, a"
    save("a.b", "K", "vault")
    assert find_secret("a.b.c", "K") == "vault"
    save("a.b.c", "K", "aws")
    assert [find_secret(namespace, "K") for namespace in ("a.b.c.d", "a.b.c", "a.b", "a.bc")] == [
        "aws", "aws", "vault", "table, a",
    ]  # fmt: skip
    assert Secret.objects.filter(key="K").count() == 2
    found = httpx.get(f"{vault_address}/v1/secret/data/alpha/a/b/K", headers={"X-Vault-Token": VAULT_TOKEN}).json()
    assert found["data"]["data"] == {"value": "vault"}
    clear_choice(acting_user=alice, kind=Kind.SECRET, namespace="a.b")
    secret_cache.forget_all()
    assert find_secret("a.b", "K") == "table, a.b: out of reach"


def test_environment_is_asked_last_and_never_by_an_isolated_namespace(
    in_alpha: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch, configuration: Configure
) -> None:
    monkeypatch.setenv("SECRET_MY_KEY", base64.b64encode(b"from outside").decode() + "\n")
    monkeypatch.setenv("SECRET_BAD", "not base64!")

    assert find_secret("a.b", "my_key") == "from outside"
    save("a", "my_key", "stored")
    assert find_secret("a.b", "my_key") == "stored"
    with pytest.raises(SecretBackendFailed, match="must be text in base64") as found:
        find_secret("a.b", "BAD")
    assert "not base64!" not in str(found.value)
    save_choice(acting_user=alice, kind=Kind.SECRET, namespace="z", type_name="aws-secret-manager",
                configuration=configuration("aws-secret-manager"))  # fmt: skip
    assert find_secret("z.y", "MY_KEY") is None
    with pytest.raises(Forbidden, match="only a super admin"):
        save_choice(acting_user=alice, kind=Kind.SECRET, namespace="a", type_name="environment", configuration={})


def test_cache_answers_without_a_query_until_a_change(
    in_alpha: Tenant, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    save("a", "K", "one")
    assert find_secret("a.b", "K") == "one"
    with django_assert_num_queries(0):
        assert find_secret("a.b", "K") == "one"
        start = time.perf_counter()
        for _ in range(1000):
            find_secret("a.b", "K")
        assert (time.perf_counter() - start) / 1000 < 0.000_1  # 20 µs wanted; a busy machine is forgiven
    save("a", "K", "two")
    assert find_secret("a.b", "K") == "two"
    delete_secret(acting_user=None, namespace="a", key="K")
    assert find_secret("a.b", "K") is None

    settings.KESTRA_SECRET_CACHE = {"seconds": 60.0, "most": 2}
    for key in ("A", "B", "C"):
        save("a", key, key)
    for key in ("A", "B", "C"):
        find_secret("a", key)
    assert [secret_cache.get("alpha", "a", key) for key in ("A", "B", "C")] == [None, "B", "C"]


def test_cache_ends_and_never_crosses_tenants(alpha: Tenant, beta: Tenant, settings: Settings) -> None:
    settings.KESTRA_SECRET_CACHE = {"seconds": 0.0, "most": 10}
    with tenant_scope("alpha"):
        save("a", "K")
        assert find_secret("a", "K") == VALUE
        Secret.objects.all().delete()
        assert find_secret("a", "K") is None
        settings.KESTRA_SECRET_CACHE = {"seconds": 60.0, "most": 10}
        save("a", "K")
        assert find_secret("a", "K") == VALUE
    with tenant_scope("beta"):
        assert find_secret("a", "K") is None


@pytest.mark.parametrize("key", ["", "a/b", "../K", "a b", "%2e", "K" * 201, "é", "-x", "a\n"])
def test_key_that_could_leave_its_place_is_refused(in_alpha: Tenant, key: str) -> None:
    for attempt in (
        lambda: find_secret("a", key),
        lambda: save("a", key),
        lambda: delete_secret(acting_user=None, namespace="a", key=key),
        lambda: describe_secret(acting_user=None, namespace="a", key=key, description="", tags={}),
    ):
        with pytest.raises(IllegalArgument):
            attempt()
    assert find_secret("../beta", "K") is None
    with pytest.raises(IllegalArgument, match="no namespace"):
        save("../beta", "K")


# Vault


@pytest.mark.parametrize("way", ["approle", "userpass"])
def test_vault_is_entered_by_each_way(in_alpha: Tenant, vault_address: str, root: httpx.Client, way: str) -> None:
    if way == "approle":
        role = root.get("auth/approle/role/kestra/role-id").json()["data"]["role_id"]
        secret_id = root.post("auth/approle/role/kestra/secret-id").json()["data"]["secret_id"]
        given: dict[str, Any] = {"appRole": {"roleId": role, "secretId": secret_id}}
    else:
        given = {"password": {"user": "kestra", "password": "Passw0rd"}}
    backend: SecretBackend = make_backend(Kind.SECRET, "vault", {"address": vault_address, **given})
    place = Place("alpha", f"way.{way}")

    backend.write(place, "K", VALUE, description="", tags={})
    assert backend.read(place, "K") == VALUE
    root.post("auth/token/revoke", json={"token": backend._token})  # type: ignore[attr-defined]
    assert backend.read(place, "K") == VALUE, "a refused token is asked for again"


def test_vault_is_asked_again_when_busy_and_told_when_down(vault_address: str, in_alpha: Tenant) -> None:
    token = {"token": {"token": VAULT_TOKEN}}
    with unsteady(vault_address) as (address, faults):
        backend: SecretBackend = make_backend(Kind.SECRET, "vault", {"address": address, **token})
        faults.refuse = 1
        assert backend.write(Place("alpha", "busy"), "K", VALUE, description="", tags={}) is True
        assert faults.refuse == 0
    wrong: SecretBackend = make_backend(
        Kind.SECRET, "vault", {"address": vault_address, "token": {"token": "wrong-token"}}
    )
    with pytest.raises(SecretBackendFailed, match=r"failed at reading 'K': HTTP 403") as found:
        wrong.read(Place("alpha", "busy"), "K")
    assert "wrong-token" not in str(found.value)


def test_vault_that_is_managed_elsewhere_is_read_only(
    in_alpha: Tenant, alice: User, vault_address: str, root: httpx.Client
) -> None:
    root.post("secret/data/team/shared/DB", json={"data": {"user": "me", "password": VALUE}}).raise_for_status()
    given = {"address": vault_address, "token": {"token": VAULT_TOKEN}, "readOnly": True,
             "secretPathPrefix": "team/shared"}  # fmt: skip
    save_choice(acting_user=alice, kind=Kind.SECRET, namespace="ro", type_name="vault", configuration=given)

    assert json.loads(find_secret("ro.x", "DB") or "") == {"user": "me", "password": VALUE}
    for attempt in (
        lambda: save("ro", "NEW"),
        lambda: delete_secret(acting_user=None, namespace="ro", key="DB"),
        lambda: describe_secret(acting_user=None, namespace="ro", key="DB", description="", tags={}),
    ):
        with pytest.raises(SecretsReadOnly, match="read-only here"):
            attempt()
    with pytest.raises(BackendMisconfigured, match="secretPathPrefix needs readOnly"):
        make_backend(Kind.SECRET, "vault", {**given, "readOnly": False})


def test_one_way_in_and_no_value_in_an_error() -> None:
    with pytest.raises(BackendMisconfigured, match="give one of token") as found:
        make_backend(Kind.SECRET, "vault", {"address": "http://v", "token": {"token": VALUE},
                                            "password": {"user": "u", "password": VALUE}})  # fmt: skip
    assert VALUE not in str(found.value)


# Choice


def test_choice_of_a_manager_is_tried_and_its_credentials_hidden(
    api: Api, alpha: Tenant, configuration: Configure, vault_address: str
) -> None:
    client = api(make_super_admin("root@example.com"), tenant=None)
    down = {**configuration("vault"), "address": f"http://127.0.0.1:{free_port()}"}
    with tenant_scope("alpha"), pytest.raises(ConnectionFailed, match="HTTP 403"):
        save_choice(acting_user=None, kind=Kind.SECRET, namespace=WHOLE_TENANT, type_name="vault",
                    configuration={**down, "address": vault_address, "token": {"token": "x"}})  # fmt: skip
    body = {"id": "alpha", "secretType": "vault", "secretConfiguration": configuration("vault")}

    answer = client.put("/tenants/alpha", body)
    assert answer.status_code == 200
    assert answer.json()["secretConfiguration"]["token"] == {"token": HIDDEN}
    assert VAULT_TOKEN not in answer.content.decode()
    assert VAULT_TOKEN not in client.get("/tenants/alpha").content.decode()
    with tenant_scope("alpha"):
        assert VAULT_TOKEN not in json.dumps(list(AuditEntry.objects.values("before", "after")))
        save("any.where", "K")
        assert find_secret("any.where", "K") == VALUE
        assert not Secret.objects.exists()


# Routes


def test_routes_take_a_value_and_never_give_it(api: Api, alice: User) -> None:
    client = api(alice)
    path = "/namespaces/company.team/secrets"
    tags = [{"key": "team", "value": "data"}]

    put = client.put(path, {"key": "API_KEY", "value": VALUE, "description": "of the API", "tags": tags})
    assert (put.status_code, put.json()) == (200, [{"key": "API_KEY", "description": "of the API", "tags": tags}])
    patched = client.patch(f"{path}/API_KEY", {"description": "new", "tags": []})
    assert patched.json() == [{"key": "API_KEY", "description": "new", "tags": []}]
    assert client.get("/namespaces/company.team.sub/inherited-secrets").json() == {"company.team": ["API_KEY"]}
    for answer in (put, patched, client.get(path), client.get("/auditlogs/search")):
        assert answer.status_code == 200
        assert VALUE not in answer.content.decode()
    with tenant_scope("alpha"):
        assert find_secret("company.team", "API_KEY") == VALUE
    bad = client.put(path, {"key": "a b", "value": VALUE})
    assert (bad.status_code, VALUE in bad.content.decode()) == (422, False)
    assert client.put(path, {"key": "A", "value": ""}).status_code == 422
    missing = client.put(path, {"key": {"x": VALUE}, "value": [VALUE]})
    assert (missing.status_code, VALUE in missing.content.decode()) == (422, False)
    assert client.delete(f"{path}/NONE").status_code == 404
    assert client.delete(f"{path}/API_KEY").json() == []


def test_each_right_opens_its_own_door(api: Api, alice: User, bob: User) -> None:
    path = "/namespaces/company.team/secrets"
    api(alice).put(path, {"key": "K", "value": VALUE})
    assert api(bob).get(path).status_code == 403
    with tenant_scope("alpha"):
        reader, sister = make_user("reader@example.com"), make_user("sister@example.com")
        grant(reader, "SECRET:READ", namespace="company.team")
        grant(sister, "SECRET:READ", "SECRET:UPDATE", "SECRET:DELETE", namespace="company.other")

    assert api(reader).get(path).status_code == 200
    assert api(reader).put(path, {"key": "K", "value": "x"}).status_code == 403
    assert api(reader).delete(f"{path}/K").status_code == 403
    assert [api(sister).get(path).status_code, api(sister).delete(f"{path}/K").status_code] == [403, 403]


def test_audit_names_the_key_alone(in_alpha: Tenant, alice: User) -> None:
    save_secret(acting_user=alice, namespace="a", key="K", value=VALUE)
    save_secret(acting_user=alice, namespace="a", key="K", value=VALUE + "2")
    delete_secret(acting_user=alice, namespace="a", key="K")

    entries = AuditEntry.objects.filter(resource="Secret").order_by("date")
    assert [(entry.type, entry.detail) for entry in entries] == [
        (action, {"namespace": "a", "key": "K"}) for action in ("CREATE", "UPDATE", "DELETE")
    ]
    with pytest.raises(NotFound):
        delete_secret(acting_user=alice, namespace="a", key="K")
