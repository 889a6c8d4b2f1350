"""One's own account: profile and password, second factor and sessions, API tokens. Never of a person acted as."""

from datetime import timedelta
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import check_own_account, current_user, list_sessions, list_tokens
from apps.accounts.services.passwords import set_password
from apps.accounts.services.people import update_user
from apps.accounts.services.second_factor import remove_factor, renew_recovery_codes
from apps.accounts.services.sessions import keep_session, revoke_session, revoke_sessions
from apps.accounts.services.tokens import create_api_token, delete_api_token
from apps.accounts.views.second_factor import show_recovery_codes
from apps.audit.services import current_caller
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, ProductError

AGES: Final = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "A year", "": "Never"}
OTHERS: Final = "others"


@member
def show_profile(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    """Name, password."""
    user = current_user(request)
    context = {"person": user, "problem": problem, "hint": settings.KESTRA_PASSWORD_HINT, **_frame("profile")}
    return render(request, "console/settings/profile.html", context, status=status)


@member
def save_profile(request: HttpRequest) -> HttpResponseBase:
    """The form says which part is sent: the profile, or a new password."""
    user = check_own_account(request)
    given = {name: request.POST.get(name, "") for name in ("first_name", "last_name", "old", "new", "again")}
    try:
        if "new" not in request.POST:
            update_user(
                acting_user=user,
                user=user,
                first_name=given["first_name"].strip()[:150],
                last_name=given["last_name"].strip()[:150],
            )
            messages.success(request, "Profile saved.")
        else:
            if given["new"] != given["again"]:
                raise IllegalArgument("The two new passwords are not the same.")
            set_password(acting_user=user, user=user, password=given["new"], old_password=given["old"])
            keep_session(request, user)
            messages.success(request, "Password changed. Your other sessions have ended.")
    except ProductError as error:
        return show_profile(request, problem=error.message, status=error.status)
    return _to("settings_profile")


@member
def show_security(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    """Second factors and sessions. Three queries."""
    user = current_user(request)
    factors = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    recovery = next((one for one in factors if one.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "person": user,
        "factors": [one for one in factors if one is not recovery],
        "codes_left": len(recovery.wrap().get_unused_codes()) if recovery is not None else 0,
        "sessions": list_sessions(user),
        "here": request.session.session_key,
        "asks_password": user.has_usable_password(),
        "problem": problem,
        **_frame("security"),
    }
    return render(request, "console/settings/security.html", context, status=status)


@member
def change_security(request: HttpRequest) -> HttpResponseBase:
    """Ends sessions; removes a factor or renews the recovery codes, with the password once more."""
    user = check_own_account(request)
    try:
        if "session" in request.POST:
            _end_sessions(request, user, request.POST["session"])
        elif user.has_usable_password() and not user.check_password(request.POST.get("password", "")):
            raise IllegalArgument("The password is wrong.")
        elif "factor" in request.POST:
            remove_factor(acting_user=user, factor_id=request.POST["factor"])
            messages.success(request, "Removed.")
        else:
            codes = renew_recovery_codes(acting_user=user)
            target = reverse("ui:settings_security", kwargs={"tenant": require_tenant()})
            return show_recovery_codes(request, codes, target=target)
    except ProductError as error:
        return show_security(request, problem=error.message, status=error.status)
    return _to("settings_security")


@member
def show_tokens(request: HttpRequest, *, made: Any = None, problem: str = "", status: int = 200) -> HttpResponse:
    """Tokens of one's own; a new one's full text is on the page that made it, and never again."""
    context = {
        "person": current_user(request),
        "tokens": list_tokens(current_user(request)),
        "made": made,
        "ages": AGES,
        "given": request.POST if problem else {},
        "problem": problem,
        **_frame("tokens"),
    }
    answer = render(request, "console/settings/tokens.html", context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@member
def change_tokens(request: HttpRequest) -> HttpResponseBase:
    """Revokes one, or makes one."""
    user = check_own_account(request)
    try:
        if "revoke" in request.POST:
            delete_api_token(acting_user=user, user=user, token_id=request.POST["revoke"])
            messages.success(request, "Token revoked.")
            return _to("settings_tokens")
        age = request.POST.get("age", "")
        if age not in AGES:
            raise IllegalArgument(f"'age' is one of {', '.join(AGES)}.")
        token, full = create_api_token(
            acting_user=user,
            user=user,
            name=request.POST.get("name", "").strip(),
            description=request.POST.get("description", "").strip()[:500],
            max_age=timedelta(days=int(age)) if age else None,
            extended=bool(request.POST.get("extended")),
        )
    except ProductError as error:
        return show_tokens(request, problem=error.message, status=error.status)
    return show_tokens(request, made=(token, full))


def _end_sessions(request: HttpRequest, user: User, which: str) -> None:
    if which == OTHERS:
        count = revoke_sessions(acting_user=user, user=user, but=request.session.session_key)
        messages.success(request, f"{count} other sessions have ended.")
    else:
        revoke_session(acting_user=user, user=user, session_id=which)
        messages.success(request, "The session has ended.")


def _frame(tab: str) -> dict[str, Any]:
    return {"tab": tab, "own": current_caller.get().impersonated_by is None}


def _to(route: str) -> HttpResponseBase:
    return redirect(reverse(f"ui:{route}", kwargs={"tenant": require_tenant()}))
