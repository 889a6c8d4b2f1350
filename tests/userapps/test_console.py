"""Apps in the console: managed, built, shared, branded, and found in the catalog."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.rbac.models import Role
from apps.userapps.models import AppBrand, AppFavourite, UserApp
from apps.userapps.services.apps import create_app, update_app
from apps.userapps.services.generating import app_for_flow
from apps.workflows.services.flows import create_flow
from tests.factories import bind, make_user
from tests.support.pages import Pages
from tests.userapps.conftest import APP, FLOW, PUBLIC

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def test_the_list_shows_figures_and_acts(alice: User, dora: User, refund: UserApp) -> None:
    Pages(dora).get(f"/apps/{refund.uid}")
    pages = Pages(alice)
    shown = pages.get("/apps")
    assert "Refund customers" in shown.text and "1 App" in shown.text
    assert pages.get("/apps", access="PUBLIC").text.count("Refund customers") == 0
    change = f"/apps/change/{refund.uid}"
    assert pages.post(change, do="disable").status == 302
    assert UserApp.objects.get().disabled
    copied = pages.post(change, do="duplicate")
    copy = UserApp.objects.exclude(pk=refund.pk).get()
    assert copied.location.endswith(f"/apps/edit/{copy.uid}") and copy.app_id == "refund_2"
    assert pages.post(f"/apps/change/{copy.uid}", do="delete").status == 302
    assert pages.post(change, do="link").location.startswith("/ui/alpha/apps/share/")
    assert UserApp.objects.get().uid != refund.uid
    assert pages.post(change, do="explode").status == 400
    assert Pages(dora).post(f"/apps/change/{UserApp.objects.get().uid}", do="disable").status == 403


def test_sharing_shows_a_code_and_says_which_hosts_may(alice: User, refund: UserApp) -> None:
    pages, path = Pages(alice), f"/apps/share/{refund.uid}"
    shown = pages.get(path)
    assert "<svg" in shown.html and f"http://localhost:8080/ui/alpha/apps/{refund.uid}" in shown.html
    assert pages.post(path, hosts="intra.example.com\n*.example.org").status == 302
    assert UserApp.objects.get().embed_hosts == ["intra.example.com", "*.example.org"]
    refused = pages.post(path, hosts="https://intra.example.com/x")
    assert refused.status == 422 and refused.value_of("hosts") == "https://intra.example.com/x"


def test_apps_go_out_and_come_in(alice: User, refund: UserApp) -> None:
    pages = Pages(alice)
    packed = pages.client.get("/ui/alpha/apps/export").content
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["company.team-refund.yaml"]
    UserApp.objects.all().delete()
    assert pages.post("/apps/import", file=SimpleUploadedFile("apps.zip", packed)).status == 302
    assert UserApp.objects.get().app_id == "refund"
    pages.post("/apps/import", file=SimpleUploadedFile("a.yaml", b"id: x"))
    assert "Nothing imported" in pages.get("/apps").text


def test_the_builder_saves_revisions_and_restores_them(alice: User, refund: UserApp) -> None:
    pages, path = Pages(alice), f"/apps/edit/{refund.uid}"
    form = pages.get(path)
    assert form.value_of("source").rstrip() == APP.rstrip()
    assert 'data-insert="- type: io.kestra.plugin.ee.apps.core.blocks.Markdown' in form.html
    wrong = pages.post(path, source=APP.replace("style: SUCCESS", "stile: x").replace("text: Ask", "txt: Ask"))
    assert wrong.status == 422 and 'data-line="14"' in wrong.html
    assert pages.post(path, source=APP.replace("Money back.", "All of it."), revision="1").status == 302
    late = pages.post(path, source=APP.replace("Money back.", "None."), revision="1")
    assert late.status == 409 and "somebody saved revision 2" in late.text
    diff = pages.get(f"/apps/revisions/{refund.uid}")
    assert "All of it." in diff.text and "Money back." in diff.text
    pages.post(f"/apps/revisions/{refund.uid}", revision="1")
    held = UserApp.objects.get()
    assert (held.revision, held.description) == (3, "Money back.")


def test_a_new_app_is_checked_and_created(alice: User, refund: UserApp) -> None:
    pages = Pages(alice)
    assert "flowId: my_flow" in pages.get("/apps/new").value_of("source")
    made = pages.get("/apps/new", flow="company.team/refund").value_of("source")
    assert pages.post("/apps/new", source=made).status == 409, "there is one of this id"
    assert pages.post("/apps/new", source=made.replace("id: refund\n", "id: again\n", 1)).status == 302
    assert "No problems" in pages.post("/apps/validate", source=made).text


def test_an_app_made_from_a_flow_has_a_form_and_an_approval(alice: User, refund: UserApp) -> None:
    made = app_for_flow("company.team", "refund")
    assert "on: PAUSE" in made and "ResumeExecutionForm" in made and "blocks.Outputs" in made
    plain = FLOW.replace("id: refund", "id: plain").partition("  - id: approve")[0]
    create_flow(acting_user=None, source=plain)
    assert "PAUSE" not in app_for_flow("company.team", "plain")


def test_the_preview_shows_an_event_and_what_is_wrong(alice: User, refund: UserApp) -> None:
    pages = Pages(alice)
    shown = pages.post("/apps/preview", source=APP, event="OPEN", theme="dark")
    assert 'name="inputs.amount"' in shown.html and 'data-theme="dark"' in shown.html and "<script" not in shown.html
    assert "(line " in pages.post("/apps/preview", source=APP + "nonsense: 1\n", event="OPEN").text
    assert "no execution" in pages.post("/apps/preview", source=APP, event="SUCCESS", execution="x" * 22).text


def test_the_catalog_holds_what_a_person_may_use(alice: User, dora: User, bob: User, refund: UserApp) -> None:
    hidden = APP.replace("id: refund\n", "id: hidden\n", 1).replace("access: PRIVATE", "access: {catalog: false}")
    create_app(acting_user=None, source=hidden.replace("Refund customers", "Hidden"))
    pages = Pages(dora)
    shown = pages.get("/apps/catalog")
    assert "Refund customers" in shown.text and "Hidden" not in shown.text
    assert "/ui/alpha/flows" not in shown.html, "no menu of the console"
    assert pages.post(f"/apps/favourite/{refund.uid}", query="q=ref").location.endswith("/apps/catalog?q=ref")
    assert AppFavourite.objects.count() == 1
    assert "Refund customers" in pages.get("/apps/catalog", favourites="1").text
    assert "Refund customers" not in pages.get("/apps/catalog", tag="Other").text
    update_app(acting_user=None, uid=refund.uid, source=APP + "expiration: {endDate: 2020-01-01T00:00:00Z}\n")
    assert "No Apps for you yet" in pages.get("/apps/catalog").text
    assert Pages().get("/apps/catalog").status == 302


def test_the_brand_is_seen_on_each_app_and_pale_colours_are_refused(alice: User, refund: UserApp) -> None:
    pages, app = Pages(alice), update_app(acting_user=None, uid=refund.uid, source=PUBLIC).app
    refused = pages.post("/apps/brand", title="Fjord", colour="#ffff00")
    assert refused.status == 422 and "contrast of 1.1 to 1" in refused.text
    logo = SimpleUploadedFile("logo.svg", b"<svg onload=alert(1)>" + b" " * 40)
    assert pages.post("/apps/brand", title="Fjord", colour="#0b6b62", logo=logo).status == 422
    assert Pages().get("/apps/logo").status == 404
    good = SimpleUploadedFile("logo.png", PNG)
    assert pages.post("/apps/brand", title="Fjord", colour="#7a1f5c", logo=good).status == 302
    seen = Pages().get(f"/apps/{app.uid}")
    assert "Fjord" in seen.text and "--brand: #7a1f5c" in seen.html and "/apps/logo" in seen.html
    answer = Pages().client.get("/ui/alpha/apps/logo")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/png"
    entry = AuditEntry.objects.get(resource="AppBrand")
    assert entry.type == "UPDATE"
    pages.post("/apps/brand", title="", plain="1", drop_logo="1")
    brand = AppBrand.objects.get()
    assert (brand.title, brand.colour, brand.logo) == ("", "", "")


def test_a_private_brand_is_changed_by_those_who_may_everywhere(refund: UserApp) -> None:
    eve = make_user("eve@example.com")
    bind(eve, Role.objects.get(name="Admin"), namespace="company.team")
    assert Pages(eve).post("/apps/brand", title="Mine", colour="#000000").status == 403
