"""Namespaces: created, changed, listed with placeholders, deleted; what they give to those below."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.errors import IllegalState, NotFound
from apps.isolation.models import BackendChoice
from apps.namespaces.models import KeyValue, Namespace
from apps.namespaces.selectors import inherited, may_use, merged_variables
from apps.namespaces.services import NamespaceSettings, create_namespace, set_kv, update_namespace
from apps.secrets.models import Secret
from apps.secrets.services import save_secret
from apps.storage.internal_storage import namespace_file_address, open_storage
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.workflows.services.flows import create_flow
from tests.factories import grant, make_super_admin, make_user
from tests.support.api_client import ApiClient

Api = Callable[..., ApiClient]
FLOW = """
id: f
namespace: {}
tasks: [{{id: a, type: io.kestra.plugin.core.log.Log, message: hello}}]
"""
BODY = {
    "id": "company.team",
    "description": "Ours",
    "variables": {"host": "h", "nested": {"a": 1}},
    "pluginDefaults": [{"type": "io.kestra.plugin.core.log.Log", "forced": True, "values": {"level": "WARN"}}],
    "allowedNamespaces": [{"namespace": "company.other"}],
}


@pytest.fixture(autouse=True)
def _master_key(settings: object) -> None:
    settings.KESTRA_MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # type: ignore[attr-defined]


def make(namespace: str, **settings: object) -> None:
    create_namespace(acting_user=None, namespace=namespace, settings=NamespaceSettings(**settings))  # type: ignore[arg-type]


def test_namespace_is_created_shown_and_changed(api: Api, alice: User) -> None:
    client = api(alice)

    made = client.post("/namespaces", BODY)
    assert (made.status_code, made.json()) == (200, {**BODY, "deleted": False})
    assert client.get("/namespaces/company.team").json() == {**BODY, "deleted": False}
    assert client.post("/namespaces", BODY).status_code == 409
    changed = client.put("/namespaces/company.team", {"id": "company.team", "allowedNamespaces": []})
    assert changed.json() == {"id": "company.team", "allowedNamespaces": [], "deleted": False}
    assert client.put("/namespaces/company.team", {**BODY, "id": "x"}).status_code == 422
    assert client.get("/namespaces/company").status_code == 404
    assert client.put("/namespaces/company", {"id": "company"}).status_code == 200, "editing a placeholder creates it"
    for bad in ({"id": "Not One"}, {"id": "a", "pluginDefaults": [{"type": "x"}]},
                {"id": "a", "allowedNamespaces": [{"namespace": "No No"}]}):  # fmt: skip
        assert client.post("/namespaces", bad).status_code == 422
    with tenant_scope("alpha"):
        entries = AuditEntry.objects.filter(resource="Namespace").order_by("date")
        assert [entry.type for entry in entries] == ["CREATE", "UPDATE", "CREATE"]


def test_search_shows_placeholders_and_what_one_may_see(api: Api, alice: User, bob: User) -> None:
    with tenant_scope("alpha"):
        make("company.team")
        create_flow(acting_user=None, source=FLOW.format("company.team.sub"))
        create_flow(acting_user=None, source=FLOW.format("other"))
    client = api(alice)

    def names(**query: str) -> dict[str, bool]:
        page = client.get("/namespaces/search", size=100, **query).json()
        assert page["total"] == len(page["results"])
        return {row["id"]: row["disabled"] for row in page["results"]}

    assert names() == {"company": True, "company.team": False, "company.team.sub": True, "other": True}
    assert names(existing="true") == {"company.team": False}
    assert names(q="TEAM") == {"company.team": False, "company.team.sub": True}
    page = client.get("/namespaces/search", size=1, page=2, sort="id:desc").json()
    assert ([row["id"] for row in page["results"]], page["total"]) == (["company.team.sub"], 4)
    seen = api(bob).get("/namespaces/search", size=100).json()["results"]
    assert [row["id"] for row in seen] == ["company.team", "company.team.sub"]
    assert client.post("/namespaces/autocomplete", {"ids": ["other"]}, q="sub").json() == ["company.team.sub", "other"]
    assert client.post("/namespaces/autocomplete", q="team").json() == ["company.team", "company.team.sub"]
    assert api(bob).post("/namespaces/autocomplete", {"ids": ["other"]}).json() == ["company.team", "company.team.sub"]


def test_inherited_values_come_with_their_source(api: Api, alice: User) -> None:
    with tenant_scope("alpha"):
        make("a", variables={"x": 1, "m": {"p": 1, "q": 1}}, plugin_defaults=[{"type": "t.a", "values": {"v": 1}}])
        make("a.b", variables={"m": {"q": 2}, "y": 2}, plugin_defaults=[{"type": "t.b", "values": {"v": 2}}])
        make("a.b.c", variables={"y": 3})
        assert merged_variables("a.b.c.d") == {"x": 1, "m": {"p": 1, "q": 2}, "y": 3}
        assert merged_variables("z") == {}
    client = api(alice)

    assert client.get("/namespaces/a.b.c/inherited-variables").json() == {
        "a.b": {"m": {"q": 2}, "y": 2}, "a": {"x": 1, "m": {"p": 1, "q": 1}},
    }  # fmt: skip
    assert client.get("/namespaces/a.b/inherited-plugindefaults").json() == [
        {"namespace": "a", "type": "t.a", "forced": False, "values": {"v": 1}}
    ]


def test_what_is_inherited_is_kept_until_a_change(
    in_alpha: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make("a", variables={"x": 1})
    assert merged_variables("a.b") == {"x": 1}
    with django_assert_num_queries(0):
        assert merged_variables("a.b") == {"x": 1}
    before = inherited("a.b").version
    update_namespace(
        acting_user=None,
        namespace="a",
        settings=NamespaceSettings(variables={"x": 2}, plugin_defaults=[{"type": "t", "values": {}}]),
    )
    assert merged_variables("a.b") == {"x": 2}
    assert inherited("a.b").version != before


def test_allowed_namespaces_say_who_may_use_one(in_alpha: Tenant) -> None:
    make("open")
    make("closed", allowed_namespaces=[])
    make("shared", allowed_namespaces=["friend"])

    assert may_use("open", used_by="x")
    assert may_use("never.created", used_by="x")
    assert [may_use("closed", used_by=name) for name in ("closed", "closed.sub", "x")] == [True, True, False]
    assert [may_use("shared", used_by=name) for name in ("friend", "friend.sub", "friendly")] == [True, True, False]
    assert not may_use("closed.sub", used_by="x")


def test_delete_is_refused_with_flows_and_else_takes_all_along(api: Api, alice: User) -> None:
    client = api(alice)
    with tenant_scope("alpha"):
        make("gone")
        make("gone.below")
        saved = create_flow(acting_user=None, source=FLOW.format("gone.below"))
        set_kv(acting_user=None, namespace="gone", key="k", value="v")
        save_secret(acting_user=None, namespace="gone", key="S", value="v")
        open_storage().put(namespace_file_address("gone", "x"), b"")
        save_secret(acting_user=None, namespace="gone.below", key="S", value="v")
    refused = client.delete("/namespaces/gone")
    assert refused.status_code == 409
    assert "gone.below: 1" in refused.json()["message"]

    with tenant_scope("alpha"):
        type(saved.flow).objects.filter(pk=saved.flow.pk).update(deleted=True)
    assert client.delete("/namespaces/gone").status_code == 204
    assert client.delete("/namespaces/gone").status_code == 404
    with tenant_scope("alpha"):
        assert not KeyValue.objects.exists()
        assert [row.namespace for row in Secret.objects.all()] == ["gone.below"]
        assert not open_storage().exists(namespace_file_address("gone", "x"))
        assert [row.pk for row in Namespace.objects.all()] == ["gone.below"]


def test_namespace_is_given_backends_in_its_body(api: Api, alice: User, tmp_path: object) -> None:
    root = make_super_admin("root@example.com")
    with tenant_scope("alpha"):
        grant(root, "NAMESPACE:CREATE", "NAMESPACE:UPDATE", "NAMESPACE:READ")
    body = {"id": "iso", "storageType": "local", "storageConfiguration": {"basePath": f"{tmp_path}/iso"}}

    tried = {"type": "local", "configuration": body["storageConfiguration"]}
    assert api(alice).post("/namespaces/iso/isolation/storage/test", tried).status_code == 403
    assert api(root).put("/namespaces/iso", body).json() == {**body, "deleted": False}
    assert api(alice).get("/namespaces/iso").json()["storageType"] == "local"
    with tenant_scope("alpha"):
        open_storage().put(namespace_file_address("iso", "x"), b"1")
    assert (tmp_path / "iso/alpha/iso/_files/x").read_bytes() == b"1"  # type: ignore[operator]
    assert api(alice).put("/namespaces/iso", {"id": "iso", "description": "x"}).json()["storageType"] == "local"
    assert "storageType" not in api(alice).put("/namespaces/iso", {"id": "iso", "storageType": None}).json()
    with tenant_scope("alpha"):
        assert not BackendChoice.objects.exists()


def test_each_right_opens_its_own_door(api: Api, alice: User) -> None:
    api(alice).post("/namespaces", BODY)
    with tenant_scope("alpha"):
        people = {}
        for action in ("CREATE", "READ", "UPDATE", "DELETE"):
            people[action] = make_user(f"{action.lower()}@example.com")
            grant(people[action], f"NAMESPACE:{action}", namespace="company")

    def tried(action: str) -> list[int]:
        client = api(people[action])
        return [
            client.post("/namespaces", {"id": f"company.{action.lower()}"}).status_code,
            client.post("/namespaces", {"id": "elsewhere"}).status_code,
            client.get("/namespaces/company.team").status_code,
            client.put("/namespaces/company.team", BODY).status_code,
            client.delete("/namespaces/company.none").status_code,
        ]

    assert tried("CREATE") == [200, 403, 403, 403, 403]
    assert tried("READ") == [403, 403, 200, 403, 403]
    assert tried("UPDATE") == [403, 403, 403, 200, 403]
    assert tried("DELETE") == [403, 403, 403, 403, 404]


def test_same_namespace_is_created_once(in_alpha: Tenant) -> None:
    make("a")
    with pytest.raises(IllegalState, match="already a namespace"):
        make("a")
    with pytest.raises(NotFound):
        update_namespace(acting_user=None, namespace="b", settings=NamespaceSettings())
