"""Pages for htmx: a full page or only its fragment, toasts, redirects."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

ToastLevel = Literal["success", "info", "warning", "error"]


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page; a boosted link or a history restore wants all of it."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def render_page(
    request: HttpRequest, page: str, context: Mapping[str, Any] | None = None, *, fragment: str, status: int = 200
) -> HttpResponse:
    """`page` for a browser, `fragment` for htmx; both templates get the same context."""
    name = fragment if is_fragment(request) else page
    response = render(request, name, dict(context or {}), status=status)
    response.headers["Vary"] = "HX-Request"
    return response


def add_toast(response: HttpResponse, message: str, *, level: ToastLevel = "success") -> HttpResponse:
    """Shows a short message when the answer arrives: the event `toast` with level and message."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    events["toast"] = {"level": level, "message": message}
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def redirect(request: HttpRequest, url: str) -> HttpResponse:
    """Goes to another page, also when htmx asked. `url` is one of ours."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
