"""The second factor: asked after the password, and enrolled by oneself."""

import base64
import json
from typing import Any, Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.selectors import check_own_account, current_user
from apps.accounts.services.second_factor import (
    add_authenticator_app,
    add_passkey,
    check_code,
    check_passkey,
)
from apps.accounts.services.sessions import start_session
from apps.accounts.sign_in.pending import finish, pending
from apps.accounts.views.sign_in import START, safe_target
from apps.common.access import public, signed_in
from apps.common.errors import Invalid, ProductError, TooManyRequests

SECRET: Final = "new_authenticator_app"  # noqa: S105  a key in the session


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_second_factor(request: HttpRequest) -> HttpResponseBase:
    """After the right password: a code of the app, a recovery code, or a passkey."""
    waiting = pending(request)
    if waiting is None:
        return redirect("sign_in")
    user, kept = waiting
    if request.method != "POST":
        return _ask(request, user)
    try:
        answer = request.POST.get("credential", "")
        if answer:
            right = check_passkey(user=user, answer=_read_json(answer))
        else:
            right = check_code(user=user, code=request.POST.get("code", "")[:40])
    except TooManyRequests:
        minutes = settings.KESTRA_SIGN_IN_LOCK_SECONDS // 60
        return _ask(request, user, problem="locked", wait=minutes, status=429)
    if not right:
        return _ask(request, user, problem="wrong", status=401)
    finish(request)
    start_session(request, user, remember=kept["remember"])
    return redirect(safe_target(request, kept["target"]))


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enrol(request: HttpRequest) -> HttpResponseBase:
    """Adds an authenticator app or a passkey; the first one comes with recovery codes, shown once."""
    user = current_user(request)
    check_own_account(request)
    target = safe_target(request, request.POST.get("next") or request.GET.get("next") or "")
    if request.method != "POST":
        return _offer(request, user, target)
    try:
        if request.POST.get("credential"):
            name = request.POST.get("name", "")
            codes = add_passkey(user=user, name=name, credential=_read_json(request.POST["credential"]))
        else:
            secret, code = request.session.get(SECRET, ""), request.POST.get("code", "")[:40]
            if not secret:
                raise Invalid("This page was open for too long: begin again.")
            codes = add_authenticator_app(user=user, secret=secret, code=code)
    except ProductError as error:
        return _offer(request, user, target, problem=error.message, status=error.status)
    request.session.pop(SECRET, None)
    if not codes:
        return redirect(target)
    return show_recovery_codes(request, codes, target=target)


def show_recovery_codes(request: HttpRequest, codes: list[str], *, target: str) -> HttpResponse:
    """The one page that shows them."""
    text = "\n".join(codes) + "\n"
    file = "data:text/plain;base64," + base64.b64encode(text.encode()).decode()
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "file": file, "target": target})


def _ask(request: HttpRequest, user: User, *, problem: str = "", wait: int = 0, status: int = 200) -> HttpResponse:
    types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    has_passkey = Authenticator.Type.WEBAUTHN in types
    context = {
        "has_app": Authenticator.Type.TOTP in types,
        "passkey_options": json.dumps(webauthn.begin_authentication(user)) if has_passkey else "",
        "problem": problem,
        "wait": wait,
    }
    return render(request, "accounts/second_factor.html", context, status=status)


def _offer(request: HttpRequest, user: User, target: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    has_app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    context: dict[str, Any] = {
        "has_app": has_app,
        "passkey_options": json.dumps(webauthn.begin_registration(user, False)),
        "problem": problem,
        "target": "" if target == START else target,
        "required": bool(request.GET.get("required") or request.POST.get("required")),
    }
    if not has_app:
        secret = request.session.get(SECRET) or generate_totp_secret()
        request.session[SECRET] = secret
        adapter = get_adapter()
        picture = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
        context["picture"] = "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()
        context["secret"] = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return render(request, "accounts/enrol.html", context, status=status)


def _read_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Invalid("The browser's answer cannot be read: begin again.")
    return found
