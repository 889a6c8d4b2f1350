"""Sessions: starting one at the end of a sign-in, seeing where one is signed in, and ending them."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.models import SignInSession, User
from apps.audit.services import current_caller, record
from apps.common.clock import now
from apps.common.errors import NotFound

WAY: Final = "way"
"""Key in a session: how the person signed in (password, or the provider's name)."""
PASSWORD: Final = "password"  # noqa: S105  a name
SEEN: Final = "seen"
SEEN_STEP: Final = timedelta(minutes=5)
ACTS_AS: Final = "acts_as"
"""Key in a session: as whom the person acts, and in which tenant."""


def start_session(request: HttpRequest, user: User, *, way: str = PASSWORD, remember: bool = True) -> None:
    """The end of every sign-in. Without `remember` the browser forgets the session when it is closed."""
    with transaction.atomic():
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
        request.session[WAY] = way
        if not remember:
            request.session.set_expiry(0)
        request.session.save()
        _note(request, user, way)
        detail = {"id": user.id, "username": user.username, "way": way}
        record(acting_user=user, action="LOGIN", resource="User", detail=detail)


def keep_session(request: HttpRequest, user: User) -> None:
    """After a change of one's own password: this session goes on under a new key, all others end."""
    before = request.session.session_key
    update_session_auth_hash(request, user)
    request.session.save()
    end_sessions(user, but=request.session.session_key)
    if before:
        _note(request, user, request.session.get(WAY, PASSWORD))


def end_session(request: HttpRequest) -> None:
    """Signs out, whoever it is."""
    user, key = request.user, request.session.session_key
    if isinstance(user, User):
        detail = {"id": user.id, "username": user.username}
        record(acting_user=user, action="LOGOUT", resource="User", detail=detail)
        SignInSession.objects.filter(pk=key).delete()
    logout(request)


def end_sessions(user: User, *, but: str | None = None) -> int:
    """All of a person's, but one; how many. What Django's test client or an older version began is not known here:
    those end when the password changes."""
    keys = [key for key in SignInSession.objects.filter(user=user).values_list("pk", flat=True) if key != but]
    with transaction.atomic():
        Session.objects.filter(pk__in=keys).delete()
        SignInSession.objects.filter(pk__in=keys).delete()
    return len(keys)


def revoke_session(*, acting_user: User, user: User, session_id: str) -> None:
    """One session of a person, by the id that lists show. Raises NotFound."""
    with transaction.atomic():
        found = SignInSession.objects.filter(user=user, public_id=session_id).first()
        if found is None:
            raise NotFound("There is no such session: it may be over.")
        Session.objects.filter(pk=found.pk).delete()
        found.delete()
        _record_revoked(acting_user, user, 1)


def revoke_sessions(*, acting_user: User, user: User, but: str | None = None) -> int:
    """All sessions of a person at once, but the one with this key; how many."""
    with transaction.atomic():
        count = end_sessions(user, but=but)
        _record_revoked(acting_user, user, count)
    return count


def note_seen(request: HttpRequest) -> None:
    """When the session was last used, to five minutes: one write in that time, none for a request of nobody."""
    moment = now()
    if request.session.get(SEEN, 0) > (moment - SEEN_STEP).timestamp():
        return
    if SignInSession.objects.filter(pk=request.session.session_key).update(last_seen=moment):
        request.session[SEEN] = moment.timestamp()


def _note(request: HttpRequest, user: User, way: str) -> None:
    fields: dict[str, Any] = {
        "user": user,
        "way": way,
        "ip_address": current_caller.get().ip_address,
        "user_agent": request.headers.get("User-Agent", "")[:255],
    }
    SignInSession.objects.update_or_create(pk=request.session.session_key, defaults=fields)


def _record_revoked(acting_user: User, user: User, count: int) -> None:
    detail = {"id": user.id, "username": user.username, "sessionsRevoked": count}
    record(acting_user=acting_user, action="UPDATE", resource="User", detail=detail)
