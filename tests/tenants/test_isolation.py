"""One tenant's people get nothing of another: every route there is, walked through the URL configuration."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import User
from apps.accounts.services import create_api_token
from apps.common.access import Guard, marks_of
from apps.common.api import METHODS
from apps.common.current_tenant import NoTenantOpen
from apps.common.ids import new_id
from apps.common.models import TenantRow
from apps.rbac.models import Group, Role
from apps.tenants.models import Tenant
from tests.factories import make_user

TENANT_PREFIXES = ("api/v1/<tenant:tenant>/", "ui/<tenant:tenant>/")
WORDS = {"namespace": "company.team", "ns": "company.team"}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def tenant_routes() -> list[tuple[str, URLPattern]]:
    found = routes(get_resolver().url_patterns)
    return [(route, pattern) for route, pattern in found if route.startswith(TENANT_PREFIXES)]


def address(route: str, pattern: URLPattern, tenant: str) -> str:
    """An address of this route: real-looking values for its arguments."""
    parts = []
    for segment in route.split("/"):
        if segment.startswith("<"):
            kind, _, name = segment.strip("<>").rpartition(":")
            value = tenant if name == "tenant" else WORDS.get(name, "1" if kind == "int" else new_id())
            parts.append(value)
        else:
            parts.append(segment)
    return "/" + "/".join(parts)


def test_there_are_routes_to_walk() -> None:
    assert len(tenant_routes()) > 20


@pytest.mark.parametrize("credentials", ["session", "token"])
def test_a_stranger_gets_nothing_from_any_route(charlie: User, credentials: str) -> None:
    client, headers = Client(), {}
    if credentials == "session":
        client.force_login(charlie)
    else:
        _, full_token = create_api_token(acting_user=charlie, user=charlie, name="walk")
        headers = {"Authorization": f"Bearer {full_token}"}
    let_in = []
    for route, pattern in tenant_routes():
        marks = marks_of(pattern.callback)
        for method in METHODS:
            mark = marks.get(method) or marks.get("*")
            if mark is None or mark.guard is Guard.PUBLIC:
                continue
            url = address(route, pattern, "alpha")
            answer = client.generic(method, url, b"{}", content_type="application/json", headers=headers)
            if answer.status_code not in {403, 404}:
                let_in.append(f"{method} {url}: {answer.status_code}")
    assert let_in == []


def test_nobody_gets_nothing_from_any_route(db: None) -> None:
    let_in = []
    for route, pattern in tenant_routes():
        for method, mark in marks_of(pattern.callback).items():
            if mark.guard is Guard.PUBLIC:
                continue
            url = address(route, pattern, "alpha")
            answer = Client().generic("GET" if method == "*" else method, url, b"{}", content_type="application/json")
            expected = {401} if route.startswith("api/") else {302}
            if answer.status_code not in expected:
                let_in.append(f"{method} {url}: {answer.status_code}")
    assert let_in == []


def test_ids_of_another_tenant_are_not_found(in_alpha: Tenant, charlie: User, alice: User) -> None:
    role = Role.objects.create(name="of alpha", permissions={})
    group = Group.objects.create(name="of alpha")
    client = Client()
    client.force_login(charlie)
    for path in (f"roles/{role.id}", f"groups/{group.id}", f"users/{alice.id}"):
        assert client.get(f"/api/v1/beta/{path}").status_code == 404, path
    assert client.get("/api/v1/beta/users/search").json()["total"] == 1


def test_a_tenant_admin_cannot_become_another_tenant_s_service_account(in_alpha: Tenant, charlie: User) -> None:
    """A token is as good as its owner, so its maker must manage the owner."""
    deployer = make_user("deployer", type="SERVICE_ACCOUNT", home_tenant="alpha")
    client = Client()
    client.force_login(charlie)
    body = {"type": "USER", "externalId": deployer.id, "roleId": new_id()}
    assert client.post("/api/v1/beta/bindings", body, content_type="application/json").status_code == 403
    tokens = f"/api/v1/beta/users/{deployer.id}/api-tokens"
    assert client.post(tokens, {"name": "x"}, content_type="application/json").status_code == 404
    own = f"/api/v1/beta/users/{charlie.id}/api-tokens"
    assert client.post(own, {"name": "x"}, content_type="application/json").status_code == 200


def test_a_tenant_admin_cannot_make_tokens_of_people(in_alpha: Tenant, alice: User, bob: User) -> None:
    client = Client()
    client.force_login(alice)
    answer = client.post(f"/api/v1/alpha/users/{bob.id}/api-tokens", {"name": "x"}, content_type="application/json")
    assert answer.status_code == 403


def test_every_tenant_model_is_guarded_outside_a_tenant(db: None) -> None:
    models = TenantRow.__subclasses__()
    assert len(models) >= 5
    for model in models:
        with pytest.raises(NoTenantOpen):
            model._default_manager.exists()
        with pytest.raises(NoTenantOpen):
            model._base_manager.exists()


def test_a_viewer_of_one_namespace_gets_nothing_of_another(bob: User) -> None:
    """Bob sees company.team; every route that names a namespace is asked about its sister."""
    client = Client()
    client.force_login(bob)
    let_in, asked = [], 0
    for route, pattern in tenant_routes():
        if not {"<str:namespace>", "<str:ns>"} & set(route.split("/")):
            continue
        marks = marks_of(pattern.callback)
        for method in METHODS:
            mark = marks.get(method) or marks.get("*")
            if mark is None or mark.guard is Guard.PUBLIC:
                continue
            url = address(route, pattern, "alpha").replace("/company.team", "/company.other")
            answer = client.generic(method, url, b"{}", content_type="application/json")
            asked += 1
            if answer.status_code not in {403, 404}:
                let_in.append(f"{method} {url}: {answer.status_code}")
    assert asked > 20
    assert let_in == []


def test_a_viewer_writes_nothing_in_the_namespace_he_sees(bob: User) -> None:
    client = Client()
    client.force_login(bob)
    let_in = []
    for route, pattern in tenant_routes():
        if not {"<str:namespace>", "<str:ns>"} & set(route.split("/")):
            continue
        for method, mark in marks_of(pattern.callback).items():
            if mark.guard is not Guard.PERMITTED or mark.action == "READ" or method == "*":
                continue
            url = address(route, pattern, "alpha")
            answer = client.generic(method, url, b"{}", content_type="application/json")
            if answer.status_code not in {403, 404}:
                let_in.append(f"{method} {url}: {answer.status_code}")
    assert let_in == []
