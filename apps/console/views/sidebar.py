"""The sidebar's help and activity, how the frame was left, and whether a session still holds."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from apps.accounts.selectors import current_user
from apps.audit.models import AuditEntry
from apps.common.access import member, signed_in
from apps.common.errors import BadRequest
from apps.common.htmx import render_page
from apps.console.catalog import PANEL_WIDTHS, PANELS, SHORTCUTS
from apps.console.selectors.people import execution_of, list_own_activity
from apps.console.services import save_preferences


@member
def show_help(request: HttpRequest) -> HttpResponse:
    """Shortcuts, where to read, and the version to name when asking."""
    return render_page(request, "console/help.html", {"shortcuts": SHORTCUTS}, fragment="console/_help.html")


@member
def show_shortcuts(request: HttpRequest) -> HttpResponse:
    """The same list as a dialog."""
    return render_page(request, "console/help.html", {"shortcuts": SHORTCUTS}, fragment="console/_shortcuts.html")


@member
def show_activity(request: HttpRequest) -> HttpResponse:
    """What the person did lately in this tenant, by the audit log; the executions among it as they are now."""
    entries, heads = list_own_activity(current_user(request))
    shown = [(entry, heads.get(execution_of(entry)), _names(entry)) for entry in entries]
    return render_page(request, "console/activity.html", {"entries": shown}, fragment="console/_activity.html")


@member
def save_layout(request: HttpRequest) -> HttpResponseBase:
    """`sidebar` (a panel, or empty), `sidebarWidth` in pixels, `menu` (narrow, or empty): what is sent is kept."""
    changes: dict[str, Any] = {}
    for name, known in (("sidebar", PANELS), ("menu", ("narrow",))):
        if (value := request.POST.get(name)) is not None:
            if value and value not in known:
                raise BadRequest(f"'{name}' is one of {', '.join(known)}, or empty; not '{value[:40]}'.")
            changes[name] = value
    if (width := request.POST.get("sidebarWidth")) is not None:
        least, most = PANEL_WIDTHS
        if not width.isascii() or not width.isdigit() or not least <= int(width[:6]) <= most:
            raise BadRequest(f"'sidebarWidth' is a number of pixels from {least} to {most}, not '{width[:40]}'.")
        changes["sidebarWidth"] = int(width)
    save_preferences(acting_user=current_user(request), changes=changes)
    return HttpResponse(status=204)


@signed_in
def check_session(request: HttpRequest) -> HttpResponse:
    """For scripts: the token that forms need now. Somebody who is signed out is answered as everywhere."""
    answer = JsonResponse({"token": get_token(request)})
    add_never_cache_headers(answer)
    return answer


@signed_in
def session_renewed(request: HttpRequest) -> HttpResponse:
    """Where a sign-in in a second window ends; the first one goes on by itself."""
    return render(request, "console/session_renewed.html")


def _names(entry: AuditEntry) -> str:
    """What an entry is about, in a few words."""
    detail = entry.detail if isinstance(entry.detail, dict) else {}
    words = [str(detail[name]) for name in ("flowId", "name", "key", "id") if detail.get(name)]
    return ".".join([part for part in (entry.namespace, *words[:1]) if part])
