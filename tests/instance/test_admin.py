"""The admin console: only super admins, and what it writes goes through the services."""

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from django.contrib import admin
from django.test import Client
from django_celery_beat.models import PeriodicTask

from apps.accounts.models import ApiToken, User, UserType
from apps.accounts.services import create_api_token
from apps.audit.models import AuditEntry
from apps.instance.services.setup import ensure_periodic_jobs
from apps.rbac.decisions import can
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import make_super_admin
from tests.support.world import PASSWORD


@pytest.fixture
def root(db: None) -> User:
    user = make_super_admin("root@example.com")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def console(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


def test_only_super_admins_come_in(alice: User, client: Client) -> None:
    assert client.get("/admin/").status_code == 302
    client.force_login(alice)
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/accounts/user/").status_code == 302


def test_sign_in_is_that_of_the_product(root: User, client: Client) -> None:
    answer = client.get("/admin/tenants/tenant/")
    asked = client.get(answer.headers["Location"])
    assert unquote(asked.headers["Location"]) == "/ui/login?next=/admin/tenants/tenant/"


def test_pages_work_offline_and_run_no_inline_script(console: Client) -> None:
    for url in ("/admin/", "/admin/tenants/tenant/", "/admin/tenants/tenant/add/"):
        answer = console.get(url)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval'" in policy
        assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
        page = answer.content.decode()
        assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page), url
        assert not re.findall(r"(?:src|href)=[\"']https?://", page), url
        assert not re.findall(r"\son[a-z]+=[\"']", page), url


def test_periodic_task_is_changed_here_with_an_audit_entry(console: Client, root: User) -> None:
    ensure_periodic_jobs()
    task = PeriodicTask.objects.get(name="audit seals")
    url = f"/admin/django_celery_beat/periodictask/{task.pk}/change/"
    form = console.get(url).context["adminform"].form
    given = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    given |= {"enabled": "", "start_time_0": "", "start_time_1": "", "expires_0": "", "expires_1": ""}
    answer = console.post(url, given)
    assert answer.status_code == 302, answer.context["adminform"].form.errors if answer.context else ""
    assert not PeriodicTask.objects.get(pk=task.pk).enabled
    entry = AuditEntry.objects.get(resource="PeriodicTask")
    assert (entry.user_id, entry.after["enabled"]) == (root.id, "False")


def test_groups_of_django_and_business_data_are_not_here(console: Client) -> None:
    labels = {model._meta.app_label for model in admin.site._registry}
    assert labels <= {
        "accounts",
        "announcements",
        "audit",
        "django_celery_beat",
        "instance",
        "invitations",
        "mail",
        "tenants",
    }


def test_every_page_of_the_console_opens(console: Client, alice: User) -> None:
    create_api_token(acting_user=alice, user=alice, name="ci")
    for model, registered in admin.site._registry.items():
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert console.get(url).status_code == 200, url
        assert console.get(url, {"q": "a"}).status_code == 200, url
        if registered.has_add_permission(console.get(url).wsgi_request):
            assert console.get(url + "add/").status_code == 200, url
        row = model._default_manager.first()
        if row is not None:
            assert console.get(f"{url}{row.pk}/change/").status_code == 200, url


def test_tenant_made_here_has_its_schema_and_first_admin(console: Client, bob: User) -> None:
    form = {"id": "gamma", "name": "Gamma", "first_admin": bob.pk}
    assert console.post("/admin/tenants/tenant/add/", form).status_code == 302
    with tenant_scope("gamma"):
        assert can(bob, "FLOW", "DELETE")
    changed = console.post("/admin/tenants/tenant/gamma/change/", {"name": "New name"})
    assert changed.status_code == 302
    assert Tenant.objects.get(pk="gamma").name == "New name"
    assert console.post("/admin/tenants/tenant/gamma/delete/", {"post": "yes", "confirm": "gamma"}).status_code == 302
    assert not Tenant.objects.filter(pk="gamma", deleted_at=None).exists()


def test_bad_tenant_id_is_said_at_the_field(console: Client) -> None:
    answer = console.post("/admin/tenants/tenant/add/", {"id": "flows", "name": "x"})
    assert answer.status_code == 200
    assert b"words of the product are taken" in answer.content


def test_tenant_is_deleted_only_when_its_id_was_typed(console: Client, beta: Tenant) -> None:
    asked = console.get("/admin/tenants/tenant/beta/delete/")
    assert b"Type <strong>beta</strong>" in asked.content
    answer = console.post("/admin/tenants/tenant/beta/delete/", {"post": "yes", "confirm": "alpha"}, follow=True)
    assert b"Nothing was deleted" in answer.content
    assert Tenant.objects.filter(pk="beta", deleted_at=None).exists()


def test_default_tenant_stays(console: Client, alpha: Tenant) -> None:
    answer = console.post("/admin/tenants/tenant/alpha/delete/", {"post": "yes", "confirm": "alpha"}, follow=True)
    assert b"default tenant cannot be deleted" in answer.content
    assert Tenant.objects.filter(pk="alpha").exists()


def test_person_is_made_changed_and_deleted(console: Client, root: User) -> None:
    form = {"username": "dora@example.com", "type": "STANDARD", "new_password": PASSWORD, "is_active": "on"}
    assert console.post("/admin/accounts/user/add/", form).status_code == 302
    dora = User.objects.get(username="dora@example.com")
    assert dora.check_password(PASSWORD)
    change = f"/admin/accounts/user/{dora.pk}/change/"
    assert console.post(change, {"type": "SUPER_ADMIN", "first_name": "Dora", "is_active": "on"}).status_code == 302
    dora.refresh_from_db()
    assert (dora.type, dora.first_name) == (UserType.SUPER_ADMIN, "Dora")
    assert dora.check_password(PASSWORD), "an empty password field changes nothing"
    assert console.post(f"/admin/accounts/user/{dora.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=dora.pk).exists()
    written = AuditEntry.objects.filter(resource="User", detail__id=dora.pk).values_list("type", flat=True)
    assert {"CREATE", "UPDATE", "DELETE"} <= set(written)


def test_last_super_admin_stays(console: Client, root: User) -> None:
    change = f"/admin/accounts/user/{root.pk}/change/"
    answer = console.post(change, {"type": "STANDARD", "is_active": "on"}, follow=True)
    assert b"The last super admin stays" in answer.content
    console.post(f"/admin/accounts/user/{root.pk}/delete/", {"post": "yes"})
    console.post(change, {"type": "SUPER_ADMIN"})
    root.refresh_from_db()
    assert (root.type, root.is_active) == (UserType.SUPER_ADMIN, True)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("new_password", "weak", b"too weak"),
        ("username", "no-mail", b"is not an e-mail address"),
        ("username", "ROOT@example.com", b"already such a user"),
    ],
)
def test_bad_input_is_said(console: Client, field: str, value: str, said: bytes) -> None:
    form = {"username": "dora@example.com", "type": "STANDARD", "new_password": PASSWORD, field: value}
    assert said in console.post("/admin/accounts/user/add/", form).content


def test_token_is_revoked_here(console: Client, alice: User, api: Callable[..., object]) -> None:
    token, full = create_api_token(acting_user=alice, user=alice, name="ci")
    page = console.get("/admin/accounts/apitoken/").content.decode()
    assert token.prefix in page
    assert full not in page
    assert console.post(f"/admin/accounts/apitoken/{token.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ApiToken.objects.filter(pk=token.pk).exists()
