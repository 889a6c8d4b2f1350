"""Where announcements are written: the list, one form for new and old ones, and what it will look like."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.announcements.models import Banner, BannerType
from apps.announcements.selectors import Shown, get_banner, list_banners
from apps.announcements.services.banners import LONGEST, BannerFields, delete_banner, save_banner
from apps.announcements.views.showing import SCOPES
from apps.common.access import access
from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden, Invalid, NotFound, Problem
from apps.rbac.models import Group
from apps.rbac.selectors import groups_by_id
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope

MOST = 100


@access("SETTING", "UPDATE")
def list_all(request: HttpRequest) -> HttpResponse:
    """The tenant's own, for super admins also the installation's, and the form for a new one."""
    return _page(request, _blank(request))


@access("SETTING", "UPDATE")
def create(request: HttpRequest) -> HttpResponseBase:
    """What is wrong comes back with everything that was typed."""
    return _save(request, request.POST.get("scope", "tenant"), None)


@access("SETTING", "UPDATE")
def edit(request: HttpRequest, scope: str, banner_id: str) -> HttpResponse:
    """The same page with this one in the form."""
    with _scope(request, scope):
        banner = get_banner(banner_id)
    return _page(request, _values(banner, scope), banner=banner)


@access("SETTING", "UPDATE")
def save(request: HttpRequest, scope: str, banner_id: str) -> HttpResponseBase:
    """Open pages follow at once."""
    with _scope(request, scope):
        banner = get_banner(banner_id)
    return _save(request, scope, banner)


@access("SETTING", "UPDATE")
def delete(request: HttpRequest, scope: str, banner_id: str) -> HttpResponseBase:
    """It vanishes from open pages."""
    with _scope(request, scope):
        delete_banner(acting_user=current_user(request), banner=get_banner(banner_id))
    messages.success(request, "The announcement is deleted.")
    return redirect(_url())


@access("SETTING", "UPDATE")
def preview(request: HttpRequest) -> HttpResponse:
    """What the form would show, while it is written; nothing is kept."""
    given = request.POST
    kind = given.get("type", "")
    banner = Banner(
        message=given.get("message", "").strip()[:LONGEST] or "…",
        type=kind if kind in BannerType.values else BannerType.INFO,
        dismissible=bool(given.get("dismissible")),
    )
    return render(request, "announcements/_preview.html", {"shown": Shown(banner, "tenant")})


def _save(request: HttpRequest, scope: str, banner: Banner | None) -> HttpResponseBase:
    given = request.POST
    try:
        with _scope(request, scope):
            saved = save_banner(acting_user=current_user(request), fields=_fields(given, scope), banner=banner)
    except Invalid as error:
        typed = {
            **{name: given.get(name, "") for name in ("message", "type", "start", "end")},
            **{name: bool(given.get(name)) for name in ("dismissible", "on_sign_in", "in_apps")},
            "scope": scope,
            "tenants": given.getlist("tenants"),
            "groups": given.getlist("groups"),
        }
        problems = [problem.message for problem in error.problems]
        return _page(request, typed, banner=banner, problems=problems, status=422)
    words = {"shown": "is shown now", "scheduled": "is scheduled", "ended": "is kept; its time is over"}
    messages.success(request, f"The announcement {words[saved.state]}.")
    return redirect(_url())


def _fields(given: QueryDict, scope: str) -> BannerFields:
    return BannerFields(
        message=given.get("message", ""),
        type=given.get("type", ""),
        start_date=_moment(given.get("start", ""), "start"),
        end_date=_moment(given.get("end", ""), "end"),
        tenants=given.getlist("tenants") if scope == "instance" else (),
        group_ids=given.getlist("groups") if scope == "tenant" else (),
        dismissible=bool(given.get("dismissible")),
        on_sign_in=bool(given.get("on_sign_in")) and scope == "instance",
        in_apps=bool(given.get("in_apps")),
    )


def _moment(text: str, name: str) -> datetime | None:
    """Of a field that knows no zone: UTC. Raises Invalid."""
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(problems=[Problem(f"The {name} must be a date and time like 2026-01-31T10:00.", name)]) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _scope(request: HttpRequest, scope: str) -> AbstractContextManager[None]:
    """Raises NotFound for a word that is no scope, Forbidden for the installation's by a tenant's administrator."""
    if scope not in SCOPES:
        raise NotFound(f"There is {' and '.join(SCOPES)}, but no '{scope[:30]}'.")
    if scope == "tenant":
        return nullcontext()
    if not current_user(request).is_super_admin:
        raise Forbidden("Only a super admin announces to the installation.")
    return public_scope()


def _page(
    request: HttpRequest,
    values: dict[str, Any],
    *,
    banner: Banner | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    is_super = current_user(request).is_super_admin
    rows = [Shown(one, "tenant") for one in list_banners()[:MOST]]
    if is_super:
        with public_scope():
            rows += [Shown(one, "instance") for one in list_banners()[:MOST]]
    rows.sort(key=lambda one: one.banner.start_date, reverse=True)
    context = {
        "rows": rows,
        "group_names": {
            pk: group.name for pk, group in groups_by_id(pk for one in rows for pk in one.banner.group_ids).items()
        },
        "values": values,
        "editing": banner,
        "problems": problems or [],
        "types": list(BannerType),
        "is_super": is_super,
        "all_tenants": list(Tenant.objects.order_by("id")[:500]) if is_super else [],
        "all_groups": list(Group.objects.all()[:200]),
        "longest": LONGEST,
        "url": _url(),
    }
    return render(request, "announcements/list.html", context, status=status)


def _blank(request: HttpRequest) -> dict[str, Any]:
    return {
        "message": "", "type": "INFO", "start": _field(now()), "end": "", "tenants": [], "groups": [],
        "scope": "instance" if current_user(request).is_super_admin else "tenant",
        "dismissible": True, "on_sign_in": False, "in_apps": False,
    }  # fmt: skip


def _values(banner: Banner, scope: str) -> dict[str, Any]:
    return {
        "message": banner.message,
        "type": banner.type,
        "start": _field(banner.start_date),
        "end": "" if banner.end_date is None else _field(banner.end_date),
        "tenants": banner.tenants,
        "groups": banner.group_ids,
        "scope": scope,
        "dismissible": banner.dismissible,
        "on_sign_in": banner.on_sign_in,
        "in_apps": banner.in_apps,
    }


def _field(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _url() -> str:
    return reverse("ui:announcements", kwargs={"tenant": require_tenant()})
