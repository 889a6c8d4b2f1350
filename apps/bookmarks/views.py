"""The star beside a page's title, the bookmarks of the menu, and the saved searches beside a filter bar."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.bookmarks.catalog import check_list_key, normalise_url
from apps.bookmarks.models import Shared
from apps.bookmarks.selectors import (
    find_own_bookmark,
    folders_of,
    get_bookmark,
    get_saved_search,
    list_bookmarks,
    list_saved_searches,
)
from apps.bookmarks.services import delete_row, move_bookmark, save_bookmark, save_search
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import Invalid, ProductError
from apps.common.htmx import is_fragment
from apps.rbac.decisions import can_everywhere
from apps.rbac.models import Group


@member
def show_bookmarks(request: HttpRequest) -> HttpResponse:
    """The page where bookmarks are renamed, put in folders, ordered, shared and removed."""
    user = current_user(request)
    groups = Group.objects.filter(members__user_id=user.pk)
    rows = list_bookmarks(user)
    context = {
        "own": [row for row in rows if row.user_id == user.pk],
        "others": [row for row in rows if row.user_id != user.pk],
        "groups": list(groups[:200]),
        "may_share_with_all": can_everywhere(user, "SETTING", "UPDATE"),
    }
    return render(request, "bookmarks/list.html", context)


@member
def toggle(request: HttpRequest) -> HttpResponseBase:
    """The star: keeps the view in `url` under `name`, or forgets it. With htmx the star and the menu come back."""
    user, url = current_user(request), request.POST.get("url", "")
    found = find_own_bookmark(list_bookmarks(user), user, url)
    if found is None:
        save_bookmark(acting_user=user, name=proposed_name(request.POST.get("name", ""), url), url=url)
    else:
        delete_row(acting_user=user, row=found)
    if not is_fragment(request):
        return redirect(normalise_url(url, require_tenant()))
    rows = list_bookmarks(user)
    context = {
        "bookmark_folders": folders_of(rows, user),
        "starred": found is None,
        "star_url": url,
        "star_name": request.POST.get("name", ""),
    }
    return render(request, "bookmarks/_toggled.html", context)


def proposed_name(title: str, url: str) -> str:
    """Executions · FAILED · company.team: the page and what it is narrowed to."""
    values = [value for _, value in parse_qsl(urlsplit(url).query) if value]
    return " · ".join([title.strip() or "Page", *values])[:150]


@member
def change(request: HttpRequest, bookmark_id: str) -> HttpResponseBase:
    """`do` is save (name, folder, sharing), up, down or remove."""
    user, given = current_user(request), request.POST
    bookmark = get_bookmark(bookmark_id, user)
    try:
        match given.get("do"):
            case "remove":
                delete_row(acting_user=user, row=bookmark)
                messages.success(request, f"Bookmark {bookmark.name} removed.")
            case "up" | "down" as way:
                move_bookmark(acting_user=user, bookmark=bookmark, up=way == "up")
            case _:
                shared, _, group_id = given.get("shared", Shared.NOBODY).partition(":")
                save_bookmark(
                    acting_user=user,
                    bookmark=bookmark,
                    name=given.get("name", ""),
                    url=bookmark.url,
                    folder=given.get("folder", ""),
                    shared=shared,
                    group_id=group_id or None,
                )
                messages.success(request, f"Bookmark {bookmark.name} saved.")
    except ProductError as error:
        messages.warning(request, error.message)
    return redirect(reverse("ui:bookmarks", kwargs={"tenant": require_tenant()}))


@member
def show_searches(request: HttpRequest, page: str) -> HttpResponse:
    """The menu beside the filter bar of a list; `query` is what the list shows now, `path` where it is."""
    return _searches(request, check_list_key(page), request.GET.get("query", ""), request.GET.get("path", ""))


@member
def keep_search(request: HttpRequest, page: str) -> HttpResponseBase:
    """`do` is save (under `name`) or remove (`id`)."""
    user, given = current_user(request), request.POST
    query, problem = given.get("query", ""), ""
    try:
        if given.get("do") == "remove":
            delete_row(acting_user=user, row=get_saved_search(given.get("id", ""), user))
        else:
            save_search(acting_user=user, page=page, name=given.get("name", ""), query=query)
    except ProductError as error:
        problem = error.message
    if is_fragment(request):
        return _searches(request, page, query, given.get("path", ""), problem)
    if problem:
        messages.warning(request, problem)
    return redirect(_own_path(given.get("path", "")) or reverse("ui:home", kwargs={"tenant": require_tenant()}))


def _searches(request: HttpRequest, page: str, query: str, path: str, problem: str = "") -> HttpResponse:
    user = current_user(request)
    context = {
        "page_key": page,
        "query": query.lstrip("?"),
        "path": _own_path(path),
        "searches": list_saved_searches(user, page),
        "user_id": user.pk,
        "problem": problem,
    }
    return render(request, "bookmarks/_searches.html", context, status=422 if problem else 200)


def _own_path(path: str) -> str:
    """A page of the tenant, without its query; empty for anything else."""
    try:
        return normalise_url(path, require_tenant()).partition("?")[0]
    except Invalid:
        return ""
