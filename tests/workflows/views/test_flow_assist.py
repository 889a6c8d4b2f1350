"""What the editor asks while somebody types, as JSON; names of secrets and keys only where they may be read."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.secrets.services import save_secret
from apps.tenants.models import Tenant
from tests.support.pages import Pages
from tests.workflows.views.conftest import HELLO

MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

pytestmark = pytest.mark.django_db
AsPages = Callable[..., Pages]


def labels(shown_html: str) -> list[str]:
    return [option["label"] for option in json.loads(shown_html)["options"]]


def at(source: str) -> dict[str, str]:
    before, _, after = source.partition("§")
    return {"source": before + after, "line": str(before.count("\n")), "column": str(len(before.rpartition("\n")[2]))}


def test_properties_are_suggested(pages: AsPages, bob: User) -> None:
    answer = pages(bob).post("/flows/complete", **at(HELLO + "    §"))
    assert answer.status == 200
    assert "level" in labels(answer.html)
    assert json.loads(answer.html)["start"] == 4


def test_names_of_keys_and_secrets_are_for_those_who_may_read_them(
    pages: AsPages, alice: User, bob: User, in_alpha: Tenant, settings: Any
) -> None:
    settings.KESTRA_MASTER_KEY = MASTER_KEY
    save_secret(acting_user=None, namespace="company", key="DB_PASSWORD", value="hunter2-hunter2")
    asked = at(HELLO.replace("message: Hello", "message: \"{{ secret('§') }}\""))
    found = pages(alice).post("/flows/complete", **asked)
    assert labels(found.html) == ["DB_PASSWORD"]
    assert "hunter2" not in found.html
    assert labels(pages(bob).post("/flows/complete", **asked).html) == []


def test_a_word_is_explained_without_what_could_run(pages: AsPages, bob: User) -> None:
    answer = json.loads(pages(bob).post("/flows/explain", **at(HELLO.replace("mess", "me§ss"))).html)
    assert answer["title"] == "message"
    assert answer["html"].startswith("<p>")


def test_the_documentation_of_a_type(pages: AsPages, bob: User) -> None:
    shown = pages(bob).get("/flows/type", type="io.kestra.plugin.core.log.Log")
    assert "message" in shown.text
    assert "required" in shown.text
    assert pages(bob).get("/flows/type", type="no.such.Type").status == 404


def test_validation_as_json_gives_places_and_the_picture(pages: AsPages, bob: User) -> None:
    answer = (
        pages(bob)
        .client.post("/ui/alpha/flows/validate", {"source": HELLO}, headers={"Accept": "application/json"})
        .json()
    )
    assert answer["diagnostics"] == []
    assert "<svg" in answer["graph"]
    broken = (
        pages(bob)
        .client.post(
            "/ui/alpha/flows/validate",
            {"source": HELLO.replace("message:", "mesage:")},
            headers={"Accept": "application/json"},
        )
        .json()
    )
    assert broken["graph"] is None
    assert (8, 5) in {(one["line"], one["column"]) for one in broken["diagnostics"]}


@pytest.mark.parametrize("line", ["", "-1", "x", "9" * 30])
def test_a_place_that_is_none_is_refused(pages: AsPages, bob: User, line: str) -> None:
    assert pages(bob).post("/flows/complete", source=HELLO, line=line, column="0").status == 400


def test_nobody_is_answered_without_signing_in(pages: AsPages) -> None:
    assert pages().post("/flows/complete", **at(HELLO + "§")).status in (302, 401)
