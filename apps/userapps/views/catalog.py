"""The catalog: Apps that a person may use now, what waits for him, what he asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.rbac.decisions import can, visible_namespaces
from apps.userapps.models import UserApp
from apps.userapps.selectors import (
    catalog_of,
    favourites_of,
    find_brand,
    last_used_by,
    list_tags,
    requests_of,
    states_of,
    waiting_for,
)
from apps.userapps.services.favourites import switch_favourite
from apps.userapps.services.tickets import sign_follow
from apps.userapps.views.visit import EXECUTION, app_address

MOST_SHOWN: Final = 500
LAST_REQUESTS: Final = 10


@dataclass(frozen=True)
class Card:
    """An App as the catalog shows it to a person."""

    app: UserApp
    url: str
    favourite: bool
    used: datetime | None
    picture: str


@access("APPEXECUTION", "READ")
def show_catalog(request: HttpRequest) -> HttpResponse:
    """`q`, `tag` (repeatable), `namespace` and `favourites=1` narrow it. Eight queries."""
    user = current_user(request)
    user_id = str(user.pk)
    query, namespace = request.GET.get("q", "").strip(), request.GET.get("namespace", "")
    tags = request.GET.getlist("tag")
    only_favourites = request.GET.get("favourites") == "1"
    marked, used = favourites_of(user_id), last_used_by(user_id)
    found = catalog_of(user, query=query, namespace=namespace, tags=tags).order_by("display_name", "pk")
    apps = [app for app in found[:MOST_SHOWN] if not only_favourites or app.pk in marked]
    apps.sort(key=lambda app: app.pk not in marked)
    requests = requests_of(user_id, LAST_REQUESTS)
    context: dict[str, Any] = {
        "brand": find_brand(),
        "embedded": False,
        "theme": "",
        "waiting": [(one, _address(one.app, one.execution_id)) for one in waiting_for(user)],
        "cards": [_card(app, marked, used) for app in apps],
        "requests": _requests(requests),
        "q": query,
        "tag": tags,
        "namespace": namespace,
        "favourites": only_favourites,
        "filtered": bool(query or tags or namespace or only_favourites),
        "tags": list_tags(visible_namespaces(user, "APPEXECUTION")),
        "builds": can(user, "APP", "READ"),
        "here": request.get_full_path(),
        "narrow": _narrower(request),
        "console": _has_console(user),
    }
    return render(request, "userapps/catalog.html", context)


@access("APPEXECUTION", "READ")
def mark_favourite(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Marks an App, or takes the mark away, and goes back to the catalog."""
    user = current_user(request)
    app = catalog_of(user).filter(uid=uid).first()
    if app is None:
        raise NotFound("There is no such App in your catalog.")
    switch_favourite(user_id=str(user.pk), app=app)
    return redirect(reverse("ui:app_catalog", kwargs={"tenant": require_tenant()}) + _query(request))


def _query(request: HttpRequest) -> str:
    kept = request.POST.get("query", "")
    return f"?{kept}" if kept and "\n" not in kept and len(kept) < 1000 else ""


def _card(app: UserApp, marked: set[str], used: dict[str, datetime]) -> Card:
    picture = ""
    if app.thumbnail:
        picture = reverse("ui:app_thumbnail", kwargs={"tenant": require_tenant(), "uid": app.uid})
    return Card(app, app_address(app), app.pk in marked, used.get(app.pk), picture)


def _address(app: UserApp, execution_id: str) -> str:
    return f"{app_address(app)}?{urlencode({EXECUTION: sign_follow(app.pk, execution_id)})}"


def _requests(runs: list[Any]) -> list[dict[str, Any]]:
    states = states_of(run.execution_id for run in runs)
    return [
        {
            "name": run.app.display_name,
            "url": _address(run.app, run.execution_id),
            "created": run.created,
            "state": states[run.execution_id],
        }
        for run in runs
        if run.app is not None and run.execution_id in states
    ]


def _narrower(request: HttpRequest) -> Any:
    """`narrow(tag="Finance")` is the address with that tag; an empty value takes the key away."""

    def narrow(**changed: str) -> str:
        kept = {name: value for name in ("q", "namespace") if (value := request.GET.get(name))}
        kept |= {name: value for name, value in changed.items() if value}
        return "?" + urlencode(kept) if kept else request.path

    return narrow


def _has_console(user: User) -> bool:
    return can(user, "FLOW", "READ") or can(user, "EXECUTION", "READ") or can(user, "APP", "READ")
