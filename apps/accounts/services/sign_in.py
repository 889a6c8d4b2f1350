"""The first factor of a sign-in, e-mail and password; and the guard against guessing, of passwords and of codes."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import PasswordReset, SignInGuard, SignInSession, User
from apps.accounts.selectors import find_user, is_locked_out
from apps.accounts.services.passwords import RESET_KEPT, hash_in_vain
from apps.audit.services import record
from apps.common.clock import now
from apps.common.errors import TooManyRequests

CODES: Final = "code of "
"""Before a name in the guard: its second factor is counted apart, so that the right password resets nothing of it."""


def check_sign_in(*, username: str, password: str) -> User | None:
    """The user if the password is right. Wrong ones are counted for the name, whether or not it exists.

    Raises TooManyRequests while the name is locked out. Costs one Argon2 in every case, so that time tells nothing.
    """
    check_not_locked(username)
    user = find_user(username)
    if user is None or not user.has_usable_password():
        hash_in_vain(password)
        count_failure(username)
        return None
    if not user.check_password(password) or not user.is_active:
        count_failure(username)
        return None
    forget_failures(username)
    return user


def check_not_locked(name: str) -> None:
    """Raises TooManyRequests."""
    if is_locked_out(name):
        raise TooManyRequests("Too many wrong tries: wait or ask an administrator to unlock.")


def unlock_sign_in(*, acting_user: User, user: User) -> None:
    """Ends a lock-out before its time."""
    with transaction.atomic():
        SignInGuard.objects.filter(pk__in=[user.username.lower(), CODES + user.username.lower()]).delete()
        detail = {"id": user.id, "username": user.username, "unlocked": True}
        record(acting_user=acting_user, action="UPDATE", resource="User", detail=detail)


def count_failure(name: str) -> None:
    """One wrong try of this name; the threshold locks it."""
    moment = now()
    window = timedelta(seconds=settings.KESTRA_SIGN_IN_WINDOW_SECONDS)
    with transaction.atomic():
        guard, _ = SignInGuard.objects.select_for_update().get_or_create(pk=name.strip().lower()[:254])
        if guard.first_failure < moment - window:
            guard.failures, guard.first_failure = 0, moment
        guard.failures += 1
        if guard.failures >= settings.KESTRA_SIGN_IN_THRESHOLD:
            guard.locked_until = moment + timedelta(seconds=settings.KESTRA_SIGN_IN_LOCK_SECONDS)
            guard.failures = 0
        guard.save()


def forget_failures(name: str) -> None:
    SignInGuard.objects.filter(pk=name.strip().lower()).delete()


def forget_expired() -> int:
    """Sessions and reset links that are over, and failed tries that no longer lock anything. Returns how many rows
    went."""
    moment = now()
    sessions, _ = Session.objects.filter(expire_date__lt=moment).delete()
    SignInSession.objects.exclude(pk__in=Session.objects.values("pk")).delete()
    PasswordReset.objects.filter(created__lt=moment - RESET_KEPT).delete()
    window = timedelta(seconds=settings.KESTRA_SIGN_IN_WINDOW_SECONDS)
    over = Q(locked_until=None) | Q(locked_until__lt=moment)
    guards, _ = SignInGuard.objects.filter(over, first_failure__lt=moment - window).delete()
    return sessions + guards
