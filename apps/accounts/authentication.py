"""Session, Basic or Bearer → `request.user`."""

import base64
import binascii
import copy
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.signing import BadSignature, Signer
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.accounts.models import ApiToken, User
from apps.accounts.selectors import find_token, find_user, token_digest
from apps.accounts.services import check_sign_in, note_token_use
from apps.common.error_pages import answer
from apps.common.errors import TooManyRequests, Unauthenticated

REMEMBER_SECONDS: Final = 60
REMEMBER_MOST: Final = 1000
PASS_COOKIE: Final = "JWT"  # noqa: S105  a name
PASS_PREFIX: Final = "session."  # noqa: S105  what such a text begins with
_signer: Final = Signer(salt="apps.accounts.pass")


class PasswordBackend(BaseBackend):
    """Django's door to sign-in with e-mail and password (session, admin)."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """None when it is wrong or the name is locked out."""
        if not username or not password:
            return None
        try:
            return check_sign_in(username=username, password=password)
        except TooManyRequests:
            return None

    def get_user(self, user_id: str) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


class CredentialsMiddleware:
    """Basic and Bearer go before the session. Wrong ones make the person unknown; the access mark decides what then.

    `request.credentials` says how the person was found: basic, bearer, pass or session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        request.credentials = "session"  # type: ignore[attr-defined]
        cookies = request.COOKIES
        if scheme.lower() == "bearer" and value.startswith(PASS_PREFIX):
            self._enter_by_pass(request, value.strip())
        elif not scheme and PASS_COOKIE in cookies and settings.SESSION_COOKIE_NAME not in cookies:
            self._enter_by_pass(request, cookies[PASS_COOKIE])
        elif scheme.lower() in {"basic", "bearer"}:
            try:
                found = (user_of_basic if scheme.lower() == "basic" else user_of_bearer)(value.strip())
            except (TooManyRequests, Unauthenticated) as error:
                return answer(request, error)
            request.user = found or AnonymousUser()
            request.credentials = scheme.lower()  # type: ignore[attr-defined]
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # no browser sends these by itself
        return self.get_response(request)

    def _enter_by_pass(self, request: HttpRequest, pass_text: str) -> None:
        session_key = read_pass(pass_text)
        request.session = SessionStore(session_key)
        request.user = get_user(request) if session_key else AnonymousUser()
        request.credentials = "pass"  # type: ignore[attr-defined]
        # a browser, which would send the cookie for any page that asks it to, always tells where a write comes from
        from_browser = any(name in request.headers for name in ("Origin", "Sec-Fetch-Site", "Referer"))
        if "Authorization" in request.headers or not from_browser:
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]


def make_pass(session_key: str) -> str:
    """The signed text that stands for a session: the cookie JWT of clients that do as browsers do, or a Bearer.
    It ends with the session."""
    return PASS_PREFIX + _signer.sign(session_key)


def read_pass(pass_text: str) -> str | None:
    """The session's key; None when the text was not made by us."""
    try:
        return _signer.unsign(pass_text.removeprefix(PASS_PREFIX))
    except BadSignature:
        return None


class RememberedRows:
    """Rows as this process read them, each under the version it had then.

    A request asks for the versions, by key, in one small query; only a row that was written since is read anew. So
    what is answered is as fresh as the row itself, at a fifth of what making it by the ORM costs.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Any], tuple[Any, Any]] = {}

    def user(self, username: str) -> User | None:
        """A copy for one request; None when there is no such person."""
        name = username.strip().lower()
        found: User | None = self._row(("user", name), _USER_VERSION, name, lambda: find_user(name))
        return None if found is None else fresh_copy(found)

    def token(self, full_token: str) -> ApiToken | None:
        """The token with a copy of its user; None when it is not good (any more)."""
        digest = token_digest(full_token)
        kept: ApiToken | None = self._row(("token", digest), _TOKEN_VERSION, digest, lambda: find_token(full_token))
        if kept is None or kept.expired:
            return None
        token = copy.copy(kept)
        token.user = fresh_copy(kept.user)
        return token

    def forget_all(self) -> None:
        self._rows.clear()

    def _row(self, name: tuple[str, Any], sql: str, key: Any, read: Callable[[], Any]) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, [key])
            version = cursor.fetchone()
        if version is None:
            return None
        known, row = self._rows.get(name, (None, None))
        if known != version:
            if len(self._rows) >= REMEMBER_MOST:
                self._rows.clear()
            # Written between the two queries, the row is newer than its version says, and is read once more next time.
            row = read()
            self._rows[name] = (version, row)
        return row


def fresh_copy(user: User) -> User:
    """What a request does to its user must not show in the next one's."""
    copied = copy.copy(user)
    copied.auths, copied.preferences = copy.deepcopy(user.auths), copy.deepcopy(user.preferences)
    return copied


# A row's version is who wrote it and where it lies: a second write by the same transaction moves it.
_USER_VERSION: Final = f"SELECT xmin::text, ctid::text FROM public.{User._meta.db_table} WHERE username = %s"  # noqa: S608 - a constant
_TOKEN_VERSION: Final = (
    f"SELECT t.xmin::text, t.ctid::text, u.xmin::text, u.ctid::text FROM public.{ApiToken._meta.db_table} t"  # noqa: S608
    f" JOIN public.{User._meta.db_table} u ON u.id = t.user_id WHERE t.digest = %s"
)
remembered: Final = RememberedRows()


def user_of_bearer(full_token: str) -> User | None:
    """One small query while neither the token nor its user was written since."""
    token = remembered.token(full_token)
    if token is None:
        return None
    note_token_use(token)
    return token.user


class VerifiedPasswords:
    """Passwords verified within the last minute, as keyed digests: Argon2 on each call would cost more than the call.

    An entry holds the stored hash it was verified against, so a changed password ends it in every process.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._entries: dict[str, tuple[float, bytes, str]] = {}

    def knows(self, user: User, password: str) -> bool:
        until, digest, stored = self._entries.get(user.pk, (0.0, b"", ""))
        good = hmac.compare_digest(digest, self._digest(password))
        return good and until > time.monotonic() and stored == user.password and not user.second_factor

    def remember(self, user: User, password: str) -> None:
        if len(self._entries) >= REMEMBER_MOST:
            self._entries.clear()
        self._entries[user.pk] = (time.monotonic() + REMEMBER_SECONDS, self._digest(password), user.password)

    def forget_all(self) -> None:
        self._entries.clear()

    def _digest(self, password: str) -> bytes:
        return blake2b(password.encode(), key=self._key).digest()


verified_passwords = VerifiedPasswords()
_checking = threading.Lock()


def user_of_basic(value: str) -> User | None:
    """One small query when the password was verified within a minute. TooManyRequests while the name is locked."""
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not colon:
        return None
    known = remembered.user(username)
    if known is not None and known.is_active and verified_passwords.knows(known, password):
        return known
    # Argon2 takes 100 MB and more at once: a client that opens a hundred connections must not start a hundred checks.
    # Those that waited find the password verified.
    with _checking:
        if known is not None and known.is_active and verified_passwords.knows(known, password):
            return known
        user = check_sign_in(username=username, password=password)
        if user is not None and user.second_factor:
            raise Unauthenticated("This account has a second factor, which Basic cannot send: use an API token.")
        if user is not None:
            verified_passwords.remember(user, password)
        return user
