"""The sign-in page, and the way out."""

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.selectors import is_locked_out
from apps.audit.services import record
from apps.common.access import public

START = "/ui/"


@public
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """E-mail and password start a session. The answer to wrong ones tells nothing about who exists."""
    target = safe_target(request, request.POST.get("next") or request.GET.get("next") or "")
    if request.method == "GET":
        return redirect(target) if request.user.is_authenticated else _form(request, target)
    username, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
    user = authenticate(request, username=username, password=password)
    if isinstance(user, User):
        login(request, user)
        record(acting_user=user, action="LOGIN", resource="User", detail={"id": user.id, "username": user.username})
        return redirect(target)
    if username and is_locked_out(username):
        minutes = settings.KESTRA_SIGN_IN_LOCK_SECONDS // 60
        return _form(request, target, problem="locked", wait=minutes, status=429)
    return _form(request, target, problem="wrong", status=401)


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Ends the session, if there is one."""
    user = request.user
    if isinstance(user, User):
        record(acting_user=user, action="LOGOUT", resource="User", detail={"id": user.id, "username": user.username})
    logout(request)
    return redirect("sign_in")


def safe_target(request: HttpRequest, wanted: str) -> str:
    """Where to go after the sign-in: a page of ours, never another site."""
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted.startswith("/") and own else START


def _form(request: HttpRequest, target: str, *, problem: str = "", wait: int = 0, status: int = 200) -> HttpResponse:
    context = {
        "target": "" if target == START else target,
        "username": request.POST.get("username", ""),
        "problem": problem,
        "wait": wait,
    }
    return render(request, "accounts/login.html", context, status=status)
