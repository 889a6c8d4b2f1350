"""Pages of a namespace: settings with their source, KV pairs, files; who may not sees nothing of it."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.namespaces.catalog import KvType, TypedValue
from apps.namespaces.models import KeyValue
from apps.namespaces.selectors import get_kv, get_namespace, inherited, require_kv
from apps.namespaces.services import NamespaceFiles, NamespaceSettings, create_namespace, set_kv
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_user
from tests.support.pages import Pages, Shown

NS = "company.team"
BASE = f"/namespaces/edit/{NS}"


@pytest.fixture
def page(alpha: Tenant, alice: User) -> Pages:
    with tenant_scope("alpha"):
        create_namespace(acting_user=None, namespace="company", settings=NamespaceSettings(
            variables={"region": "eu", "db": {"host": "h"}},
            plugin_defaults=[{"type": "io.kestra.plugin.core.log.Log", "values": {"level": "WARN"}}],
        ))  # fmt: skip
    return Pages(alice)


def test_tree_shows_parents_placeholders_and_what_is_isolated(page: Pages) -> None:
    page.post("/namespaces", id="company.team.sub")
    shown = page.get("/namespaces")

    assert "company" in shown.text
    assert "team not created" in shown.text
    assert page.post("/namespaces", id="../x").status == 422
    assert page.post("/namespaces", id="company").status == 409
    found = page.get("/namespaces", q="SUB")
    assert [name in found.text for name in ("company", "team", "sub")] == [True, True, True]
    overview = page.get(BASE)
    assert "only occurs in flows" in overview.text
    assert "region" in overview.text
    assert "from company" in overview.text


def test_variables_are_edited_as_yaml_beside_the_inherited_ones(page: Pages) -> None:
    shown = page.get(f"{BASE}/variables")
    assert "host: h" in shown.html
    assert page.post(f"{BASE}/variables", variables="db:\n  port: 5432\nday: 2024-01-31\n").status == 302
    with tenant_scope("alpha"):
        assert get_namespace(NS).variables == {"db": {"port": 5432}, "day": "2024-01-31"}
    wrong = page.post(f"{BASE}/variables", variables="a: [1\nb: 2")
    assert wrong.status == 422
    assert "line 2" in wrong.text
    assert wrong.value_of("variables") == "a: [1\nb: 2"
    bomb = "a: &a [1]\n" + "\n".join(f"b{number}: *a" for number in range(60))
    assert "aliases" in page.post(f"{BASE}/variables", variables=bomb).text
    assert page.post(f"{BASE}/variables", variables="- 1").status == 422


def test_plugin_defaults_and_who_may_use_it_are_edited(page: Pages) -> None:
    assert "level: WARN" in page.get(f"{BASE}/defaults").html
    assert page.post(f"{BASE}/defaults", defaults="- type: io.x\n  forced: true\n  values: {a: 1}").status == 302
    assert page.post(f"{BASE}/defaults", defaults="- forced: true").status == 422
    assert page.post(f"{BASE}/edit", use="some", allowed="").status == 422
    assert page.post(f"{BASE}/edit", use="some", allowed="company.other\nsales", description="The team").status == 302
    with tenant_scope("alpha"):
        row = get_namespace(NS)
        assert (row.description, row.allowed_namespaces) == ("The team", ["company.other", "sales"])
        assert row.plugin_defaults == [{"type": "io.x", "forced": True, "values": {"a": 1}}]
        assert inherited(f"{NS}.sub").allowed == (NS, "company.other", "sales")
    assert "only company.team, company.other" in page.get(f"/namespaces/edit/{NS}.sub/edit").text


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("STRING", "12", "12"),
        ("NUMBER", "12.5", 12.5),
        ("BOOLEAN", "true", True),
        ("DATE", "2024-01-31", "2024-01-31"),
        ("DURATION", "PT1H", "PT1H"),
        ("DATETIME", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("JSON", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_each_type_of_pair_is_set_and_read_back(page: Pages, type_name: str, text: str, value: object) -> None:
    saved = page.post(f"{BASE}/kv", action="save", is_new="1", key="k", type=type_name, value=text, ttl="P1D",
                     description="d")  # fmt: skip
    assert saved.status == 302, saved.text
    with tenant_scope("alpha"):
        found, row = require_kv(NS, "k"), KeyValue.objects.get()
        assert (found.type, found.to_json()) == (KvType(type_name), value)
        assert row.expires is not None
        assert timedelta(hours=23) < row.expires - row.created <= timedelta(days=1, minutes=1)
    opened = page.get(f"{BASE}/kv", key="k")
    again = page.post(f"{BASE}/kv", action="save", is_new="0", key="k", type=type_name,
                      value=opened.value_of("value"), ttl="", description="")  # fmt: skip
    assert again.status == 302
    with tenant_scope("alpha"):
        assert require_kv(NS, "k").to_json() == value


def test_pairs_are_refused_with_what_was_typed_and_deleted_in_bulk(page: Pages) -> None:
    with tenant_scope("alpha"):
        for key in ("a", "b", "c"):
            set_kv(acting_user=None, namespace=NS, key=key, value=TypedValue(KvType.STRING, "<b>x</b>"))
    wrong = page.post(
        f"{BASE}/kv", action="save", is_new="1", key="n", type="NUMBER", value="many", ttl="", description=""
    )
    assert (wrong.status, wrong.value_of("value")) == (422, "many")
    taken = page.post(
        f"{BASE}/kv", action="save", is_new="1", key="a", type="STRING", value="new", ttl="", description=""
    )
    assert taken.status == 422
    assert "<b>x</b>" not in page.get(f"{BASE}/kv", key="a").html
    page.client.post(f"/ui/alpha{BASE}/kv", {"action": "delete", "keys": ["a", "b"]})
    with tenant_scope("alpha"):
        assert get_kv(NS, "a") is None
        assert get_kv(NS, "c") is not None


def folder(page: Pages, path: str) -> Shown:
    """The page of a folder or file."""
    return Shown(page.client.get(f"/ui/alpha{BASE}/files", {"path": path}))


def sent(page: Pages, **fields: str) -> Shown:
    """What a button of the page brings about."""
    return Shown(page.client.post(f"/ui/alpha{BASE}/files", fields))


def test_files_are_uploaded_edited_moved_searched_and_packed(page: Pages) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("lib/a.py", "print(1)")
    files = [SimpleUploadedFile("b.txt", b"text"), SimpleUploadedFile("x.zip", archive.getvalue())]
    page.client.post(f"/ui/alpha{BASE}/files", {"action": "upload", "path": "/in", "file": files, "expand": "1"})
    shown = folder(page, "/in")
    assert "b.txt" in shown.text
    assert "lib" in shown.text
    opened = folder(page, "/in/lib/a.py")
    assert opened.value_of("content") == "print(1)"
    sent(page, action="save", path="/in/lib/a.py", content="print(2)\r\n</textarea><b>")
    assert "</textarea><b>" not in folder(page, "/in/lib/a.py").html
    assert sent(page, action="move", path="/in/b.txt", name="out/c.txt").location.endswith("%2Fout%2Fc.txt")
    assert "/out/c.txt" in page.get(f"{BASE}/files", q="C.T").text
    with tenant_scope("alpha"), NamespaceFiles(NS).open("/in/lib/a.py") as kept:
        assert kept.read() == b"print(2)\n</textarea><b>"
    packed = page.client.get(f"/ui/alpha{BASE}/files/download")
    with zipfile.ZipFile(io.BytesIO(b"".join(packed.streaming_content))) as found:  # type: ignore[attr-defined]
        assert sorted(found.namelist()) == ["in/lib/a.py", "out/c.txt"]
    sent(page, action="delete", path="/in")
    sent(page, action="save", path="/../../x", content="x")
    with tenant_scope("alpha"):
        assert list(NamespaceFiles(NS).paths()) == ["/out/c.txt"]


def test_namespace_is_deleted_only_by_its_name(page: Pages) -> None:
    page.post(f"{BASE}/edit", use="inherit", description="x")
    assert page.post(f"{BASE}/delete", confirm="company").status == 422
    assert page.post(f"{BASE}/delete", confirm=NS).status == 302
    assert page.post(f"{BASE}/delete", confirm=NS).status == 404


def test_who_may_not_read_a_tab_does_not_learn_of_it(page: Pages, alpha: Tenant) -> None:
    with tenant_scope("alpha"):
        reader = make_user("reader@example.com")
        grant(reader, "NAMESPACE:READ", "FLOW:READ", namespace=NS)
    guest = Pages(reader)

    shown = guest.get(f"{BASE}/variables")
    assert shown.status == 200
    assert "KV store" not in shown.text
    assert "Edit" not in shown.text
    assert [guest.get(f"{BASE}/{tab}").status for tab in ("kv", "secrets", "edit", "files")] == [403, 403, 403, 200]
    assert guest.get("/namespaces/edit/company/variables").status == 404
    assert guest.post(f"{BASE}/variables", variables="a: 1").status == 403
    assert sent(guest, action="save", path="/a", content="x").status == 403
