"""The banners on top of a page, fetched again when they change; and the news of the sidebar."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts.selectors import current_user
from apps.announcements.selectors import get_banner, list_news, read_until, told_to
from apps.announcements.services.banners import dismiss_banner
from apps.announcements.services.news import mark_news_read
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.common.htmx import is_fragment, render_page
from apps.tenants.scope import public_scope

SCOPES = ("instance", "tenant")


@member
def show_banners(request: HttpRequest) -> HttpResponse:
    """The stack of banners as it is now."""
    return render(request, "announcements/_banners.html", {"told": told_to(current_user(request))})


@member
def dismiss(request: HttpRequest, scope: str, banner_id: str) -> HttpResponseBase:
    """With htmx the stack without it; else back to the page it was dismissed on."""
    user = current_user(request)
    if scope not in SCOPES:
        raise NotFound(f"There is {' and '.join(SCOPES)}, but no '{scope[:30]}'.")
    if scope == "instance":
        with public_scope():
            dismiss_banner(acting_user=user, banner=get_banner(banner_id))
    else:
        dismiss_banner(acting_user=user, banner=get_banner(banner_id))
    if is_fragment(request):
        return show_banners(request)
    return redirect(own_page(request, request.POST.get("next", "")))


@member
def show_news(request: HttpRequest) -> HttpResponse:
    """The page of news, and for the sidebar its fragment."""
    context = {"news": list_news(), "read_until": read_until(current_user(request))}
    return render_page(request, "announcements/news.html", context, fragment="announcements/_news.html")


@member
def mark_read(request: HttpRequest) -> HttpResponseBase:
    """All of it."""
    mark_news_read(acting_user=current_user(request))
    if is_fragment(request):
        return show_news(request)
    return redirect(reverse("ui:news", kwargs={"tenant": require_tenant()}))


def own_page(request: HttpRequest, wanted: str) -> str:
    """A page of ours, never another site."""
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    home = reverse("ui:home", kwargs={"tenant": require_tenant()})
    return wanted if wanted.startswith("/ui/") and own else home
