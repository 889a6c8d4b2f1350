"""Looking into all sources, and flows as files: only what may be read, all or nothing."""

import io
import zipfile
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.workflows.models import Flow
from tests.support.pages import Pages
from tests.workflows.views.conftest import HELLO

pytestmark = pytest.mark.django_db
AsPages = Callable[..., Pages]


def test_lines_are_shown_with_the_text_marked(pages: AsPages, alice: User, hello: str, hidden: str) -> None:
    shown = pages(alice).get("/flows/search", q="LOG.log")
    assert shown.html.count("<mark>log.Log</mark>") == 2
    assert "hidden" in shown.text
    assert "No source holds this text" in pages(alice).get("/flows/search", q="100%").text


def test_sources_that_may_not_be_read_are_not_searched(pages: AsPages, bob: User, hello: str, hidden: str) -> None:
    shown = pages(bob).get("/flows/search", q="log.Log")
    assert "hello" in shown.text
    assert "hidden" not in shown.text
    assert "payroll" not in shown.html


def test_a_search_is_no_html(pages: AsPages, alice: User, hello: str) -> None:
    assert "<script>" not in pages(alice).get("/flows/search", q="<script>").html.replace("<script src", "")


def test_export_holds_what_may_be_read_and_import_takes_it_back(
    pages: AsPages, alice: User, bob: User, hello: str, hidden: str, in_alpha: Tenant
) -> None:
    content = pages(bob).client.get("/ui/alpha/flows/export").content
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["company.team-hello.yml"]
    Flow.objects.filter(flow_id="hello").update(source="x")
    answer = pages(alice).post("/flows/import", file=SimpleUploadedFile("flows.zip", content))
    assert answer.location == "/ui/alpha/flows"
    assert pages(bob).post("/flows/import", file=SimpleUploadedFile("flows.zip", content)).status == 403


def test_one_wrong_flow_stops_the_whole_import(pages: AsPages, alice: User, in_alpha: Tenant) -> None:
    text = HELLO + "---\n" + HELLO.replace("id: hello", "id: other").replace("message:", "mesage:")
    answer = pages(alice).post("/flows/import", file=SimpleUploadedFile("flows.yml", text.encode()))
    assert answer.status == 422
    assert "mesage" in answer.text
    assert not Flow.objects.exists()
    assert "Choose a file" in pages(alice).post("/flows/import").text
