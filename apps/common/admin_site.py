"""The admin console's site: entered through our own sign-in page, by super admins alone, under a policy of its own."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from apps.common.content_security import HEADER

POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""The theme compiles the handlers it finds in its own templates, which needs 'unsafe-eval'; no inline script and
nothing from elsewhere is let in here either. What people write stands escaped in these pages, never in a handler."""


class ProductAdminSite(UnfoldAdminSite):
    """`admin.site` (kestra_ee.settings names it by its config)."""

    site_title = site_header = "Platform administration"
    index_title = "Installation"
    site_url = "/ui/"
    index_template = "admin/installation.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """An active super admin."""
        return bool(getattr(request.user, "is_super_admin", False))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """To our sign-in page and back; somebody who is signed in and no super admin is told so by going home."""
        if request.user.is_authenticated:
            return HttpResponseRedirect(reverse("admin:index") if self.has_permission(request) else "/ui/")
        target = request.GET.get("next") or reverse("admin:index")
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': target})}")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """With the policy on the answer."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **arguments: Any) -> Any:
            answer = inner(request, *args, **arguments)
            answer.headers.setdefault(HEADER, POLICY)
            return answer

        return guarded
