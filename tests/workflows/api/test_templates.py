"""Templates over REST: written, found, exported, imported, deleted; only where they are switched on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.tenants.scope import tenant_scope
from tests.support.api_client import ApiClient

LOG = "io.kestra.plugin.core.log.Log"


def template(name: str, namespace: str = "company.team", message: str = "hi") -> dict[str, object]:
    return {"id": name, "namespace": namespace, "tasks": [{"id": "say", "type": LOG, "message": message}]}


@pytest.fixture
def client(api: Callable[..., ApiClient], alice: User, settings: Settings) -> ApiClient:
    settings.KESTRA_TEMPLATES = True
    return api(alice)


def test_one_template_from_its_making_to_its_end(client: ApiClient) -> None:
    made = client.post("/templates", template("one"))
    assert (made.status_code, made.json()) == (200, template("one") | {"deleted": False})
    assert client.post("/templates", template("one")).status_code == 422
    assert client.put("/templates/company.team/one", template("one", message="new")).status_code == 200
    assert client.get("/templates/company.team/one").json()["tasks"][0]["message"] == "new"
    assert client.put("/templates/company.team/one", template("other")).status_code == 422
    assert client.delete("/templates/company.team/one").status_code == 204
    assert client.get("/templates/company.team/one").status_code == 404
    with tenant_scope("alpha"):
        actions = AuditEntry.objects.filter(resource="Template").order_by("date").values_list("type", flat=True)
        assert list(actions) == ["CREATE", "UPDATE", "DELETE"]


def test_many_templates(client: ApiClient) -> None:
    listed = [template("one"), template("two")]
    assert len(client.post("/templates/company.team", listed).json()) == 2
    client.post("/templates", template("far", "elsewhere"))
    assert client.get("/templates/search", namespace="company").json()["total"] == 2
    assert [one["id"] for one in client.get("/templates/search", q="tw").json()["results"]] == ["two"]
    assert client.get("/templates/distinct-namespaces").json() == ["company.team", "elsewhere"]
    packed = client.get("/templates/export/by-query", namespace="company").content
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["company.team-one.yml", "company.team-two.yml"]
    assert client.delete("/templates/delete/by-query", q="two").json() == {"count": 1}
    assert client.delete("/templates/delete/by-ids", [{"namespace": "company.team", "id": "one"}]).json() == {
        "count": 1
    }
    upload = SimpleUploadedFile("templates.zip", packed)
    assert client.post_form("/templates/import", {"fileUpload": upload}).status_code == 204
    assert client.get("/templates/search").json()["total"] == 3
    assert client.post("/templates/company.team", [template("three")]).status_code == 200
    assert [one["id"] for one in client.get("/templates/search", namespace="company").json()["results"]] == ["three"]


def test_what_is_wrong_is_told_and_nothing_is_saved(client: ApiClient) -> None:
    found = client.post("/templates/validate", [template("fine"), template("bad") | {"triggers": []}]).json()
    assert "constraints" not in found[0]
    assert "triggers" in found[1]["constraints"]
    assert client.post("/templates", template("bad") | {"triggers": []}).status_code == 422
    assert client.post("/templates/elsewhere", [template("one")]).status_code == 422
    assert client.get("/templates/search").json()["total"] == 0


def test_they_are_not_there_when_switched_off(client: ApiClient, settings: Settings) -> None:
    settings.KESTRA_TEMPLATES = False
    assert client.get("/templates/search").status_code == 404
    assert client.post("/templates", template("one")).status_code == 404


def test_viewers_read_in_their_namespace_alone(client: ApiClient, api: Callable[..., ApiClient], bob: User) -> None:
    client.post("/templates", template("near"))
    client.post("/templates", template("far", "elsewhere"))
    bobs = api(bob)
    assert [one["id"] for one in bobs.get("/templates/search").json()["results"]] == ["near"]
    assert bobs.get("/templates/elsewhere/far").status_code == 403
    assert bobs.post("/templates", template("mine")).status_code == 403
