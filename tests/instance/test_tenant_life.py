"""A tenant's settings, its limits, what it keeps, and its end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from pytest_django import Settings
from time_machine import Traveller

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.clock import now
from apps.common.errors import NotFound
from apps.common.ids import to_uuid
from apps.instance.services.deletion import finish_deletions, mark_deleted
from apps.instance.services.tenant_settings import LOGO_BYTES, update_tenant
from apps.instance.services.tenants import create_tenant
from apps.storage.backends.base import StorageFailed
from apps.storage.internal_storage import default_backend
from apps.tenants.models import Tenant
from apps.tenants.selectors import forget_tenant, get_tenant
from apps.timers.models import Timer
from apps.workflows.services.retention import purge_by_retention
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.pages import Pages

Api = Callable[..., ApiClient]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
FLOW = """
id: {name}
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: hello
"""


@pytest.fixture
def instance_storage(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Where the instance's own files lie during the test."""
    settings.KESTRA_STORAGE_TYPE, settings.KESTRA_STORAGE_CONFIGURATION = "local", {"basePath": str(tmp_path)}
    default_backend.cache_clear()
    yield tmp_path
    default_backend.cache_clear()


@pytest.fixture
def root(db: None) -> User:
    return make_super_admin()


def set_limits(root: User, **given: Any) -> None:
    update_tenant(acting_user=root, tenant=Tenant.objects.get(pk="alpha"), **given)


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name])
        return cursor.fetchone() is not None


def test_settings_are_saved_shown_and_audited(root: User, api: Api) -> None:
    client = api(root, tenant=None)
    given = {
        "id": "alpha",
        "name": "Alpha Corp",
        "environment": {"name": "Production", "color": "#d33838"},
        "quotas": {"executionsPerDay": 5000, "flows": None},
        "retention": {"executionDays": 90, "auditDays": 400},
    }
    shown = client.put("/tenants/alpha", given).json()
    assert shown["environment"] == {"name": "Production", "color": "#d33838"}
    assert shown["quotas"] == {"executionsPerDay": 5000}
    assert shown["retention"] == {"executionDays": 90, "auditDays": 400}
    assert "mfaRequired" not in shown
    entry = AuditEntry.objects.filter(resource="Tenant", type="UPDATE").latest("id")
    assert (entry.before["name"], entry.after["name"]) == ("Alpha", "Alpha Corp")
    assert client.put("/tenants/alpha", {"id": "alpha", "name": "Alpha"}).json()["quotas"] == {"executionsPerDay": 5000}
    assert "quotas" not in client.put("/tenants/alpha", {"id": "alpha", "quotas": None}).json()
    assert client.put("/tenants/alpha", {"id": "alpha", "mfaRequired": True}).json()["mfaRequired"] is True


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"environment": {"color": "red"}}, "environmentColor"),
        ({"environment": {"name": "x" * 41}}, "environmentName"),
        ({"quotas": {"flows": -1}}, "quotas.flows"),
        ({"quotas": {"flows": "many"}}, "quotas.flows"),
        ({"quotas": {"coffee": 3}}, "quotas.coffee"),
        ({"retention": {"auditDays": 1.5}}, "retention.auditDays"),
        ({"retention": {"logDays": 99999}}, "retention.logDays"),
    ],
)
def test_bad_settings_name_their_place_and_change_nothing(
    root: User, api: Api, given: dict[str, Any], path: str
) -> None:
    answer = api(root, tenant=None).put("/tenants/alpha", {"id": "alpha", "name": "Other", **given})
    assert answer.status_code == 422
    assert path in [problem["path"] for problem in answer.json()["_embedded"]["errors"]]
    assert Tenant.objects.get(pk="alpha").name == "Alpha"


def test_stripe_and_logo_are_on_each_page(root: User, alice: User, charlie: User, api: Api) -> None:
    set_limits(root, environment_name="Production", environment_color="#ffdd00")
    client = api(root, tenant=None)
    sent = client.post_form("/tenants/alpha/logo", {"logo": SimpleUploadedFile("a.txt", PNG)})
    assert sent.status_code == 200
    assert sent.json()["logo"].startswith("iVBORw0KGgo")
    shown = Pages(alice).get("/")
    assert "Production" in shown.text
    assert "--environment: #ffdd00; --environment-ink: #000000" in shown.html
    assert 'src="/ui/alpha/logo"' in shown.html
    picture = Pages(alice).client.get("/ui/alpha/logo")
    assert (picture.headers["Content-Type"], picture.content) == ("image/png", PNG)
    assert Pages(charlie).get("/logo").status == 404, "a stranger"
    assert client.delete("/tenants/alpha/logo").status_code == 204
    assert Pages(alice).get("/logo").status == 404


@pytest.mark.parametrize(
    "content", [b"<svg onload='alert(1)'/>", b"RIFF0000WAVE" + b"0" * 20, b"", PNG + b"0" * LOGO_BYTES]
)
def test_what_is_no_small_picture_is_refused(root: User, api: Api, content: bytes) -> None:
    upload = SimpleUploadedFile("logo.png", content, content_type="image/png")
    answer = api(root, tenant=None).post_form("/tenants/alpha/logo", {"logo": upload})
    assert answer.status_code == 422
    assert Tenant.objects.get(pk="alpha").logo == ""


def test_quota_of_flows(root: User, alice: User, api: Api) -> None:
    set_limits(root, quotas={"flows": 1})
    client = api(alice)
    assert client.post("/flows", FLOW.format(name="one")).status_code == 200
    refused = client.post("/flows", FLOW.format(name="two"))
    assert refused.status_code == 429
    assert "This tenant may have 1 flows: delete one" in refused.json()["message"]
    assert client.put("/flows/company.team/one", FLOW.format(name="one") + "description: x\n").status_code == 200
    assert client.delete("/flows/company.team/one").status_code == 204
    assert client.post("/flows", FLOW.format(name="two")).status_code == 200


@pytest.mark.parametrize("quota", ["executionsPerDay", "concurrentExecutions"])
def test_quota_of_executions(root: User, alice: User, api: Api, quota: str) -> None:
    client = api(alice)
    client.post("/flows", FLOW.format(name="one"))
    set_limits(root, quotas={quota: 2})
    answers = [client.post_form("/executions/company.team/one", {}).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    set_limits(root, quotas={})
    assert client.post_form("/executions/company.team/one", {}).status_code == 200


def test_old_executions_and_logs_go_by_retention(
    root: User, alice: User, api: Api, in_alpha: Tenant, instance_storage: Path
) -> None:
    client = api(alice)
    client.post("/flows", FLOW.format(name="one"))
    kept, old = (client.post_form("/executions/company.team/one", {}).json()["id"] for _ in range(2))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE execution SET state = 'SUCCESS', end_date = start_date")
        cursor.execute("SELECT count(*) FROM execution")
        assert cursor.fetchone()[0] == 2
    set_limits(root, retention={"executionDays": 30})
    purge_by_retention()
    assert client.get(f"/executions/{kept}").status_code == 200, "young ones stay"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE execution SET start_date = %s WHERE id = %s", [now() - timedelta(days=31), to_uuid(old)])
    purge_by_retention()
    assert client.get(f"/executions/{kept}").status_code == 200
    assert client.get(f"/executions/{old}").status_code == 404
    entry = AuditEntry.objects.filter(resource="Execution", type="DELETE").latest("id")
    assert (entry.user_id, entry.detail["action"]) == (None, "purge")


def test_deleted_tenant_is_closed_at_once_and_gone_later(
    root: User, bob: User, api: Api, frozen_clock: Traveller, instance_storage: Path
) -> None:
    create_tenant(acting_user=bob, tenant_id="gamma")
    Timer.objects.create(tenant="gamma", kind="watch", key="x", due_at=now())
    assert api(bob, tenant="gamma").get("/flows/search").status_code == 200
    assert api(root, tenant=None).delete("/tenants/gamma").status_code == 204
    assert api(bob, tenant="gamma").get("/flows/search").status_code == 404
    assert finish_deletions() == 0, "another process may still remember it"
    assert schema_exists("t_gamma")
    frozen_clock.shift(timedelta(seconds=31))
    assert finish_deletions() == 1
    assert not schema_exists("t_gamma")
    assert not Tenant.objects.filter(pk="gamma").exists()
    assert not Timer.objects.filter(tenant="gamma").exists()
    create_tenant(acting_user=bob, tenant_id="gamma")
    assert get_tenant("gamma").deleted_at is None


def test_deletion_goes_on_where_it_was_interrupted(
    root: User, bob: User, frozen_clock: Traveller, monkeypatch: pytest.MonkeyPatch, instance_storage: Path
) -> None:
    mark_deleted(acting_user=root, tenant=create_tenant(acting_user=bob, tenant_id="gamma"))
    frozen_clock.shift(timedelta(minutes=1))

    def fail() -> None:
        raise StorageFailed("The bucket", "deleting", "it does not answer")

    with monkeypatch.context() as broken:
        broken.setattr("apps.instance.services.deletion.delete_tenant_files", fail)
        assert finish_deletions() == 0
    assert schema_exists("t_gamma"), "else nobody would know where its files lie"
    with pytest.raises(NotFound):
        get_tenant("gamma")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP SCHEMA t_gamma CASCADE")
    assert finish_deletions() == 1
    forget_tenant("gamma")
