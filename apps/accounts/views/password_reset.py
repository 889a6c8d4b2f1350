"""A forgotten password: a link by mail, and the page it leads to."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import find_reset
from apps.accounts.services.passwords import order_password_reset, reset_password
from apps.common.access import public
from apps.common.errors import Expired, ProductError
from apps.common.mail import mail_enabled


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgot_password(request: HttpRequest) -> HttpResponseBase:
    """Asks for the e-mail. The answer is the same, and as fast, whether somebody has it or not."""
    if not mail_enabled():
        return render(request, "accounts/forgot.html", {"mails": False, "sent": False, "username": ""})
    username = request.POST.get("username", "").strip()
    sent = request.method == "POST" and bool(username)
    if sent:
        order_password_reset(username=username)
    context = {
        "mails": True,
        "sent": sent,
        "username": username,
        "minutes": settings.KESTRA_RESET_SECONDS // 60,
        "cooldown": settings.KESTRA_RESET_COOLDOWN_SECONDS // 60,
    }
    return render(request, "accounts/forgot.html", context)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponseBase:
    """Sets a new password, once. Whoever has a second factor is asked for it at the sign-in that follows."""
    found = find_reset(token)
    if found is None:
        return _page(request, expired=True, status=410)
    if request.method != "POST":
        return _page(request, username=found.user.username)
    password = request.POST.get("password", "")
    if password != request.POST.get("again", ""):
        return _page(request, username=found.user.username, problem="The two are not the same.", status=422)
    try:
        user = reset_password(token=token, password=password)
    except Expired:
        return _page(request, expired=True, status=410)
    except ProductError as error:
        return _page(request, username=found.user.username, problem=error.message, status=error.status)
    request.session["password_reset"] = user.username
    return redirect("password_was_reset")


@public
@never_cache
@require_http_methods(["GET", "HEAD"])
def password_was_reset(request: HttpRequest) -> HttpResponse:
    """Says so, once, and leads to the sign-in."""
    return render(request, "accounts/reset.html", {"done": True, "username": request.session.pop("password_reset", "")})


def _page(
    request: HttpRequest, *, username: str = "", problem: str = "", expired: bool = False, status: int = 200
) -> HttpResponse:
    context = {"username": username, "problem": problem, "expired": expired, "hint": settings.KESTRA_PASSWORD_HINT}
    return render(request, "accounts/reset.html", {"done": False, **context}, status=status)
