"""Reads of people and tokens."""

import hashlib

from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from rest_framework.request import Request

from apps.accounts.models import ApiToken, PasswordReset, SignInGuard, SignInSession, User, UserType
from apps.audit.services import current_caller
from apps.common.clock import now
from apps.common.errors import Forbidden, NotFound, Unauthenticated
from apps.common.ids import BadId, to_uuid


def current_user(request: HttpRequest | Request) -> User:
    """Who asks, in a route that only the signed in enter. Raises Unauthenticated when the mark let others in."""
    user = request.user
    if not isinstance(user, User):
        raise Unauthenticated("Sign in, or send Basic or Bearer credentials.")
    return user


def check_own_account(request: HttpRequest | Request) -> User:
    """Who asks, for what only the person may change: not while another acts in the name. Raises Forbidden."""
    if current_caller.get().impersonated_by is not None:
        raise Forbidden("You act as another person: passwords, factors, sessions and tokens stay that person's own.")
    return current_user(request)


def get_user(user_id: str) -> User:
    """Raises NotFound, also for a text that is no id."""
    try:
        found = User.objects.filter(pk=to_uuid(user_id)).first()
    except BadId:
        found = None
    if found is None:
        raise NotFound(f"There is no user '{user_id[:60]}'.")
    return found


def find_user(username: str) -> User | None:
    """By name, whatever the case: all names are kept in lower case."""
    return User.objects.filter(username=username.strip().lower()).first()


def named_user(username: str) -> User:
    """As `find_user`; raises NotFound."""
    found = find_user(username)
    if found is None:
        raise NotFound(f"There is no user '{username[:60]}'.")
    return found


def is_nobody_there() -> bool:
    """Whether nobody could sign in, as in an installation that was never set up."""
    return not User.objects.exclude(type=UserType.SERVICE_ACCOUNT).exists()


def search_users(*, query: str = "", user_type: str = "") -> QuerySet[User]:
    """All words in name, e-mail or description."""
    found = User.objects.all()
    if user_type:
        found = found.filter(type=user_type)
    for word in query.split():
        found = found.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(description__icontains=word)
        )
    return found


def token_digest(full_token: str) -> bytes:
    """What is stored of a token: it is 256 random bits, so a plain digest cannot be guessed back."""
    return hashlib.sha256(full_token.encode()).digest()


def find_token(full_token: str) -> ApiToken | None:
    """The token with its user, if it is still good."""
    token = ApiToken.objects.select_related("user").filter(digest=token_digest(full_token)).first()
    return token if token is not None and not token.expired and token.user.is_active else None


def list_tokens(user: User) -> list[ApiToken]:
    return list(user.api_tokens.all())


def is_locked_out(username: str) -> bool:
    """Whether too many wrong passwords were tried for this name."""
    return SignInGuard.objects.filter(pk=username.strip().lower(), locked_until__gt=now()).exists()


def list_sessions(user: User) -> list[SignInSession]:
    """Where the person is signed in now, the last used first. One query."""
    going_on = Session.objects.filter(expire_date__gt=now()).values("pk")
    return list(user.sign_in_sessions.filter(pk__in=going_on))


def find_reset(token: str) -> PasswordReset | None:
    """The link with its user, if it can still be used."""
    found = PasswordReset.objects.select_related("user").filter(digest=token_digest(token)).first()
    good = found is not None and found.used is None and found.expires > now() and found.user.is_active
    return found if good else None
