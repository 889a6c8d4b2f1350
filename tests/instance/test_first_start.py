"""The first start without an administrator: three steps, the code of the server's log, closed for ever."""

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User, UserType
from apps.accounts.services.people import create_user
from apps.audit.models import AuditEntry
from apps.common.errors import IllegalState
from apps.instance.services.first_start import is_setup_open, set_up, setup_code
from apps.rbac.selectors import tenants_with_access
from apps.tenants.models import Tenant
from tests.factories import make_super_admin
from tests.support.pages import Shown

pytestmark = pytest.mark.django_db


def test_three_steps_make_the_administrator_and_close(alpha: Tenant) -> None:
    client = Client()
    first = Shown(client.get("/ui/setup"))
    assert "Set up this installation" in first.text
    assert setup_code() not in first.html
    wrong = Shown(client.post("/ui/setup", {"step": "1", "code": "AAAA-BBBB-CCCC"}))
    assert (wrong.status, "not the code" in wrong.text) == (403, True)
    assert Shown(client.post("/ui/setup", {"step": "3", "username": "eve@example.com"})).status == 403, (
        "no step is skipped"
    )
    assert client.post("/ui/setup", {"step": "1", "code": setup_code().lower()}).headers["Location"].endswith("?step=2")
    assert client.post("/ui/setup", {"step": "2", "tenant": "Not a slug"}).status_code == 422
    assert client.post("/ui/setup", {"step": "2", "tenant": ""}).headers["Location"].endswith("?step=3")
    person = {"step": "3", "username": "Root@example.com", "first_name": "Ada", "last_name": "Root"}
    weak = Shown(client.post("/ui/setup", {**person, "password": "weak", "again": "weak"}))
    assert (weak.status, weak.value_of("username")) == (422, "Root@example.com")
    done = client.post("/ui/setup", {**person, "password": "Admin-1234", "again": "Admin-1234"})
    assert done.headers["Location"] == "/ui/login?email=root@example.com"
    root = User.objects.get(username="root@example.com")
    assert (root.type, [tenant.pk for tenant in tenants_with_access(root)]) == (UserType.SUPER_ADMIN, ["alpha"])
    assert AuditEntry.objects.filter(resource="Setup", user_id=root.id).count() == 1
    for method in (client.get, client.post):
        assert method("/ui/setup").headers["Location"] == "/ui/login"
    assert Client().get("/ui/login").status_code == 200
    with pytest.raises(IllegalState):
        set_up(code=setup_code(), username="eve@example.com", password="Admin-1234")


def test_the_sign_in_leads_there_while_nobody_could_sign_in(db: None) -> None:
    assert Client().get("/ui/login").status_code == 200
    User.objects.all().delete()
    assert Client().get("/ui/login").headers["Location"] == "/ui/setup"


def test_guessing_the_code_locks_it(db: None, settings: Settings) -> None:
    settings.KESTRA_SIGN_IN_THRESHOLD = 3
    answers = [Client().post("/ui/setup", {"step": "1", "code": f"X{n}"}).status_code for n in range(4)]
    assert answers == [403, 403, 403, 429]
    assert Client().post("/ui/setup", {"step": "1", "code": setup_code()}).status_code == 429


def test_it_stays_closed_when_the_super_admin_is_switched_off(db: None) -> None:
    make_super_admin(is_active=False)
    assert not is_setup_open()


def test_people_who_came_before_do_not_close_it(db: None) -> None:
    create_user(acting_user=None, username="early@example.com")
    assert is_setup_open()


def test_the_same_over_the_api(alpha: Tenant) -> None:
    shown = Client().get("/api/v1/setup").json()
    assert (shown["done"], shown["multiTenancyEnabled"], shown["queueType"]) == (False, True, "memory")
    body = {"username": "root@example.com", "password": "Admin-1234"}
    refused = Client().post("/api/v1/setup", {**body, "code": "x"}, content_type="application/json")
    assert refused.status_code == 403
    made = Client().post("/api/v1/setup", {**body, "code": setup_code()}, content_type="application/json")
    assert (made.status_code, made.json()["type"]) == (200, "SUPER_ADMIN")
    assert Client().get("/api/v1/setup").json()["done"]
    again = Client().post("/api/v1/setup", {**body, "code": setup_code()}, content_type="application/json")
    assert again.status_code == 409


def test_the_code_depends_on_the_secret_key(settings: Settings) -> None:
    before = setup_code()
    settings.SECRET_KEY = "another"
    assert setup_code() != before
    assert len(before) == 14
