"""Bookmarks and saved searches: a person's own, normalised, ordered, shared with whom one may share."""

import pytest

from apps.accounts.models import User
from apps.bookmarks.catalog import normalise_query, normalise_url
from apps.common.errors import Invalid
from apps.rbac.models import GroupMember
from apps.rbac.services.groups import save_group
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.support.api_client import ApiClient
from tests.support.pages import Pages

FAILED = "/ui/alpha/executions?state=FAILED&namespace=company"


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("/ui/alpha/executions?state=FAILED&namespace=company", "/ui/alpha/executions?namespace=company&state=FAILED"),
        ("/ui/alpha/executions?page=3&q=&state=FAILED", "/ui/alpha/executions?state=FAILED"),
        ("https://kestra.example/ui/alpha/flows#top", "/ui/alpha/flows"),
        (" /ui/alpha/flows?q=a%20b ", "/ui/alpha/flows?q=a+b"),
    ],
)
def test_equal_views_have_equal_addresses(url: str, stored: str) -> None:
    assert normalise_url(url, "alpha") == stored


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "https://evil.example/", "/ui/beta/flows", "//evil.example/x", "/ui/alpha/../beta/flows",
        "/admin/", "/ui/alpha/\\evil", "/ui/alpha/a\nb", "/ui/alpha/" + "x" * 2000,
    ],
)  # fmt: skip
def test_a_bookmark_leads_nowhere_else(url: str) -> None:
    with pytest.raises(Invalid):
        normalise_url(url, "alpha")


def test_a_search_forgets_where_in_the_list_one_was() -> None:
    assert normalise_query("?state=FAILED&page=7&namespace=a") == "namespace=a&state=FAILED"


@pytest.mark.django_db
def test_bookmarks_are_the_persons_own_in_his_order(alice: User, bob: User) -> None:
    mine = ApiClient(alice)
    first = mine.post("/bookmarks", {"name": "Failed", "url": FAILED}).json()
    second = mine.post("/bookmarks", {"name": "Flows", "url": "/ui/alpha/flows", "folder": "Work"}).json()
    assert mine.post("/bookmarks", {"name": "Again", "url": FAILED + "&page=2"}).status_code == 409
    assert mine.post("/bookmarks", {"name": "x", "url": "https://evil.example"}).status_code == 422
    assert ApiClient(bob).get("/bookmarks").json() == []
    assert ApiClient(bob).delete(f"/bookmarks/{first['id']}").status_code == 404
    assert ApiClient(bob).put(f"/bookmarks/{first['id']}", {"name": "x", "url": FAILED}).status_code == 404

    ordered = mine.put("/bookmarks/order", {"ids": [second["id"], first["id"], "0" * 22]}).json()
    assert [one["name"] for one in ordered] == ["Flows", "Failed"]
    renamed = mine.put(f"/bookmarks/{first['id']}", {"name": "Red runs", "url": FAILED}).json()
    assert (renamed["name"], renamed["mine"]) == ("Red runs", True)
    assert mine.delete(f"/bookmarks/{second['id']}").status_code == 204
    assert [one["name"] for one in mine.get("/bookmarks").json()] == ["Red runs"]


@pytest.mark.django_db
def test_sharing_needs_membership_or_the_right_to_change_settings(
    alice: User, bob: User, charlie: User, alpha: Tenant
) -> None:
    with tenant_scope("alpha"):
        group = save_group(acting_user=alice, name="Operations")
        GroupMember.objects.create(group=group, user_id=bob.pk)
    for_all = {"name": "Start here", "url": "/ui/alpha/flows", "shared": "TENANT"}
    for_group = {"name": "Ours", "url": FAILED, "shared": "GROUP", "groupId": group.pk}
    assert ApiClient(bob).post("/bookmarks", for_all).status_code == 403
    assert ApiClient(alice).post("/bookmarks", for_group).status_code == 403, "she is no member"
    assert ApiClient(alice).post("/bookmarks", for_all).status_code == 200
    assert ApiClient(bob).post("/bookmarks", for_group).status_code == 200
    assert [one["name"] for one in ApiClient(bob).get("/bookmarks").json()] == ["Ours", "Start here"]
    assert [one["name"] for one in ApiClient(alice).get("/bookmarks").json()] == ["Start here"]
    assert ApiClient(charlie, tenant="beta").get("/bookmarks").json() == []
    assert ApiClient(charlie).get("/bookmarks").status_code == 404


@pytest.mark.django_db
def test_the_star_keeps_the_view_and_forgets_it(alice: User) -> None:
    pages = Pages(alice)
    starred = pages.post("/bookmarks/star", htmx=True, url=FAILED, name="Executions")
    assert 'aria-pressed="true"' in starred.html
    assert "Executions · FAILED · company" in starred.text
    shown = pages.get("/executions", namespace="company", state="FAILED")
    assert 'aria-pressed="true"' in shown.html, "also with its filters in another order"
    assert "Executions · FAILED · company" in pages.get("/flows").text, "in the menu of every page"
    assert pages.post("/bookmarks/star", url=FAILED, name="Executions").location == normalise_url(FAILED, "alpha")
    assert "Executions · FAILED" not in pages.get("/flows").text
    assert pages.post("/bookmarks/star", htmx=True, url="https://evil.example/", name="x").status == 422


@pytest.mark.django_db
def test_bookmarks_are_renamed_moved_and_removed_on_their_page(alice: User) -> None:
    client, pages = ApiClient(alice), Pages(alice)
    one = client.post("/bookmarks", {"name": "One", "url": "/ui/alpha/flows"}).json()["id"]
    client.post("/bookmarks", {"name": "Two", "url": "/ui/alpha/executions"})
    pages.post(f"/bookmarks/{one}", do="down")
    assert [row["name"] for row in client.get("/bookmarks").json()] == ["Two", "One"]
    pages.post(f"/bookmarks/{one}", do="save", name="Renamed", folder="Mine", shared="NOBODY")
    html = pages.get("/bookmarks").html
    assert 'value="Renamed"' in html
    assert 'value="Mine"' in html
    pages.post(f"/bookmarks/{one}", do="remove")
    assert [row["name"] for row in client.get("/bookmarks").json()] == ["Two"]


@pytest.mark.django_db
def test_saved_searches_belong_to_a_list_and_one_of_them_is_the_default(alice: User, bob: User) -> None:
    mine = ApiClient(alice)
    body = {"page": "executions", "name": "Failed", "query": "state=FAILED&page=4", "isDefault": True}
    first = mine.post("/saved-searches", body).json()
    assert (first["query"], first["isDefault"]) == ("state=FAILED", True)
    assert mine.post("/saved-searches", body).status_code == 409
    mine.post("/saved-searches", {**body, "name": "Running", "query": "state=RUNNING"})
    found = {one["name"]: one["isDefault"] for one in mine.get("/saved-searches", page="executions").json()}
    assert found == {"Failed": False, "Running": True}
    assert mine.get("/saved-searches", page="flows").json() == []
    assert mine.get("/saved-searches").status_code == 400
    assert mine.get("/saved-searches", page="No Key").status_code == 422
    assert ApiClient(bob).get("/saved-searches", page="executions").json() == []
    assert ApiClient(bob).delete(f"/saved-searches/{first['id']}").status_code == 404

    pages = Pages(alice)
    place = "/saved-searches/executions"
    menu = pages.fragment(f"{place}?path=/ui/alpha/executions&query=state%3DKILLED")
    assert "/ui/alpha/executions?state=FAILED" in menu.html
    fields = {"name": "Killed", "query": "state=KILLED", "path": "/ui/alpha/executions"}
    kept = pages.client.post(pages.base + place, fields, headers={"HX-Request": "true"})
    assert "Killed" in kept.content.decode()
    assert "evil" not in pages.fragment(f"{place}?path=https://evil.example/").html
