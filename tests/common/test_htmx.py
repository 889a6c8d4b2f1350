"""Pages and fragments, toasts and redirects."""

import json

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from apps.common.htmx import add_toast, is_fragment, redirect


@pytest.mark.parametrize(
    ("headers", "fragment"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_who_gets_a_fragment(headers: dict[str, str], fragment: bool) -> None:
    assert is_fragment(RequestFactory().get("/", headers=headers)) is fragment


def test_toast_keeps_other_events() -> None:
    answer = HttpResponse(headers={"HX-Trigger": '{"saved": true}'})
    add_toast(answer, "Saved.", level="info")
    assert json.loads(answer.headers["HX-Trigger"]) == {"saved": True, "toast": {"level": "info", "message": "Saved."}}


def test_redirect_for_browser_and_htmx() -> None:
    plain = redirect(RequestFactory().get("/"), "/ui/main/flows")
    assert (plain.status_code, plain.headers["Location"]) == (302, "/ui/main/flows")
    asked = redirect(RequestFactory().get("/", headers={"HX-Request": "true"}), "/ui/main/flows")
    assert (asked.status_code, asked.headers["HX-Redirect"]) == (204, "/ui/main/flows")
