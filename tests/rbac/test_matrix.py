"""Every route for everybody: who comes in, and who is told no and how.

What is expected is worked out here from the route's mark and a table of who holds what, by other code than the one that
decides; IMPORTANT says it a second time by hand for the routes where a mistake would cost most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver

from apps.accounts.models import ApiToken, User, UserType
from apps.accounts.services import create_api_token
from apps.common.access import Guard, Mark, marks_of
from apps.common.clock import now
from apps.common.ids import new_id
from apps.rbac.catalog import MANAGED_ROLES, NAMESPACED, SUPER_ADMIN_PERMISSIONS
from apps.rbac.middleware import AccessMiddleware
from apps.rbac.selectors import named_role
from apps.tenants.models import Tenant
from tests.factories import bind, grant, make_super_admin, make_user
from tests.support.api_client import ApiClient
from tests.test_architecture import all_routes

pytestmark = pytest.mark.django_db

TEAM: Final = "company.team"
IN, ASK, NO, NOTHING = "comes in", "401: who are you", "403: not you", "404: there is nothing"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES: Final = {
    role.name: {
        (str(permission), str(action)) for permission, actions in role.permissions.items() for action in actions
    }
    for role in MANAGED_ROLES
}


@dataclass
class Somebody:
    """One column: the person, whether the tenant knows him, and (rights, namespace or "" for the tenant)."""

    user: Any
    inside: bool = True
    holds: tuple[tuple[set[tuple[str, str]], str], ...] = ()
    is_super: bool = False
    known: bool = True

    def may(self, permission: str, action: str, namespace: str | None, *, delegated: bool) -> bool:
        if self.is_super and permission in SUPER_ADMIN_PERMISSIONS:
            return True
        for rights, where in self.holds:
            if (permission, action) not in rights:
                continue
            if not where:
                return True
            if permission not in NAMESPACED and not delegated:
                continue
            if namespace is None or namespace == where or namespace.startswith(where + "."):
                return True
        return False


@dataclass
class Route:
    """A row: a path with a method, its view and its mark."""

    path: str
    method: str
    pattern: URLPattern
    mark: Mark
    arguments: dict[str, str] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        return self.path.startswith("ui/")

    @property
    def in_tenant(self) -> bool:
        return "<tenant:tenant>" in self.path

    @property
    def url(self) -> str:
        filled = self.path.replace("<tenant:tenant>", "alpha")
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: self.arguments[found[1]], filled)

    def __str__(self) -> str:
        return f"{self.method} /{self.path}"


def value_of(name: str, converter: str) -> str:
    if name in {"namespace", "tenant_id"}:
        return TEAM if name == "namespace" else "alpha"
    if converter in {"execution", "app"}:
        return new_id()
    return "nothing-there"


def routes() -> list[Route]:
    """All with a mark, but for Django's admin, which asks for itself."""
    found = []
    for path, pattern in all_routes(get_resolver().url_patterns):
        if path.startswith("admin/"):
            continue
        for given, mark in marks_of(pattern.callback).items():
            arguments = {name: value_of(name, converter) for converter, name in re.findall(r"<(?:(\w+):)?(\w+)>", path)}
            arguments.pop("tenant", None)
            found.append(Route(path, given if given in METHODS else "GET", pattern, mark, arguments))
    return found


def expected(route: Route, who: Somebody) -> str:
    mark = route.mark
    if mark.guard is Guard.PUBLIC:
        return IN
    if not who.known:
        return ASK
    if mark.guard is Guard.SUPER_ADMIN:
        return IN if who.is_super else NO
    permitted = mark.guard is Guard.PERMITTED
    where = route.arguments.get(mark.namespace) or ("" if mark.everywhere else None)
    if (mark.in_tenant or route.in_tenant) and not who.inside:
        people_or_setup = not permitted or mark.permission in SUPER_ADMIN_PERMISSIONS
        return IN if who.is_super and people_or_setup else NOTHING
    if not permitted:
        return IN
    return IN if who.may(mark.permission, mark.action, where, delegated=mark.delegated) else NO


@pytest.fixture
def everybody(in_alpha: Tenant, alice: User, bob: User, charlie: User) -> dict[str, Somebody]:
    def made(role: str, namespace: str = "") -> Somebody:
        user = make_user(f"{role}-{namespace or 'tenant'}@example.com".lower())
        bind(user, named_role(role), namespace=namespace or None)
        return Somebody(user, holds=((ROLES[role], namespace),))

    plain = make_user("plain@example.com")
    grant(plain, "DASHBOARD:READ")
    robot = User.objects.create(username="robot", type=UserType.SERVICE_ACCOUNT, home_tenant="alpha")
    bind(robot, named_role("Editor"))
    off = make_user("off@example.com", is_active=False)
    bind(off, named_role("Admin"))
    return {
        "no one": Somebody(AnonymousUser(), inside=False, known=False),
        "other tenant": Somebody(charlie, inside=False),
        "without permission": Somebody(plain, holds=(({("DASHBOARD", "READ")}, ""),)),
        "other namespace": made("Admin", "company.other"),
        "viewer of the namespace": Somebody(bob, holds=((ROLES["Viewer"], TEAM),)),
        "viewer": made("Viewer"),
        "launcher": made("Launcher"),
        "editor": made("Editor"),
        "developer": made("Developer"),
        "admin of the namespace": made("Admin", TEAM),
        "admin": Somebody(alice, holds=((ROLES["Admin"], ""),)),
        "super admin": Somebody(make_super_admin(), inside=False, is_super=True),
        "service account": Somebody(robot, holds=((ROLES["Editor"], ""),)),
    }


def decision(middleware: AccessMiddleware, route: Route, who: Somebody, tenant: Tenant) -> str:
    """What the middleware says before any view is called."""
    request: Any = getattr(RequestFactory(), route.method.lower())(route.url)
    request.user, request.session, request.credentials = who.user, {}, "bearer"
    outside = not (route.in_tenant or route.mark.in_tenant)
    request.tenant, request.tenant_in_path = (None if outside else tenant), route.in_tenant
    answer = middleware.process_view(request, route.pattern.callback, [], dict(route.arguments))
    if answer is None:
        return IN
    if answer.status_code == 302 and answer.headers["Location"].startswith("/ui/login"):
        return ASK
    return {401: ASK, 403: NO, 404: NOTHING}.get(answer.status_code, f"{answer.status_code}?")


def test_every_route_for_everybody(
    in_alpha: Tenant, everybody: dict[str, Somebody], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the page that says no is looked at elsewhere: fifteen thousand of them would only be rendered
    monkeypatch.setattr("apps.rbac.middleware.answer", lambda request, error: HttpResponse(status=error.status))
    middleware = AccessMiddleware(lambda request: HttpResponse())
    rows = routes()
    wrong = [
        f"{route} for {name}: {found}, not {wanted}"
        for name, who in everybody.items()
        for route in rows
        if (found := decision(middleware, route, who, in_alpha)) != (wanted := expected(route, who))
    ]
    assert len(rows) > 700
    assert wrong == []


IMPORTANT: Final = {
    # who comes in, of the thirteen; all others are refused
    ("GET", "flows/search"): "bob viewer launcher editor developer adminns admin robot other",
    ("POST", "flows"): "editor developer adminns admin robot other",
    ("POST", f"executions/{TEAM}/hello"): "launcher editor developer adminns admin robot",
    ("DELETE", f"flows/{TEAM}/hello"): "editor developer adminns admin robot",
    ("GET", f"namespaces/{TEAM}/secrets"): "developer adminns admin",
    ("PUT", f"namespaces/{TEAM}/secrets"): "developer adminns admin",
    ("GET", f"namespaces/{TEAM}/kv"): "bob viewer launcher editor developer adminns admin robot",
    ("PUT", f"namespaces/{TEAM}/kv/x"): "editor developer adminns admin robot",
    ("GET", "users/search"): "admin root",
    ("POST", "users"): "admin root",
    ("POST", "roles"): "admin root",
    ("GET", "roles/search"): "admin root adminns other",
    ("POST", "bindings"): "admin root adminns other",
    ("POST", "invitations"): "admin root adminns other",
    ("POST", "users/service-accounts"): "admin root",
    ("GET", "auditlogs/search"): "admin",
    ("GET", "cluster/services/search"): "admin root",
}
SHORT: Final = {
    "viewer of the namespace": "bob",
    "admin of the namespace": "adminns",
    "other namespace": "other",
    "service account": "robot",
    "super admin": "root",
}


def test_the_important_ones_by_hand(everybody: dict[str, Somebody]) -> None:
    """Through the whole stack: an answer that is no refusal may still be 404 or 422, for want of a body."""
    found: dict[tuple[str, str], set[str]] = {}
    clients = {name: ApiClient(who.user if who.known else None) for name, who in everybody.items()}
    for method, path in IMPORTANT:
        inside = found.setdefault((method, path), set())
        for name, client in clients.items():
            answer = getattr(client, method.lower())(f"/{path}")
            assert answer.status_code < 500, f"{method} {path} for {name}: {answer.content[:300]!r}"
            if answer.status_code not in {401, 403} and "There is no tenant" not in answer.content.decode():
                inside.add(SHORT.get(name, name))
    assert found == {key: set(names.split()) for key, names in IMPORTANT.items()}


def sent(route: Route, client: Client, **headers: str) -> Any:
    return client.generic(route.method, route.url, "", content_type="application/json", headers=headers)


def is_refused(route: Route, answer: Any) -> bool:
    if route.is_page:
        return answer.status_code == 302 and "/ui/login" in answer.headers["Location"]
    return answer.status_code in {401, 405}  # 405: another route of this path, which has no such method, comes first


@pytest.mark.parametrize("who", ["no one", "expired token", "token of one switched off"])
def test_who_is_not_known_is_asked_by_every_route(in_alpha: Tenant, alice: User, who: str) -> None:
    """Through the whole stack, CSRF, throttles and all."""
    owner = make_user("carol@example.com")
    bind(owner, named_role("Admin"))
    headers = {}
    if who != "no one":
        _, token = create_api_token(acting_user=owner, user=owner, name="old", max_age=timedelta(hours=1))
        headers["Authorization"] = f"Bearer {token}"
        assert Client().get("/api/v1/alpha/flows/search", headers=headers).status_code == 200, "it was good"
        if who == "expired token":
            ApiToken.objects.filter(user=owner).update(expires=now() - timedelta(seconds=1))
        else:
            User.objects.filter(pk=owner.pk).update(is_active=False)
    client = Client()
    closed = [route for route in routes() if route.mark.guard is not Guard.PUBLIC]
    if who != "no one":  # the decision is the same; one of each kind shows that the door is the same too
        kinds = {(route.mark, route.is_page, route.in_tenant): route for route in closed}
        closed = list(kinds.values())
    wrong = [
        f"{route}: {answer.status_code}"
        for route in closed
        if not is_refused(route, answer := sent(route, client, **headers))
    ]
    assert wrong == []
