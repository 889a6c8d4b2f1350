"""A person's settings: how the console looks. Kept with the person, so that they follow to every browser."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest
from apps.console.services import save_preferences
from apps.console.views.shell import DENSITIES, SCHEMES, THEMES

CHOICES: dict[str, tuple[str, ...]] = {"theme": THEMES, "density": DENSITIES, "scheme": SCHEMES}


@member
def show_settings(request: HttpRequest) -> HttpResponse:
    """The form."""
    return render(request, "console/settings.html", {"preferences": current_user(request).preferences})


@member
def save_settings(request: HttpRequest) -> HttpResponseBase:
    """An empty value means: as the system has it."""
    changes: dict[str, Any] = {}
    for name, known in CHOICES.items():
        value = request.POST.get(name, "")
        if value and value not in known:
            raise BadRequest(f"'{name}' is one of {', '.join(known)}, or empty; not '{value[:40]}'.")
        changes[name] = value
    changes["defaultTenant"] = require_tenant() if request.POST.get("defaultTenant") else ""
    save_preferences(acting_user=current_user(request), changes=changes)
    messages.success(request, "Settings saved.")
    return redirect(reverse("ui:settings", kwargs={"tenant": require_tenant()}))
