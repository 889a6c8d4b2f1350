"""Writes of passwords: set, change, and reset by a link in a mail."""

import re
import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from apps.accounts.models import PasswordReset, SignInGuard, User
from apps.accounts.selectors import find_reset, find_user, token_digest
from apps.accounts.services.sessions import end_sessions
from apps.audit.services import record
from apps.common.clock import now
from apps.common.dispatch import send
from apps.common.errors import Expired, IllegalArgument, IllegalState, Invalid
from apps.common.mail import send_mail_later

RESET_KEPT: Final = timedelta(days=2)
"""How long a used or expired reset link is remembered: as long as the limits look back, and a good deal more."""
RESETS_AN_HOUR: Final = 10
PASSWORD_WAY: Final = "BASIC_AUTH"  # noqa: S105  a name


def set_password(*, acting_user: User, user: User, password: str, old_password: str | None = None) -> None:
    """`old_password` is asked when one changes one's own. Sessions and remembered Basic passwords end by themselves;
    `keep_session` keeps one's own.

    Raises Invalid for a weak one, IllegalArgument for a wrong old one, IllegalState for a service account.
    """
    if user.is_service_account:
        raise IllegalState("A service account has no password: give it an API token.")
    if old_password is not None and not user.check_password(old_password):
        raise IllegalArgument("The old password is wrong.")
    check_password(password)
    with transaction.atomic():
        _save(user, password)
        if acting_user.pk != user.pk:
            end_sessions(user)
        record(acting_user=acting_user, action="UPDATE", resource="User", detail=_detail(user))


def remove_password(*, acting_user: User, user: User) -> None:
    """From now on the person signs in by a provider only. Raises IllegalState when there is no other way in."""
    if not any(way.get("type") != PASSWORD_WAY for way in user.auths):
        raise IllegalState(f"The password is the only way in that {user.username} has.")
    user.set_unusable_password()
    user.auths = [way for way in user.auths if way.get("type") != PASSWORD_WAY]
    with transaction.atomic():
        user.save(update_fields=["password", "auths"])
        end_sessions(user)
        record(acting_user=acting_user, action="UPDATE", resource="User", detail=_detail(user))


def check_password(password: str) -> None:
    """Raises Invalid when it does not match KESTRA_EE_PASSWORD_PATTERN."""
    if not re.search(settings.KESTRA_PASSWORD_PATTERN, password):
        raise Invalid(settings.KESTRA_PASSWORD_HINT)


def hash_in_vain(password: str) -> None:
    """What a check of a password costs, for names that have none."""
    User().set_password(password)


def order_password_reset(*, username: str) -> None:
    """Hands the request to a job: who asks learns nothing, not even from the time it takes."""
    send("accounts.mail_password_reset", username.strip().lower()[:254], tenant=None)


def start_password_reset(*, username: str) -> bool:
    """Mails a link that sets a new password, to a person who has one; False when nothing was sent.

    Called by a job, so that the request before it takes as long for a name that nobody has. At most one mail in
    KESTRA_EE_RESET_COOLDOWN_SECONDS, and ten an hour, for each person.
    """
    user = find_user(username)
    if user is None or not user.is_active or not user.has_usable_password():
        return False
    moment = now()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two requests at once send one mail
        recent = PasswordReset.objects.filter(user=user, created__gt=moment - timedelta(hours=1))
        cooldown = timedelta(seconds=settings.KESTRA_RESET_COOLDOWN_SECONDS)
        if recent.count() >= RESETS_AN_HOUR or recent.filter(created__gt=moment - cooldown).exists():
            return False
        token = secrets.token_urlsafe(32)
        lifetime = timedelta(seconds=settings.KESTRA_RESET_SECONDS)
        PasswordReset.objects.filter(user=user, used=None).update(expires=moment)  # the newest link is the one
        PasswordReset.objects.create(user=user, digest=token_digest(token), created=moment, expires=moment + lifetime)
        context = {
            "name": user.full_name,
            "link": f"{settings.KESTRA_URL}/ui/reset/{token}",
            "minutes": settings.KESTRA_RESET_SECONDS // 60,
        }
        send_mail_later("password_reset", user.email or user.username, context, about=f"user:{user.id}", tenant=None)
        record(acting_user=None, action="UPDATE", resource="User", detail={**_detail(user), "resetSent": True})
    return True


def reset_password(*, token: str, password: str) -> User:
    """Sets the password by the link's token, once; all sessions end, a lock-out too. Second factors stay.

    Raises Expired for a token that is unknown, used or too old, Invalid for a weak password (the link stays good).
    """
    check_password(password)
    with transaction.atomic():
        found = find_reset(token)
        used = found is not None and PasswordReset.objects.filter(pk=found.pk, used=None).update(used=now())
        if found is None or not used:
            raise Expired("This link was used or is too old: ask for a new one.")
        user = found.user
        _save(user, password)
        end_sessions(user)
        record(acting_user=user, action="UPDATE", resource="User", detail={**_detail(user), "byMail": True})
    return user


def _save(user: User, password: str) -> None:
    user.set_password(password)
    if not any(way.get("type") == PASSWORD_WAY for way in user.auths):
        user.auths = [*user.auths, {"uid": user.id, "type": PASSWORD_WAY, "name": user.username}]
    user.save(update_fields=["password", "auths"])
    PasswordReset.objects.filter(user=user, used=None).update(expires=now())
    SignInGuard.objects.filter(pk=user.username.lower()).delete()


def _detail(user: User) -> dict[str, object]:
    return {"id": user.id, "username": user.username, "password": True}
