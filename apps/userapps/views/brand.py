"""How the tenant's Apps look: the form for it, and the logo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access, public
from apps.common.current_tenant import require_tenant
from apps.common.errors import Invalid, NotFound, Problem
from apps.instance.services.tenant_settings import image_type
from apps.storage.internal_storage import open_storage
from apps.userapps.models import AppBrand
from apps.userapps.selectors import find_brand
from apps.userapps.services.brand import save_brand

PLAIN_COLOUR: Final = "#0b6b62"


@access("APP", "READ", everywhere=True)
def show_brand(request: HttpRequest) -> HttpResponse:
    """The look as it is."""
    return _form(request, find_brand())


@access("APP", "UPDATE", everywhere=True)
def change_brand(request: HttpRequest) -> HttpResponseBase:
    """Saves the look; with problems the form again, what was typed kept."""
    upload = request.FILES.get("logo")
    title, colour = request.POST.get("title", ""), request.POST.get("colour", "")
    if request.POST.get("plain"):
        colour = ""
    try:
        save_brand(
            acting_user=current_user(request),
            title=title,
            colour=colour,
            logo=None if upload is None else upload.read(),
            drop_logo=bool(request.POST.get("drop_logo")),
        )
    except Invalid as error:
        held = find_brand()
        return _form(request, AppBrand(title=title, colour=colour, logo=held.logo), error.problems)
    messages.success(request, "The look of the Apps is saved.")
    return redirect(reverse("ui:app_brand", kwargs={"tenant": require_tenant()}))


@public
def show_logo(request: HttpRequest) -> HttpResponseBase:
    """The picture on top of each App; PUBLIC ones show it to everyone."""
    brand = find_brand()
    storage = open_storage()
    if not brand.logo or not storage.exists(brand.logo):
        raise NotFound("The Apps of this tenant have no logo.")
    content = storage.read(brand.logo)
    headers = {"Cache-Control": "private, max-age=300", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return HttpResponse(content, content_type=image_type(content) or "application/octet-stream", headers=headers)


def _form(request: HttpRequest, brand: AppBrand, problems: Sequence[Problem] = ()) -> HttpResponse:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.path or "", []).append(problem.message)
    context = {"brand": brand, "errors": errors, "plain_colour": PLAIN_COLOUR}
    return render(request, "userapps/brand.html", context, status=422 if problems else 200)
