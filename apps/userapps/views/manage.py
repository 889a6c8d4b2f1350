"""Apps for those who write them: the list with its figures, switches, copies, archives, links to share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, IllegalArgument, IllegalState, Invalid, NotFound, ProductError
from apps.common.htmx import render_page
from apps.rbac.decisions import can, check_can, visible_namespaces
from apps.userapps.models import UserApp
from apps.userapps.selectors import list_tags, search_apps
from apps.userapps.services.apps import delete_app, duplicate_app, renew_link, set_app_disabled, set_embed_hosts
from apps.userapps.services.bundles import import_apps, pack_apps, read_app_sources
from apps.userapps.services.statistics import AppUse, use_of
from apps.userapps.views.visit import app_url

SIZE: Final = 50
DEEDS: Final = {
    "enable": ("UPDATE", "switched on"),
    "disable": ("UPDATE", "switched off"),
    "duplicate": ("CREATE", "copied"),
    "delete": ("DELETE", "deleted"),
    "link": ("UPDATE", "has another link; the old one leads nowhere from now on"),
}


@dataclass(frozen=True)
class AppRow:
    """An App in the list: its use over 30 days, its link, and what the person may do with it."""

    app: UserApp
    use: AppUse
    url: str
    may_update: bool
    may_delete: bool


@access("APP", "READ")
def list_apps(request: HttpRequest) -> HttpResponse:
    """`q`, `namespace`, `flow`, `tag`, `access` and `stand` narrow it; fifty a page. Five queries."""
    user = current_user(request)
    visible = visible_namespaces(user, "APP")
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "namespace", "flow", "tag", "access", "stand")}
    found = search_apps(
        visible,
        query=asked["q"],
        namespace=asked["namespace"],
        flow_id=asked["flow"],
        tags=[asked["tag"]] if asked["tag"] else [],
    )
    if asked["access"] in {"PUBLIC", "PRIVATE"}:
        found = found.filter(is_public=asked["access"] == "PUBLIC")
    if asked["stand"] in {"on", "off"}:
        found = found.filter(disabled=asked["stand"] == "off")
    number = request.GET.get("page", "1")
    page = int(number) if number.isdecimal() and 0 < int(number) < 20_000 else 1
    apps = list(found.order_by("namespace", "app_id")[(page - 1) * SIZE : page * SIZE])
    total = found.count()
    use = use_of(app.pk for app in apps)
    context: dict[str, Any] = {
        **asked,
        "rows": [_row(user, app, use.get(app.pk, AppUse())) for app in apps],
        "total": total,
        "page": page,
        "pages": max(1, -(-total // SIZE)),
        "first": (page - 1) * SIZE + 1,
        "filtered": any(asked.values()),
        "tags": list_tags(visible),
        "partly": visible is not None,
        "may_create": can(user, "APP", "CREATE"),
        "query": request.GET.urlencode(),
        "address": _address(request, asked),
    }
    return render_page(request, "userapps/manage.html", context, fragment="userapps/_manage.html")


@access("APP", "READ")
def change_app(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Does what the field `do` says to one App, and goes back to the list."""
    word = request.POST.get("do", "")
    if word not in DEEDS:
        raise BadRequest(f"'do' must be one of {', '.join(DEEDS)}, not '{word[:40]}'.")
    action, told = DEEDS[word]
    app, user = readable_app(request, uid, action), current_user(request)
    target = reverse("ui:apps", kwargs={"tenant": require_tenant()})
    query = request.POST.get("query", "")
    try:
        match word:
            case "enable" | "disable":
                set_app_disabled(acting_user=user, uid=uid, disabled=word == "disable")
            case "duplicate":
                copy = duplicate_app(acting_user=user, uid=uid)
                messages.success(request, f"{app.display_name}: {told} as {copy.app_id}.")
                return redirect(reverse("ui:app_edit", kwargs={"tenant": require_tenant(), "uid": copy.uid}))
            case "delete":
                delete_app(acting_user=user, uid=uid)
            case "link":
                fresh = renew_link(acting_user=user, uid=uid)
                messages.success(request, f"{app.display_name} {told}.")
                return redirect(reverse("ui:app_share", kwargs={"tenant": require_tenant(), "uid": fresh.uid}))
    except (IllegalState, IllegalArgument, Invalid) as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{app.display_name}: {told}.")
    return redirect(f"{target}?{query}" if query and len(query) < 1000 else target)


@access("APP", "READ")
def show_share(request: HttpRequest, uid: str) -> HttpResponse:
    """The App's link, its QR code, what to put into another site, and the hosts that may."""
    return _share(request, readable_app(request, uid, "READ"))


@access("APP", "UPDATE")
def save_hosts(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Names the hosts whose pages may show the App, one a line."""
    app = readable_app(request, uid, "UPDATE")
    typed = request.POST.get("hosts", "")
    try:
        set_embed_hosts(acting_user=current_user(request), uid=uid, hosts=typed.replace(",", "\n").split("\n"))
    except Invalid as error:
        return _share(request, app, typed=typed, errors=[problem.message for problem in error.problems], status=422)
    messages.success(request, "Saved who may show the App in a frame.")
    return redirect(reverse("ui:app_share", kwargs={"tenant": require_tenant(), "uid": uid}))


@access("APP", "READ")
def export_apps(request: HttpRequest) -> HttpResponse:
    """A zip of all Apps that the person may read, or of the one that `uid` names."""
    found = search_apps(visible_namespaces(request.user, "APP"))
    if uid := request.GET.get("uid"):
        found = found.filter(uid=uid)
    archive = pack_apps(acting_user=current_user(request), apps=found)
    headers = {"Content-Disposition": 'attachment; filename="apps.zip"'}
    return HttpResponse(archive, content_type="application/zip", headers=headers)


@access("APP", "CREATE")
def import_file(request: HttpRequest) -> HttpResponseBase:
    """Creates or updates the Apps of a YAML file or a zip of such, all or none."""
    upload = request.FILES.get("file")
    target = redirect(reverse("ui:apps", kwargs={"tenant": require_tenant()}))
    if upload is None:
        messages.warning(request, "Choose a file of Apps first: YAML, or a zip of YAML files.")
        return target
    try:
        sources = read_app_sources(upload.name or "", upload.read())
        for namespace, _ in sources:
            check_can(request.user, "APP", "CREATE", namespace)
            check_can(request.user, "APP", "UPDATE", namespace)
        saved = import_apps(acting_user=current_user(request), sources=sources)
    except Invalid as error:
        for problem in error.problems[:5]:
            place = f"{problem.path}, line {problem.line}: " if problem.line else ""
            messages.error(request, f"Nothing imported. {place}{problem.message}")
    except ProductError as error:
        messages.error(request, f"Nothing imported. {error.message}")
    else:
        messages.success(request, f"{len(saved)} App{'' if len(saved) == 1 else 's'} imported.")
    return target


def readable_app(request: HttpRequest, uid: str, action: str) -> UserApp:
    """An App that the person may do this to. NotFound, also for one that he may not see; Forbidden."""
    app = UserApp.objects.filter(uid=uid).first()
    if app is None or not can(request.user, "APP", "READ", app.namespace):
        raise NotFound("There is no such App; its link may have been renewed.")
    check_can(request.user, "APP", action, app.namespace)
    return app


def qr_code(text: str) -> SafeString:
    """A QR code as an SVG element; made of our own address, so that nothing in it needs escaping."""
    drawn = segno.make(text, error="m", micro=False).svg_inline(scale=4, border=2, dark="#000", light="#fff")
    return mark_safe(drawn)  # noqa: S308 - rectangles drawn by segno


def _share(
    request: HttpRequest, app: UserApp, *, typed: str | None = None, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    url = app_url(app)
    context = {
        "app": app,
        "link": url,
        "qr": qr_code(url),
        "script_url": f"{settings.KESTRA_URL.rstrip('/')}{settings.STATIC_URL}embed.js",
        "hosts": typed if typed is not None else "\n".join(app.embed_hosts),
        "errors": errors or [],
        "may_update": can(request.user, "APP", "UPDATE", app.namespace),
    }
    return render(request, "userapps/share.html", context, status=status)


def _row(user: User, app: UserApp, use: AppUse) -> AppRow:
    may = {action: can(user, "APP", action, app.namespace) for action in ("UPDATE", "DELETE")}
    return AppRow(app, use, app_url(app), may["UPDATE"], may["DELETE"])


def _address(request: HttpRequest, asked: dict[str, str]) -> Any:
    def address(**changed: Any) -> str:
        kept = {name: value for name, value in {**asked, **changed}.items() if value}
        return f"{request.path}?{urlencode(kept)}" if kept else request.path

    return address
