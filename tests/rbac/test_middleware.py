"""The mark of a route decides who comes in."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, register_converter, set_urlconf
from pytest_django import Settings

from apps.accounts.models import User
from apps.common import error_pages
from apps.common.access import access, member, public, signed_in, super_admin
from apps.common.api import endpoint
from apps.common.errors import Invalid, Problem
from apps.tenants.catalog import TenantConverter
from apps.tenants.models import Tenant
from tests.factories import grant, make_super_admin

CONVERTER = "tenant_of_test"
register_converter(TenantConverter, CONVERTER)


def answer(request: HttpRequest, **arguments: Any) -> HttpResponse:
    tenant = getattr(request, "tenant", None)
    return HttpResponse(f"{tenant and tenant.pk} {arguments}")


def marked(mark: Callable[[Any], Any]) -> Callable[..., HttpResponse]:
    return mark(lambda request, **arguments: answer(request, **arguments))  # type: ignore[no-any-return]


def broken(request: HttpRequest) -> None:
    raise Invalid(problems=[Problem("bad", "tasks[0]", line=3, column=5), Problem("worse")])


ROUTES = {
    "bare": answer,
    "public": marked(public),
    "signed": marked(signed_in),
    "member": marked(member),
    "root": marked(super_admin),
    "flows": marked(access("FLOW", "READ")),
    "flows/<str:namespace>": marked(access("FLOW", "READ")),
    "logs": marked(access("AUDITLOG", "READ", namespace_query="ns", everywhere=True)),
    "methods": endpoint(GET=marked(access("FLOW", "READ")), PUT=marked(access("FLOW", "UPDATE"))),
    "broken": endpoint(GET=public(broken)),
}


@pytest.fixture
def client(db: None, settings: Settings) -> Iterator[Client]:
    """A client of routes made for these tests."""
    routes = [
        path(f"api/v1/{prefix}test/{name}", view)
        for prefix in (f"<{CONVERTER}:tenant>/", "")
        for name, view in ROUTES.items()
    ]
    page = path(f"ui/<{CONVERTER}:tenant>/flows", ROUTES["flows"])
    urlconf = ModuleType("urls_of_test")
    urlconf.__dict__.update(urlpatterns=[*routes, page], handler404=error_pages.not_found)
    settings.ROOT_URLCONF = urlconf
    yield Client()
    set_urlconf(None)


def signed(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def status(client: Client, route: str, tenant: str = "alpha", **query: str) -> int:
    code: int = client.get(f"/api/v1/{tenant}/test/{route}", query_params=query).status_code
    return code


def test_no_mark_no_entry(client: Client, alice: User, settings: Settings) -> None:
    with pytest.raises(ImproperlyConfigured, match="carries no access mark"):
        status(signed(client, alice), "bare")
    settings.KESTRA_UNMARKED_ROUTE_IS_ERROR = False
    assert status(client, "bare") == 403


def test_nobody_gets_401_but_for_public_routes(client: Client) -> None:
    assert status(client, "public") == 200
    assert {route: status(client, route) for route in ("signed", "member", "root", "flows", "logs", "methods")} == {
        "signed": 401,
        "member": 401,
        "root": 401,
        "flows": 401,
        "logs": 401,
        "methods": 401,
    }


def test_a_page_leads_nobody_to_the_sign_in_and_back(client: Client) -> None:
    got = client.get("/ui/alpha/flows?state=FAILED")
    assert got.status_code == 302
    assert got.headers["Location"] == "/ui/login?next=%2Fui%2Falpha%2Fflows%3Fstate%3DFAILED"
    fragment = client.get("/ui/alpha/flows", headers={"HX-Request": "true"})
    assert fragment.status_code == 204
    assert fragment.headers["HX-Redirect"].startswith("/ui/login?next=")


def test_a_stranger_learns_not_even_that_the_tenant_exists(client: Client, charlie: User) -> None:
    stranger = signed(client, charlie)
    there, nowhere = stranger.get("/api/v1/alpha/test/flows"), stranger.get("/api/v1/nowhere/test/flows")
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.json()["message"].replace("alpha", "nowhere") == nowhere.json()["message"]
    assert status(stranger, "member") == 404
    assert status(stranger, "signed") == 404, "even a route for all, below a tenant that is not theirs"
    assert status(stranger, "flows", tenant="beta") == 200


def test_permission_is_asked_in_the_namespace_of_the_route(client: Client, bob: User) -> None:
    viewer = signed(client, bob)
    assert status(viewer, "flows") == 200, "somewhere: the view narrows"
    assert status(viewer, "flows/company.team") == 200
    assert status(viewer, "flows/company.team.etl") == 200
    assert status(viewer, "flows/company") == 403
    assert status(viewer, "flows/company.teammates") == 403
    assert status(viewer, "member") == 200
    assert status(viewer, "root") == 403


def test_everywhere_wants_the_whole_tenant_or_the_asked_namespace(client: Client, in_alpha: Tenant, bob: User) -> None:
    grant(bob, "AUDITLOG:READ", namespace="company.team")
    viewer = signed(client, bob)
    assert status(viewer, "logs") == 403
    assert status(viewer, "logs", ns="company.team.x") == 200
    assert status(viewer, "logs", ns="company") == 403


def test_each_method_has_its_own_mark(client: Client, bob: User, alice: User) -> None:
    viewer = signed(client, bob)
    url = "/api/v1/alpha/test/methods"
    assert viewer.get(url).status_code == 200
    assert viewer.head(url).status_code == 200
    assert viewer.put(url).status_code == 403
    assert viewer.delete(url).status_code == 405
    assert signed(Client(), alice).put(url).status_code == 200


def test_super_admin_enters_instance_routes_and_no_flows(client: Client) -> None:
    root = signed(client, make_super_admin())
    assert status(root, "root") == 200
    assert status(root, "member") == 200
    assert status(root, "flows") == 404


def test_path_without_tenant_is_the_default_tenant(client: Client, alice: User, charlie: User) -> None:
    assert signed(client, alice).get("/api/v1/test/flows").status_code == 404, "'test' is no resource word: a tenant"
    assert client.get("/api/v1/alpha/test/member").content == b"alpha {}"


def test_errors_have_the_api_s_shape_with_line_and_column(client: Client) -> None:
    got = client.get("/api/v1/alpha/test/broken")
    assert got.status_code == 422
    assert got.json() == {
        "message": "Invalid entity: bad; worse",
        "_links": {"self": {"href": "/api/v1/alpha/test/broken", "templated": False}},
        "_embedded": {
            "errors": [
                {"message": "bad", "path": "tasks[0]", "line": 3, "column": 5},
                {"message": "worse", "path": ""},
            ]
        },
    }
    missing = client.get("/api/v1/alpha/test/nothing-here")
    assert missing.status_code == 404
    assert missing.json()["message"].startswith("Not Found: ")
