"""What the invited see at /ui/invite/<token>: one page for each state a link can be in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from apps.accounts.models import User
from apps.accounts.selectors import find_user
from apps.accounts.services.providers import list_providers
from apps.accounts.services.sessions import end_session, start_session
from apps.audit.services import current_caller
from apps.common.access import public
from apps.common.errors import BadRequest, Forbidden, Invalid, NotFound, ProductError, TooManyRequests
from apps.invitations.models import Invitation, Status
from apps.invitations.selectors import Gifts, get_invitation, gifts_of, is_guessing
from apps.invitations.services.joining import accept_invitation, ask_again, join_as_new_person, note_miss
from apps.tenants.selectors import get_tenant

NEW, KNOWN, MINE, WRONG = "new", "known", "mine", "wrong"
"""Who looks at a link that is good: nobody known, one with an account who is not signed in, the invited, another."""


@public
@never_cache
def show_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The state of the link; asks nothing of whoever opens it."""
    invitation = _find(token)
    return _page(request, invitation)


@public
@never_cache
def answer_invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """`do` is join (a new person), accept, switch (sign out to come back as another) or ask (for a new link)."""
    invitation = _find(token)
    user = request.user
    try:
        match request.POST.get("do"):
            case "join":
                made = join_as_new_person(
                    invitation_id=token,
                    first_name=request.POST.get("first_name", ""),
                    last_name=request.POST.get("last_name", ""),
                    password=request.POST.get("password", ""),
                )
                start_session(request, made)
                return redirect(_start_of(invitation))
            case "accept" if isinstance(user, User):
                accept_invitation(acting_user=user, invitation_id=token)
                messages.success(request, f"You have joined {_name_of(invitation)}.")
                return redirect(_start_of(invitation))
            case "accept":
                return redirect(_sign_in_url(invitation))
            case "switch":
                end_session(request)
                return redirect(invitation.path)
            case "ask":
                ask_again(invitation_id=token)
                return redirect(f"{invitation.path}?asked=1")
            case other:
                raise BadRequest(f"'do' is join, accept, switch or ask, not '{str(other)[:30]}'.")
    except Invalid as error:
        return _page(request, get_invitation(token), problem=error.message, status=422)
    except (BadRequest, Forbidden, NotFound):
        raise
    except ProductError as error:
        return _page(request, get_invitation(token), problem=error.message, status=error.status)


def _find(token: str) -> Invitation:
    """Raises NotFound, and TooManyRequests for somebody who guesses."""
    address = current_caller.get().ip_address
    if is_guessing(address):
        raise TooManyRequests("Too many links that do not exist were opened from here: wait ten minutes.")
    try:
        return get_invitation(token)
    except NotFound as error:
        note_miss(address)
        raise NotFound("This invitation link is not complete or not ours. Copy it again from the mail.") from error


def _page(request: HttpRequest, invitation: Invitation, *, problem: str = "", status: int = 200) -> HttpResponse:
    state = invitation.state
    gifts = gifts_of([invitation])[invitation.id] if state == Status.PENDING else Gifts()
    who = _who(request, invitation)
    context: dict[str, Any] = {
        "invitation": invitation,
        "state": str(state),
        "who": who,
        "gifts": gifts,
        "tenant_name": _name_of(invitation),
        "problem": problem,
        "asked": "asked" in request.GET,
        "sign_in_url": _sign_in_url(invitation),
        "providers": list_providers() if state == Status.PENDING and who in {NEW, KNOWN} else [],
        "next": urlencode({"next": invitation.path}),
        "hint": settings.KESTRA_PASSWORD_HINT,
        "signed_in_as": getattr(request.user, "username", ""),
        "start": _start_of(invitation),
        "given": {name: request.POST.get(name, "") for name in ("first_name", "last_name")},
    }
    return render(request, "invitations/welcome.html", context, status=status)


def _who(request: HttpRequest, invitation: Invitation) -> str:
    if isinstance(request.user, User):
        return MINE if request.user.username.lower() == invitation.email else WRONG
    return NEW if find_user(invitation.email) is None else KNOWN


def _name_of(invitation: Invitation) -> str:
    if not invitation.tenant_id:
        return "Kestra EE"
    return str(get_tenant(invitation.tenant_id))


def _start_of(invitation: Invitation) -> str:
    return f"/ui/{invitation.tenant_id}/" if invitation.tenant_id else "/ui/"


def _sign_in_url(invitation: Invitation) -> str:
    return f"{settings.LOGIN_URL}?{urlencode({'next': invitation.path})}"
