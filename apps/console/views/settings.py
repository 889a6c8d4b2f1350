"""A person's settings: how the console looks. Kept with the person, so that they follow to every browser."""

from __future__ import annotations

from typing import Final
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import check_own_account, current_user
from apps.audit.services import current_caller
from apps.common.access import member
from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.display import DATE_FORMS, local
from apps.common.errors import BadRequest
from apps.console.services import save_preferences
from apps.console.views.shell import DENSITIES, MENUS, MOTIONS, SCHEMES, THEMES
from apps.workflows.views.listing import SIZES

LEVELS: Final = ("ERROR", "WARN", "INFO", "DEBUG", "TRACE")
EDITOR_SIZES: Final = ("12", "14", "16", "18")
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "theme": THEMES,
    "density": DENSITIES,
    "scheme": SCHEMES,
    "motion": MOTIONS,
    "menu": MENUS,
    "dateFormat": tuple(name for name in DATE_FORMS if name),
    "logLevel": LEVELS,
    "editorSize": EDITOR_SIZES,
    "pageSize": tuple(map(str, SIZES)),
    "shortcuts": ("off",),
}


@member
def show_settings(request: HttpRequest) -> HttpResponse:
    """The form."""
    context = {
        "preferences": current_user(request).preferences,
        "zones": sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"),
        "samples": [(name, f"{local(now()):{day}{clock}}") for name, (day, clock) in DATE_FORMS.items()],
        "page_choices": [("", str(SIZES[0])), *((str(size), str(size)) for size in SIZES[1:])],
        "tab": "console",
        "own": current_caller.get().impersonated_by is None,
        "problem": "",
    }
    return render(request, "console/settings.html", context)


@member
def save_settings(request: HttpRequest) -> HttpResponseBase:
    """An empty value means: as the system has it; a field that is not sent stays."""
    user, changes = check_own_account(request), {}
    for name, known in CHOICES.items():
        value = request.POST.get(name)
        if value is None:
            continue
        if value and value not in known:
            raise BadRequest(f"'{name}' is one of {', '.join(known)}, or empty; not '{value[:40]}'.")
        changes[name] = value
    zone = request.POST.get("timeZone")
    if zone is not None:
        if zone and zone not in available_timezones():
            raise BadRequest(f"'timeZone' is a name like Europe/Oslo, or empty; not '{zone[:40]}'.")
        changes["timeZone"] = zone
    if {"start", "defaultTenant"} & request.POST.keys():  # a box that is not ticked sends nothing
        changes["defaultTenant"] = require_tenant() if request.POST.get("defaultTenant") else ""
    save_preferences(acting_user=user, changes=changes)
    messages.success(request, "Settings saved.")
    return redirect(reverse("ui:settings", kwargs={"tenant": require_tenant()}))
