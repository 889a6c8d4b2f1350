"""The page of the audit log, its exports, and who may see them."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from typing import Any

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.audit.patches import differences, json_patch
from apps.audit.services import record
from apps.common.current_tenant import opened_schema
from apps.tenants.models import Tenant
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.pages import Pages

Api = Callable[..., ApiClient]


def note(user: User | None, name: str, **more: Any) -> AuditEntry:
    return record(
        acting_user=user, action="UPDATE", resource="Flow", detail={"namespace": "company.team", "flowId": name}, **more
    )


def body_of(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_page_shows_who_did_what_and_a_filter_narrows_it(in_alpha: Tenant, alice: User) -> None:
    note(alice, "etl")
    note(None, "nightly<b>")
    shown = Pages(alice).get("/admin/auditlogs")
    assert shown.status == 200
    assert "alice@example.com" in shown.text
    assert "nightly<b>" in shown.text
    assert "<b>nightly<b>" not in shown.html, "what people write never becomes HTML"
    narrowed = Pages(alice).fragment("/admin/auditlogs", details="flowId:etl")
    assert "etl" in narrowed.text
    assert "nightly" not in narrowed.text
    assert "No entry matches" in Pages(alice).get("/admin/auditlogs", q="nothing-like-it").text


def test_pages_follow_one_another_by_entry(in_alpha: Tenant, alice: User) -> None:
    made = [note(alice, f"flow-{number}") for number in range(60)]
    first = Pages(alice).get("/admin/auditlogs", resource="Flow")
    assert first.html.count("<tr data-row-id") == 50
    older = Pages(alice).get("/admin/auditlogs", resource="Flow", before=made[10].id)
    assert older.html.count("<tr data-row-id") == 10
    assert "flow-9" in older.text
    newer = Pages(alice).get("/admin/auditlogs", resource="Flow", after=made[9].id)
    assert newer.html.count("<tr data-row-id") == 50
    assert Pages(alice).get("/admin/auditlogs", before="nonsense").status == 400


def test_entry_shows_what_changed(in_alpha: Tenant, alice: User) -> None:
    entry = note(alice, "etl", before={"labels": {"team": "a"}, "old": 1}, after={"labels": {"team": "b"}, "new": [1]})
    shown = Pages(alice).get(f"/admin/auditlogs/{entry.id}")
    assert "labels.team" in shown.text
    assert Pages(alice).fragment(f"/admin/auditlogs/{entry.id}").html.lstrip().startswith("<div")
    assert Pages(alice).get("/admin/auditlogs/" + "0" * 22).status == 404


def test_only_those_with_the_permission_see_it(in_alpha: Tenant, bob: User, charlie: User) -> None:
    assert Pages(bob).get("/admin/auditlogs").status == 403
    assert Pages(charlie).get("/admin/auditlogs").status == 404
    assert Pages(bob).get("/admin/auditlogs/export").status == 403


def test_export_is_complete_safe_and_itself_an_entry(in_alpha: Tenant, alice: User, api: Api) -> None:
    for number in range(3):
        note(alice, f"=cmd{number}")
    answer = api(alice).get("/auditlogs/export", format="csv", resource="Flow")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(body_of(answer))))
    assert len(rows) == 3
    assert json.loads(rows[0]["detail"])["flowId"] == "=cmd2"
    entry = AuditEntry.objects.get(type="EXPORT")
    assert (entry.user_id, entry.detail["resource"], entry.means) == (alice.id, "Flow", "session")
    lines = body_of(api(alice).get("/auditlogs/export", format="json", resource="Flow")).splitlines()
    assert [json.loads(line)["detail"]["flowId"] for line in lines] == ["=cmd2", "=cmd1", "=cmd0"]
    assert api(alice).get("/auditlogs/export", format="xml").status_code == 400


def test_cell_that_a_spreadsheet_would_run_is_quoted(in_alpha: Tenant, alice: User, api: Api) -> None:
    alice.username = "=1+1"
    record(acting_user=alice, action="UPDATE", resource="Flow", detail={})
    rows = list(csv.DictReader(StringIO(body_of(api(alice).get("/auditlogs/export", resource="Flow")))))
    assert rows[0]["user"] == "'=1+1"


def test_super_admin_reads_the_log_of_the_installation(alice: User, api: Api) -> None:
    root = make_super_admin()
    with opened_schema("public"):
        record(acting_user=root, action="UPDATE", resource="Tenant", detail={"id": "alpha"})
    client = api(root, tenant=None)
    found = client.get("/instance/auditlogs/search", resource="Tenant", details="id:alpha").json()["results"]
    assert any(row["auditLog"]["type"] == "UPDATE" for row in found)
    assert "alpha" in body_of(client.get("/instance/auditlogs/export", resource="Tenant"))
    assert api(alice, tenant=None).get("/instance/auditlogs/search").status_code == 403


def test_more_filters_of_the_api(in_alpha: Tenant, alice: User, api: Api) -> None:
    entry = note(alice, "etl")
    client = api(alice)
    for query, expected in (
        ({"id": entry.id}, 1),
        ({"user": "ALICE@example.com", "resource": "flow"}, 1),
        ({"means": "token", "resource": "Flow"}, 0),
        ({"timeRange": "PT1H", "resource": "Flow"}, 1),
        ({"ip": "10.0.0.7"}, 0),
    ):
        assert client.get("/auditlogs/search", **query).json()["total"] == expected, query
    assert client.get("/auditlogs/search", timeRange="soon").status_code == 400
    assert client.get("/auditlogs/search", ip="home").status_code == 400
    row = client.get("/auditlogs/search", id=entry.id).json()["results"][0]["auditLog"]
    assert row["means"] == "system"


def test_patch_leads_from_one_state_to_the_other_and_back() -> None:
    before = {"a": 1, "b": {"c/d": 2, "e": [1]}, "gone": True}
    after = {"a": 1, "b": {"c/d": 3, "e": [1, 2]}, "new": None}
    assert [(one.name, one.kind) for one in differences(before, after)] == [
        ("b.c/d", "replace"),
        ("b.e", "replace"),
        ("gone", "remove"),
        ("new", "add"),
    ]
    assert json_patch(before, after)[0] == {"op": "replace", "path": "/b/c~1d", "value": 3}
    assert json_patch(None, {"x": 1}) == [{"op": "add", "path": "/x", "value": 1}]
    assert list(differences(before, before)) == []
