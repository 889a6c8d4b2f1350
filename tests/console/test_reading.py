"""What there is to read: each page of the documentation, each type's page, and which page belongs to which."""

import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import User
from apps.common.access import marks_of
from apps.common.errors import NotFound
from apps.console.catalog import doc_for
from apps.console.selectors.docs import list_docs, read_doc
from apps.console.selectors.plugins import list_groups, list_types, read_type, search_plugins
from apps.console.views.menu import NOTHING
from tests.support.pages import Pages

NO_PAGES = {"logo", "events", "session", "session_renewed", "app_events", "filter_suggest", "list_export", NOTHING}
"""Routes that answer a GET with something else."""


def page_routes(patterns: list[URLPattern | URLResolver], inside: bool = False) -> Iterator[str]:
    """Names of the routes of a tenant that answer a GET."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from page_routes(pattern.url_patterns, inside or pattern.namespace == "ui")
        elif inside and "GET" in marks_of(pattern.callback):
            yield pattern.name or ""


def test_each_page_class_has_its_page_of_the_documentation() -> None:
    """A new page class gets a line in apps/console/catalog.py."""
    routes = set(page_routes(get_resolver().url_patterns)) - NO_PAGES
    assert len(routes) > 50
    assert sorted(route for route in routes if not doc_for(route)) == []


def test_each_page_of_the_table_and_its_heading_is_there() -> None:
    routes = set(page_routes(get_resolver().url_patterns)) - NO_PAGES
    for target in {doc_for(route) for route in routes}:
        path, _, heading = target.partition("#")
        ids = {one.id for one in read_doc(path, "").headings}
        assert not heading or heading in ids, target


@pytest.mark.parametrize("path", [page.path for page in list_docs()])
def test_each_link_inside_the_documentation_leads_somewhere(path: str) -> None:
    document = read_doc(path, "/docs")
    assert document.title
    for target in re.findall(r'href="(/docs[^"]*|#[^"]*)"', document.html):
        place, _, heading = target.partition("#")
        assert place != "/docs", "a link to a file that is not there"
        headings = read_doc(place.removeprefix("/docs/"), "/docs").headings if place else document.headings
        assert not heading or heading in {one.id for one in headings}, target


def test_documentation_is_filtered_like_users_text() -> None:
    for page in list_docs():
        assert "<script" not in read_doc(page.path, "").html
        assert "<h1" not in read_doc(page.path, "").html


@pytest.mark.django_db
def test_documentation_is_a_page_and_a_part_of_the_sidebar(alice: User) -> None:
    pages = Pages(alice)
    assert "/ui/alpha/docs/use/console" in pages.get("/docs").links()
    whole = pages.get("/docs/use/console")
    assert "On this page" in whole.text
    part = pages.fragment("/docs/use/console")
    assert "<html" not in part.html
    assert 'data-panel-title="The console"' in part.html
    assert pages.get("/docs/../settings").status == 404
    assert pages.get("/docs/use/nothing").status == 404


def test_each_type_has_a_page() -> None:
    for one in list_types():
        shown = read_type(one.type)
        assert shown.properties, one.type
        assert shown.type == one.type
        assert all(prop.kind for prop in (*shown.properties, *shown.outputs)), one.type


def test_a_type_is_found_by_name_by_what_it_does_and_under_an_old_name() -> None:
    assert search_plugins(["http", "request"], most=3)[0].type == "io.kestra.plugin.core.http.Request"
    assert [group.name for group in list_groups(["parallel"])]
    assert read_type("io.kestra.plugin.fs.http.Request").type == "io.kestra.plugin.core.http.Request"
    request = read_type("io.kestra.plugin.core.http.Request")
    assert {"code", "body"} <= {one.name for one in request.outputs}
    assert next(one for one in request.properties if one.name == "uri").required
    assert "GET" in next(one for one in request.properties if one.name == "method").choices
    with pytest.raises(NotFound, match="did you mean"):
        read_type("io.kestra.plugin.core.http.Requst")


@pytest.mark.django_db
def test_plugins_are_listed_by_group_and_searched(bob: User) -> None:
    pages = Pages(bob)
    assert "io.kestra.plugin.core.flow" in pages.get("/plugins").text
    found = pages.fragment("/plugins", q="wait for a time")
    assert "<html" not in found.html
    assert "No type matches" in pages.get("/plugins", q="no such thing").text
    shown = pages.get("/plugins/io.kestra.plugin.core.http.Request")
    assert "allowFailed" in shown.text
    assert "{{ inputs.address }}" in shown.text
    assert pages.get("/plugins/io.kestra.Nothing").status == 404
