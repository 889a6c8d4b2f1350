"""One visit of an App's page: which App, who comes, which execution, and what is answered when it cannot be shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from apps.common.content_security import HEADER, POLICY
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound, ProductError, Unauthenticated
from apps.rbac.middleware import client_address
from apps.userapps.language.definition import AppDefinition
from apps.userapps.models import UserApp
from apps.userapps.selectors import find_brand
from apps.userapps.services.admission import AppClosed, AppDisabled, AppNotYet, Visitor, open_app
from apps.userapps.services.tickets import read_follow, sign_follow

EXECUTION: Final = "exec"
EMBED: Final = "embed"
KEPT: Final = (EMBED, "theme", "parent")
"""What an address in a frame says of its look and of the page around, kept from page to page."""
THEMES: Final = ("light", "dark")
_MARKDOWN_IMAGE: Final = re.compile(r"!\[[^\]]*\]\(")


@dataclass(frozen=True)
class Visit:
    """An admitted visit. ``execution_id`` is the one that the address names, by a value that this App signed."""

    request: HttpRequest
    app: UserApp
    definition: AppDefinition
    visitor: Visitor
    execution_id: str | None

    @property
    def embedded(self) -> bool:
        return self.request.GET.get(EMBED) == "1"

    @property
    def theme(self) -> str:
        """light or dark when the address says so; empty: as the person or the system has it."""
        wanted = self.request.GET.get("theme", "")
        return wanted if wanted in THEMES else ""

    @property
    def parent(self) -> str:
        """Origin of the page around the frame, when it may frame the App: only that page is told what happens."""
        wanted = self.request.GET.get("parent", "")
        return wanted if wanted in _origins(self.app, self.request, wanted) else ""

    def address(self, execution_id: str | None = None, **more: str) -> str:
        """The page's own address, of an execution when one is named."""
        query = {} if execution_id is None else {EXECUTION: sign_follow(self.app.pk, execution_id)}
        if self.embedded:
            query |= {name: self.request.GET[name] for name in KEPT if self.request.GET.get(name)}
        path = app_address(self.app)
        query |= more
        return f"{path}?{urlencode(query)}" if query else path

    def part_address(self, route: str, **more: str) -> str:
        """Address of something that belongs to the page: its events, a file, the log."""
        query = dict(more)
        if self.execution_id is not None:
            query[EXECUTION] = sign_follow(self.app.pk, self.execution_id)
        path = reverse(f"ui:{route}", kwargs={"tenant": require_tenant(), "uid": self.app.uid})
        return f"{path}?{urlencode(query)}" if query else path


def app_address(app: UserApp) -> str:
    """The App's link, without scheme and host."""
    return reverse("ui:app", kwargs={"tenant": require_tenant(), "uid": app.uid})


def app_url(app: UserApp) -> str:
    """The App's link as others can follow it."""
    return settings.KESTRA_URL.rstrip("/") + app_address(app)


def visit(request: HttpRequest, uid: str, *, action: str = "READ") -> Visit:
    """Admits a visit. Raises what `check_admission` raises, and NotFound for a foreign execution."""
    opened = open_app(uid, request.user, address=client_address(request), action=action)
    followed = request.GET.get(EXECUTION)
    execution_id = None if not followed else read_follow(followed, opened.app.pk)
    return Visit(request, opened.app, opened.definition, opened.visitor, execution_id)


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """What cannot be shown becomes a page that says why, in the words of people who never saw the console."""

    def answer(request: HttpRequest, uid: str, **arguments: Any) -> HttpResponseBase:
        try:
            return view(request, uid, **arguments)
        except Unauthenticated:
            return _framed(to_sign_in(request), request, uid)
        except ProductError as error:
            return _framed(refuse(request, error), request, uid)

    answer.__name__, answer.__module__, answer.__doc__ = view.__name__, view.__module__, view.__doc__
    return answer


def _framed(response: HttpResponseBase, request: HttpRequest, uid: str) -> HttpResponseBase:
    """A refusal may be shown where the App may: the page around would otherwise hold an empty frame."""
    app = UserApp.objects.filter(uid=uid).first() if request.GET.get(EMBED) == "1" else None
    return response if app is None or not isinstance(response, HttpResponse) else secure(response, request, app)


def to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """The sign-in page; inside a frame, where nobody must type a password, a page that leads out of it."""
    target = f"{settings.LOGIN_URL}?{urlencode({'next': request.get_full_path()})}"
    if request.GET.get(EMBED) == "1":
        return _closed_page(request, "Sign in to use this App", "It opens in a window of its own.", 401, target)
    return HttpResponseRedirect(target)


def refuse(request: HttpRequest, error: ProductError) -> HttpResponse:
    """The page for an App that cannot be used now, or not by this person."""
    match error:
        case AppNotYet():
            title, text = "Not open yet", f"This App opens on {error.opens:%d %B %Y at %H:%M} UTC."
        case AppClosed():
            title, text = "This App has closed", "Its time is over. Ask the people who gave you the link."
        case AppDisabled():
            title, text = "Not available", error.message
        case NotFound():
            title, text = "There is nothing here", error.message
        case _:
            title, text = "This does not work", error.message
    return _closed_page(request, title, text, error.status)


def _closed_page(request: HttpRequest, title: str, text: str, status: int, sign_in: str = "") -> HttpResponse:
    context = {
        "brand": find_brand(),
        "title_text": title,
        "text": text,
        "sign_in": sign_in,
        "embedded": True,
        "theme": "",
    }
    return render(request, "userapps/closed.html", context, status=status)


def secure(response: HttpResponse, request: HttpRequest, app: UserApp, texts: Sequence[str] = ()) -> HttpResponse:
    """The page's policy: who may frame it, and pictures from elsewhere where its blocks show some."""
    nonce = getattr(request, "csp_nonce", "")
    policy = POLICY.format(nonce=nonce)
    hosts = " ".join(f"{scheme}://{host}" for host in app.embed_hosts for scheme in _schemes())
    policy = policy.replace("frame-ancestors 'self'", f"frame-ancestors 'self' {hosts}".rstrip())
    if any(urlsplit(text).scheme == "https" or _MARKDOWN_IMAGE.search(text) for text in texts):
        policy = policy.replace("img-src 'self'", "img-src 'self' https:")
    response.headers[HEADER] = policy
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _schemes() -> tuple[str, ...]:
    """How a page around may be served: without TLS only where the product itself is."""
    return ("https", "http") if urlsplit(settings.KESTRA_URL).scheme == "http" else ("https",)


def _origins(app: UserApp, request: HttpRequest, wanted: str) -> set[str]:
    """The origins that may frame the App; for a host with a star the wanted one, if it lies below."""
    found = {f"{request.scheme}://{request.get_host()}"}
    for host in app.embed_hosts:
        for scheme in _schemes():
            found.add(f"{scheme}://{host}")
            if host.startswith("*.") and urlsplit(wanted).scheme == scheme and wanted.endswith(host[1:]):
                found.add(wanted)
    return found
