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
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import current_user, find_user
from apps.accounts.services.sessions import ACTS_AS, PASSWORD, WAY, note_seen
from apps.audit.services import Caller, current_caller
from apps.common.access import Guard, Mark, mark_for
from apps.common.error_pages import answer
from apps.common.errors import Forbidden, NotFound, ProductError, Unauthenticated
from apps.rbac.decisions import EVERYWHERE, can, check_can, check_delegated, has_access
from apps.rbac.services.impersonation import check_may_act_as

log = structlog.get_logger(__name__)

OUTSIDE: Final = ("/static/", "/admin/")
"""Served by others, who check for themselves: whitenoise and Django's admin."""
IMPERSONATE: Final = "X-Kestra-Impersonate"
MEANS: Final = {"basic": "basic", "bearer": "token", "pass": "session", "session": "session"}
"""How a person was found, as the audit log says it."""


class SecondFactorMissing(Forbidden):
    """The password was right, but here it is not enough."""


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
            return self._admin_without_factor(request)
        mark = mark_for(view, request.method or "GET")
        if mark is None:
            return self._without_mark(request, view)
        try:
            if IMPERSONATE in request.headers:
                impersonate(mark, request)
            elif request.session.get(ACTS_AS):
                act_as_session_says(mark, request)
            check_mark(mark, request, arguments)
            if getattr(request, "credentials", "") == "session" and request.user.is_authenticated:
                note_seen(request)
        except SecondFactorMissing as error:
            return self._to_enrolment(request) or answer(request, error)
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

    def _admin_without_factor(self, request: HttpRequest) -> HttpResponseBase | None:
        """Django's admin asks who it is by itself, but knows of no second factor."""
        if not request.path_info.startswith("/admin/") or not request.user.is_authenticated:
            return None
        try:
            check_second_factor(request, request.user)
        except SecondFactorMissing:
            return self._to_enrolment(request)
        return None

    def _to_enrolment(self, request: HttpRequest) -> HttpResponseBase | None:
        return self._to_page(request, reverse("enrol_second_factor"), required="1")

    def _to_sign_in(self, request: HttpRequest) -> HttpResponseBase | None:
        return self._to_page(request, settings.LOGIN_URL)

    def _to_page(self, request: HttpRequest, page: str, **query: str) -> HttpResponseBase | None:
        """The way to a page, for a browser that asked for one, and from there back; None for a client of the API."""
        if not request.path_info.startswith(("/ui/", "/admin/")):
            return None
        target = f"{page}?{urlencode({**query, 'next': request.get_full_path()})}"
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
    if mark.guard is Guard.SUPER_ADMIN or mark.in_tenant:
        check_second_factor(request, user)
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
        check = check_delegated if mark.delegated else check_can
        check(user, mark.permission, mark.action, _namespace(mark, request, arguments))


def impersonate(mark: Mark, request: HttpRequest) -> None:
    """The caller acts as the person the header names, in what the tenant holds; the audit tells who it was.

    Raises Unauthenticated, Forbidden, NotFound for a person without access to the tenant. A person's own things
    (tokens, password) stay that person's: with them the caller could act as the person in other tenants too.
    """
    caller = current_user(request)
    if not mark.in_tenant or getattr(request, "tenant", None) is None:
        raise Forbidden("Nobody acts as another person outside a tenant.")
    name = request.headers[IMPERSONATE]
    _become(request, caller, check_may_act_as(caller, find_user(name), name))


def act_as_session_says(mark: Mark, request: HttpRequest) -> None:
    """The same for a session that was told to (services/impersonation): in the tenant where it was, and only there.

    Everywhere else the person acts as himself. When it is no longer allowed, it ends.
    """
    kept, tenant, caller = request.session[ACTS_AS], getattr(request, "tenant", None), request.user
    if not by_session(request) or not mark.in_tenant or tenant is None or tenant.pk != kept["tenant"]:
        return
    try:
        if not isinstance(caller, User):
            raise Forbidden("Nobody is signed in.")
        person = check_may_act_as(caller, User.objects.filter(pk=kept["user"]).first(), kept["name"])
    except (Forbidden, NotFound):
        del request.session[ACTS_AS]
        return
    _become(request, caller, person)


def by_session(request: HttpRequest) -> bool:
    """Whether the person was found by a session, not by what a program sends."""
    return getattr(request, "credentials", "session") in {"session", "pass"}


def check_second_factor(request: HttpRequest, user: Any) -> None:
    """Raises SecondFactorMissing where one is required and the person has none.

    A token is not asked: it is a factor of its own. Nor who came by a provider: that asks for its own.
    """
    if user.second_factor or user.is_service_account or getattr(request, "credentials", "") == "bearer":
        return
    if by_session(request) and request.session.get(WAY, PASSWORD) != PASSWORD:
        return
    tenant = getattr(request, "tenant", None)
    wanted = settings.KESTRA_SECOND_FACTOR
    if (
        wanted == "everyone"
        or (wanted == "super-admins" and user.is_super_admin)
        or (tenant is not None and tenant.mfa_required)
    ):
        raise SecondFactorMissing(
            f"A second factor is required here: add one at {reverse('enrol_second_factor')}, or use an API token."
        )


def _become(request: HttpRequest, caller: User, person: User) -> None:
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
