"""The sign-in page, and the way out."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.selectors import is_locked_out, is_nobody_there
from apps.accounts.services.providers import list_providers, provider_of_address
from apps.accounts.services.sessions import end_session, start_session
from apps.accounts.sign_in.pending import begin
from apps.common.access import public
from apps.common.mail import mail_enabled

START = "/ui/"


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """E-mail and password start a session; an e-mail alone goes to its company's provider, if there is one.

    The answer to wrong ones tells nothing about who exists.
    """
    target = safe_target(request, request.POST.get("next") or request.GET.get("next") or "")
    if request.method != "POST":
        if not request.user.is_authenticated and is_nobody_there():
            return redirect("setup")
        return redirect(target) if request.user.is_authenticated else _form(request, target)
    username, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
    if not password:
        provider = provider_of_address(username)
        if provider is None:
            return _form(request, target, problem="incomplete", status=422)
        query = urlencode({"next": target, "email": username})
        return redirect(f"{reverse('oauth_login', kwargs={'name': provider.name})}?{query}")
    user = authenticate(request, username=username, password=password)
    if isinstance(user, User):
        remember = bool(request.POST.get("remember"))
        if user.second_factor:
            begin(request, user, target=target, remember=remember)
            return redirect("second_factor")
        start_session(request, user, remember=remember)
        return redirect(target)
    if username and is_locked_out(username):
        minutes = settings.KESTRA_SIGN_IN_LOCK_SECONDS // 60
        return _form(request, target, problem="locked", wait=minutes, status=429)
    return _form(request, target, problem="wrong", status=401)


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Ends the session, if there is one."""
    end_session(request)
    return redirect("sign_in")


def safe_target(request: HttpRequest, wanted: str) -> str:
    """Where to go after the sign-in: a page of ours, never another site."""
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted.startswith("/") and own else START


def _form(request: HttpRequest, target: str, *, problem: str = "", wait: int = 0, status: int = 200) -> HttpResponse:
    providers = list_providers()
    context = {
        "target": "" if target == START else target,
        "username": request.POST.get("username", "") or request.GET.get("email", ""),
        "problem": problem,
        "wait": wait,
        "providers": providers,
        "by_domain": any(one.domains for one in providers),
        "mails": mail_enabled(),
        "remember_days": settings.SESSION_COOKIE_AGE // 86_400,
    }
    return render(request, "accounts/login.html", context, status=status)
