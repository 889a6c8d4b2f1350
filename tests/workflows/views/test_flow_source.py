"""Writing flows on pages: problems at their lines, text that is never lost, conflicts that are told."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.workflows.models import Flow
from apps.workflows.services.flows import update_flow
from apps.workflows.views.source_diff import diff_lines
from tests.support.pages import Pages
from tests.workflows.views.conftest import HELLO

pytestmark = pytest.mark.django_db
AsPages = Callable[..., Pages]
WRONG = HELLO.replace("message:", "mesage:")


def test_a_new_flow_is_saved_and_opened(pages: AsPages, alice: User, in_alpha: Tenant) -> None:
    assert "my_flow" in pages(alice).get("/flows/new").value_of("source")
    saved = pages(alice).post("/flows/new", source=HELLO)
    assert saved.location == "/ui/alpha/flows/edit/company.team/hello/edit"
    assert Flow.objects.get(flow_id="hello").source == HELLO


def test_a_refused_flow_comes_back_with_its_text_and_the_place_of_each_problem(
    pages: AsPages, alice: User, in_alpha: Tenant
) -> None:
    shown = pages(alice).post("/flows/new", source=WRONG)
    assert shown.status == 422
    assert shown.value_of("source") == WRONG
    assert 'data-jump="8"' in shown.html
    assert "mesage" in shown.text
    assert not Flow.objects.exists()


def test_windows_line_ends_do_not_shift_lines(pages: AsPages, alice: User) -> None:
    shown = pages(alice).post("/flows/validate", source=WRONG.replace("\n", "\r\n"))
    assert 'data-jump="8"' in shown.html


def test_validation_says_when_all_is_well(pages: AsPages, alice: User) -> None:
    assert "No problems" in pages(alice).post("/flows/validate", source=HELLO).text
    broken = pages(alice).post("/flows/validate", source="id: [")
    assert broken.status == 200
    assert 'data-errors="1"' in broken.html


def test_a_revision_saved_meanwhile_is_told_and_can_be_written_over(
    pages: AsPages, alice: User, hello: str, in_alpha: Tenant
) -> None:
    theirs, mine = HELLO + "description: theirs\n", HELLO + "description: mine\n"
    update_flow(acting_user=None, namespace="company.team", flow_id="hello", source=theirs)
    shown = pages(alice).post(hello + "/edit", source=mine, revision="1")
    assert shown.status == 409
    assert "somebody saved revision 2 meanwhile" in shown.text
    assert shown.value_of("source") == mine
    assert Flow.objects.get(flow_id="hello").source == theirs
    assert pages(alice).post(hello + "/edit", source=mine, revision="1", overwrite="1").status == 302
    assert Flow.objects.get(flow_id="hello").source == mine


def test_saving_the_same_text_adds_no_revision(pages: AsPages, alice: User, hello: str, in_alpha: Tenant) -> None:
    alices = pages(alice)
    alices.post(hello + "/edit", source=HELLO, revision="1")
    assert Flow.objects.get(flow_id="hello").revision == 1
    assert "Nothing has changed" in alices.get(hello).text


def test_a_flow_can_be_copied_by_those_who_read_it(pages: AsPages, alice: User, hello: str, in_alpha: Tenant) -> None:
    assert pages(alice).get("/flows/new", copy="company.team/hello").value_of("source") == HELLO
    assert pages(alice).get("/flows/new", copy="company.team/absent").status == 404


def test_the_read_only_label_closes_the_editor(pages: AsPages, alice: User, in_alpha: Tenant, hello: str) -> None:
    locked = HELLO.replace("  team: data\n", '  team: data\n  system.readOnly: "true"\n')
    update_flow(acting_user=None, namespace="company.team", flow_id="hello", source=locked)
    shown = pages(alice).get(hello + "/edit")
    assert "This flow is read-only" in shown.text
    assert "readonly" in shown.html


def test_unchanged_lines_are_folded_in_a_difference() -> None:
    before = "".join(f"line {number}\n" for number in range(30))
    lines = diff_lines(before, before.replace("line 20\n", "line twenty\n"))
    assert (lines[0].kind, lines[0].text) == ("fold", "17 unchanged lines")
    assert [line.text for line in lines if line.kind == "del"] == ["line 20"]
    assert [(line.left, line.right) for line in lines if line.kind == "add"] == [(None, 21)]
    assert diff_lines(before, before) == []
