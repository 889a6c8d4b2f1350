"""Enforces the mark of the route: no mark, no entry."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from apps.accounts.selectors import current_user, find_user
from apps.audit.services import Caller, current_caller
from apps.common.access import Guard, Mark, mark_for
from apps.common.error_pages import answer
from apps.common.errors import Forbidden, NotFound, ProductError, Unauthenticated
from apps.rbac.decisions import EVERYWHERE, can, check_can, has_access

log = structlog.get_logger(__name__)

OUTSIDE: Final = ("/static/", "/admin/")
"""Served by others, who check for themselves: whitenoise and Django's admin."""
IMPERSONATE: Final = "X-Kestra-Impersonate"
MEANS: Final = {"basic": "basic", "bearer": "token", "pass": "session", "session": "session"}
"""How a person was found, as the audit log says it."""


class AccessMiddleware:
    """Decides before the view is called. Unknown person: 401, for a page the way to the sign-in. A person who has
    nothing to do with the tenant learns not even that it exists: 404."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        means = MEANS.get(getattr(request, "credentials", ""), "session")
        token = current_caller.set(Caller(ip_address=client_address(request), means=means))
        try:
            return self.get_response(request)
        finally:
            current_caller.reset(token)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: list[Any], arguments: dict[str, Any]
    ) -> HttpResponseBase | None:
        if request.path_info.startswith(OUTSIDE):
            return None
        mark = mark_for(view, request.method or "GET")
        if mark is None:
            return self._without_mark(request, view)
        try:
            if IMPERSONATE in request.headers:
                impersonate(mark, request)
            check_mark(mark, request, arguments)
        except Unauthenticated as error:
            return self._to_sign_in(request) or answer(request, error)
        except ProductError as error:
            return answer(request, error)
        return None

    def _without_mark(self, request: HttpRequest, view: Callable[..., Any]) -> HttpResponseBase | None:
        method = request.method or "GET"
        if any(mark_for(view, other) for other in ("GET", "POST", "PUT", "PATCH", "DELETE")):
            return None  # the view has no such method and says so
        name = f"{view.__module__}.{getattr(view, '__qualname__', view)}"
        if settings.DEBUG or settings.KESTRA_UNMARKED_ROUTE_IS_ERROR:
            raise ImproperlyConfigured(f"{name} answers {method} {request.path} and carries no access mark.")
        log.error("route without access mark refused", view=name, path=request.path)
        return answer(request, Forbidden("This route is closed."))

    def _to_sign_in(self, request: HttpRequest) -> HttpResponseBase | None:
        if not request.path_info.startswith("/ui/"):
            return None
        target = f"{settings.LOGIN_URL}?{urlencode({'next': request.get_full_path()})}"
        if request.headers.get("HX-Request") == "true":
            answered = HttpResponseRedirect(target, status=204)
            answered.headers["HX-Redirect"] = target
            del answered.headers["Location"]
            return answered
        return HttpResponseRedirect(target)


def client_address(request: HttpRequest) -> str | None:
    """Of the caller; behind our proxy the one it saw, which it writes last. None for a text that is no address."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.KESTRA_BEHIND_PROXY else ""
    address = forwarded.rsplit(",", 1)[-1].strip() or request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(address))
    except ValueError:
        return None


def check_mark(mark: Mark, request: HttpRequest, arguments: dict[str, Any]) -> None:
    """Raises Unauthenticated, NotFound (nothing to do with the tenant) or Forbidden."""
    if mark.guard is Guard.PUBLIC:
        return
    user = request.user
    if not user.is_authenticated:
        raise Unauthenticated("Sign in, or send Basic or Bearer credentials.")
    if mark.guard is Guard.SUPER_ADMIN:
        if not user.is_super_admin:
            raise Forbidden("Only a super admin may do this.")
        return
    tenant = getattr(request, "tenant", None)
    if mark.in_tenant or getattr(request, "tenant_in_path", False):
        if tenant is None:
            raise NotFound("This belongs to a tenant, and there is no default one: name it in the path.")
        if not _may_enter(mark, user):
            raise NotFound(f"There is no tenant '{tenant.pk}'.")
    if mark.guard is Guard.PERMITTED:
        check_can(user, mark.permission, mark.action, _namespace(mark, request, arguments))


def impersonate(mark: Mark, request: HttpRequest) -> None:
    """The caller acts as the person the header names, in what the tenant holds; the audit tells who it was.

    Raises Unauthenticated, Forbidden, NotFound for a person without access to the tenant. A person's own things
    (tokens, password) stay that person's: with them the caller could act as the person in other tenants too.
    """
    caller = current_user(request)
    if not mark.in_tenant or getattr(request, "tenant", None) is None:
        raise Forbidden("Nobody acts as another person outside a tenant.")
    if not (caller.is_super_admin or can(caller, "IMPERSONATE", "READ")):
        if not has_access(caller):
            raise NotFound(f"There is no tenant '{request.tenant.pk}'.")  # type: ignore[attr-defined]
        raise Forbidden("You need IMPERSONATE READ to act as another person.")
    name = request.headers[IMPERSONATE]
    person = find_user(name)
    if person is None or not has_access(person):
        raise NotFound(f"There is no user '{name[:60]}' in this tenant.")
    if person.is_super_admin and not caller.is_super_admin:
        raise Forbidden("Only a super admin acts as a super admin.")
    request.user = person
    current_caller.set(replace(current_caller.get(), impersonated_by=caller.pk))


def _namespace(mark: Mark, request: HttpRequest, arguments: dict[str, Any]) -> str | None:
    asked = request.GET.get(mark.namespace_query) if mark.namespace_query else None
    return arguments.get(mark.namespace) or asked or (EVERYWHERE if mark.everywhere else None)


def _may_enter(mark: Mark, user: Any) -> bool:
    if has_access(user):
        return True
    if not user.is_super_admin:
        return False
    # a super admin enters every tenant, and there may do what its people and set-up are about
    return mark.guard is not Guard.PERMITTED or can(user, mark.permission, mark.action)
