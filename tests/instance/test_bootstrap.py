"""`manage.py bootstrap`: makes what is missing, leaves what is there."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from apps.accounts.models import User, UserType
from apps.common.errors import IllegalState
from apps.rbac.decisions import can
from apps.rbac.models import Role
from apps.tenants.models import Tenant
from apps.tenants.provisioning import pending_schemas
from apps.tenants.scope import tenant_scope
from tests.factories import make_user
from tests.support.world import PASSWORD


@pytest.fixture(autouse=True)
def _wishes(db: None, settings: Settings) -> None:
    settings.KESTRA_DEFAULT_TENANT = "main"
    settings.KESTRA_ADMIN_EMAIL = "admin@localhost"
    settings.KESTRA_ADMIN_PASSWORD = PASSWORD


def bootstrap() -> dict[str, Any]:
    output = StringIO()
    call_command("bootstrap", stdout=output, verbosity=0)
    answer: dict[str, Any] = json.loads(output.getvalue().splitlines()[-1])
    return answer


def test_first_run_makes_tenant_roles_administrator_and_beat_s_rows() -> None:
    assert bootstrap() == {"tenant": "main", "created_tenant": True, "admin": "admin@localhost", "created_admin": True}
    admin = User.objects.get(username="admin@localhost")
    assert admin.type == UserType.SUPER_ADMIN
    assert admin.check_password(PASSWORD)
    with tenant_scope("main"):
        assert can(admin, "FLOW", "DELETE", "any.where")
        assert Role.objects.filter(is_managed=True).count() == 5
    tick = PeriodicTask.objects.get(name="tick")
    assert (tick.task, tick.queue, tick.expire_seconds) == ("workflows.tick", "executor", 2)
    assert (tick.interval.every, tick.interval.period) == (1, "seconds")


def test_second_run_changes_nothing_and_asks_little() -> None:
    bootstrap()
    PeriodicTask.objects.filter(name="tick").update(enabled=False)
    with CaptureQueriesContext(connection) as asked:
        again = bootstrap()
    assert again == {"tenant": "main", "created_tenant": False, "admin": "admin@localhost", "created_admin": False}
    assert PeriodicTask.objects.get(name="tick").enabled is False, "it belongs to the platform team now"
    assert len(asked) < 30


def test_setup_page_makes_no_administrator(settings: Settings) -> None:
    settings.KESTRA_SETUP = "page"
    answer = bootstrap()
    assert (answer["admin"], answer["created_admin"]) == (None, False)
    assert not User.objects.filter(type=UserType.SUPER_ADMIN).exists()


def test_existing_person_is_not_made_administrator_behind_the_back() -> None:
    make_user("admin@localhost")
    with pytest.raises(IllegalState, match="choose another KESTRA_EE_ADMIN_EMAIL"):
        bootstrap()


def test_tenant_that_was_left_half_made_is_finished() -> None:
    """As after a kill between the row and its tables."""
    Tenant(id="main", name="main").save(force_insert=True)
    assert pending_schemas(["t_main"]) == ["t_main"]
    answer = bootstrap()
    assert answer["created_tenant"] is False
    assert pending_schemas(["t_main"]) == []
    with tenant_scope("main"):
        assert Role.objects.filter(is_managed=True).count() == 5
