"""Between the two factors: who gave the right password, kept in the session for ten minutes."""

import time
from typing import Any, Final

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from apps.accounts.models import User

KEY: Final = "half_signed_in"
SECONDS: Final = 600
"""How long the second factor may take."""


def begin(request: HttpRequest, user: User, *, target: str, remember: bool) -> None:
    """The password was right; nobody is signed in yet."""
    request.session.cycle_key()
    request.session[KEY] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "target": target,
        "remember": remember,
        "until": time.time() + SECONDS,
    }


def pending(request: HttpRequest) -> tuple[User, dict[str, Any]] | None:
    """The person and what to do after; None when nothing is pending, it took too long, or the password changed."""
    kept = request.session.get(KEY)
    if not isinstance(kept, dict) or kept["until"] < time.time():
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    return user, kept


def finish(request: HttpRequest) -> None:
    request.session.pop(KEY, None)
