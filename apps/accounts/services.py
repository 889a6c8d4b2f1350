"""Writes of people, passwords and tokens."""

import re
import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.accounts.models import ApiToken, SignInGuard, User, UserType
from apps.accounts.selectors import find_user, is_locked_out, token_digest
from apps.audit.services import record
from apps.common.clock import now
from apps.common.errors import Forbidden, IllegalArgument, IllegalState, Invalid, NotFound, TooManyRequests

NAME_PATTERN: Final = re.compile(r"(?=.{1,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
TOKEN_PREFIX: Final = "kee_"  # noqa: S105  not a secret: it tells people what the text is
LAST_USED_STEP: Final = timedelta(minutes=1)


def create_user(
    *,
    acting_user: User | None,
    username: str,
    password: str | None = None,
    first_name: str = "",
    last_name: str = "",
    description: str = "",
    user_type: UserType = UserType.STANDARD,
    home_tenant: str = "",
) -> User:
    """A person (username is the e-mail) or a service account. Only a super admin makes a super admin; acting_user None
    is the set-up. Raises Invalid, IllegalState for a name that is taken, Forbidden."""
    check_username(username.strip(), user_type)
    username = username.strip().lower()
    if user_type == UserType.SUPER_ADMIN and acting_user is not None and not acting_user.is_super_admin:
        raise Forbidden("Only a super admin can make a super admin.")
    user = User(
        username=username,
        email="" if user_type == UserType.SERVICE_ACCOUNT else username,
        first_name=first_name,
        last_name=last_name,
        description=description,
        type=user_type,
        home_tenant=home_tenant,
    )
    if password is None or user_type == UserType.SERVICE_ACCOUNT:
        user.set_unusable_password()
    else:
        check_password(password)
        user.set_password(password)
        user.auths = [{"uid": user.id, "type": "BASIC_AUTH", "name": username}]
    with transaction.atomic():
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            raise IllegalState(f"There is already a user '{username}'.") from error
        record(acting_user=acting_user, action="CREATE", resource="User", detail=_detail(user))
    return user


def update_user(
    *,
    acting_user: User,
    user: User,
    first_name: str | None = None,
    last_name: str | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> User:
    """None leaves a field as it is. Raises IllegalState when it would switch off the last super admin."""
    changes = {
        "first_name": first_name,
        "last_name": last_name,
        "description": description,
        "is_active": is_active,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    before = {name: getattr(user, name) for name in given}
    with transaction.atomic():
        if is_active is False and user.is_super_admin:
            _check_not_last_super_admin(user)
        for name, value in given.items():
            setattr(user, name, value)
        user.save(update_fields=list(given))
        record(
            acting_user=acting_user, action="UPDATE", resource="User", detail=_detail(user), before=before, after=given
        )
    return user


def set_user_type(*, acting_user: User, user: User, user_type: UserType) -> User:
    """Grants or withdraws super admin. The last one keeps it. Raises Forbidden, IllegalState."""
    if not acting_user.is_super_admin:
        raise Forbidden("Only a super admin changes the type of a user.")
    if UserType.SERVICE_ACCOUNT in {user.type, user_type}:
        raise IllegalState("A service account stays a service account.")
    with transaction.atomic():
        if user.is_super_admin and user_type != UserType.SUPER_ADMIN:
            _check_not_last_super_admin(user)
        before, user.type = user.type, user_type
        user.save(update_fields=["type"])
        record(
            acting_user=acting_user,
            action="UPDATE",
            resource="User",
            detail=_detail(user),
            before={"type": before},
            after={"type": str(user_type)},
        )
    return user


def delete_user(*, acting_user: User, user: User) -> None:
    """Everywhere, with tokens; the caller removes what tenants hold of him. Raises IllegalState for the last super
    admin."""
    with transaction.atomic():
        if user.is_super_admin:
            _check_not_last_super_admin(user)
        detail = _detail(user)
        user.delete()
        record(acting_user=acting_user, action="DELETE", resource="User", detail=detail)


def set_password(*, acting_user: User, user: User, password: str, old_password: str | None = None) -> None:
    """`old_password` is asked when one changes one's own. Sessions and remembered Basic passwords end by themselves.

    Raises Invalid for a weak one, IllegalArgument for a wrong old one, IllegalState for a service account.
    """
    if user.is_service_account:
        raise IllegalState("A service account has no password: give it an API token.")
    if old_password is not None and not user.check_password(old_password):
        raise IllegalArgument("The old password is wrong.")
    check_password(password)
    user.set_password(password)
    if not any(auth.get("type") == "BASIC_AUTH" for auth in user.auths):
        user.auths = [*user.auths, {"uid": user.id, "type": "BASIC_AUTH", "name": user.username}]
    with transaction.atomic():
        user.save(update_fields=["password", "auths"])
        SignInGuard.objects.filter(pk=user.username.lower()).delete()
        record(acting_user=acting_user, action="UPDATE", resource="User", detail={**_detail(user), "password": True})


def create_api_token(
    *,
    acting_user: User,
    user: User,
    name: str,
    description: str = "",
    max_age: timedelta | None = None,
    extended: bool = False,
) -> tuple[ApiToken, str]:
    """The row and the full token, which is shown once and kept nowhere. `max_age` None never expires.

    Raises Invalid for a bad name or age, IllegalState for a name that is taken.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise Invalid("A token's name has lower-case letters, digits and single hyphens, 63 characters at most.")
    if max_age is not None and max_age <= timedelta(0):
        raise Invalid("A token's maximum age must be more than nothing.")
    full_token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user=user,
        name=name,
        description=description,
        prefix=full_token[: len(TOKEN_PREFIX) + 4],
        digest=token_digest(full_token),
        max_age=max_age,
        extended=extended and max_age is not None,
        expires=None if max_age is None else now() + max_age,
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                token.save(force_insert=True)
        except IntegrityError as error:
            raise IllegalState(f"{user.username} has a token '{name}' already.") from error
        record(
            acting_user=acting_user,
            action="CREATE",
            resource="ApiToken",
            detail={"id": token.id, "name": name, "userId": user.id},
        )
    return token, full_token


def delete_api_token(*, acting_user: User, user: User, token_id: str) -> None:
    """From now on the token is refused. Raises NotFound."""
    with transaction.atomic():
        deleted, _ = ApiToken.objects.filter(pk=token_id, user=user).delete()
        if not deleted:
            raise NotFound(f"{user.username} has no token '{token_id}'.")
        record(
            acting_user=acting_user, action="DELETE", resource="ApiToken", detail={"id": token_id, "userId": user.id}
        )


def note_token_use(token: ApiToken) -> None:
    """Last use, to the minute, and a new expiry if the token extends itself; at most one write a minute."""
    moment = now()
    stale = Q(last_used=None) | Q(last_used__lt=moment - LAST_USED_STEP)
    if token.last_used is None or token.last_used < moment - LAST_USED_STEP:
        changes = {"last_used": moment}
        if token.extended and token.max_age is not None:
            changes["expires"] = moment + token.max_age
        ApiToken.objects.filter(stale, pk=token.pk).update(**changes)


def check_sign_in(*, username: str, password: str) -> User | None:
    """The user if the password is right. Wrong ones are counted for the name, whether or not it exists.

    Raises TooManyRequests while the name is locked out. Costs an Argon2 in every case, so that time tells nothing.
    """
    if is_locked_out(username):
        raise TooManyRequests("Too many wrong passwords: wait or ask an administrator to unlock.")
    user = find_user(username)
    if user is None or not user.has_usable_password():
        User().set_password(password)
        _count_failure(username)
        return None
    if not user.check_password(password) or not user.is_active:
        _count_failure(username)
        return None
    SignInGuard.objects.filter(pk=username.strip().lower()).delete()
    return user


def unlock_sign_in(*, acting_user: User, user: User) -> None:
    """Ends a lock-out before its time."""
    with transaction.atomic():
        SignInGuard.objects.filter(pk=user.username.lower()).delete()
        record(acting_user=acting_user, action="UPDATE", resource="User", detail={**_detail(user), "unlocked": True})


def forget_expired() -> int:
    """Sessions that are over, and failed sign-ins that no longer lock anything. Returns how many rows went."""
    moment = now()
    sessions, _ = Session.objects.filter(expire_date__lt=moment).delete()
    window = timedelta(seconds=settings.KESTRA_SIGN_IN_WINDOW_SECONDS)
    over = Q(locked_until=None) | Q(locked_until__lt=moment)
    guards, _ = SignInGuard.objects.filter(over, first_failure__lt=moment - window).delete()
    return sessions + guards


def check_username(username: str, user_type: UserType) -> None:
    """Raises Invalid."""
    if user_type == UserType.SERVICE_ACCOUNT:
        if not NAME_PATTERN.fullmatch(username):
            raise Invalid("A service account's name has lower-case letters, digits and single hyphens, 63 at most.")
        return
    try:
        validate_email(username)
    except ValidationError as error:
        raise Invalid(f"'{username[:60]}' is not an e-mail address.") from error


def check_password(password: str) -> None:
    """Raises Invalid when it does not match KESTRA_EE_PASSWORD_PATTERN."""
    if not re.search(settings.KESTRA_PASSWORD_PATTERN, password):
        raise Invalid("The password is too weak: at least 8 characters, with an upper-case letter and a digit.")


def _count_failure(username: str) -> None:
    moment = now()
    window = timedelta(seconds=settings.KESTRA_SIGN_IN_WINDOW_SECONDS)
    with transaction.atomic():
        guard, _ = SignInGuard.objects.select_for_update().get_or_create(pk=username.strip().lower()[:254])
        if guard.first_failure < moment - window:
            guard.failures, guard.first_failure = 0, moment
        guard.failures += 1
        if guard.failures >= settings.KESTRA_SIGN_IN_THRESHOLD:
            guard.locked_until = moment + timedelta(seconds=settings.KESTRA_SIGN_IN_LOCK_SECONDS)
            guard.failures = 0
        guard.save()


def _check_not_last_super_admin(user: User) -> None:
    others = User.objects.select_for_update().filter(type=UserType.SUPER_ADMIN, is_active=True).exclude(pk=user.pk)
    if not others.exists():
        raise IllegalState("The last super admin stays: make another one first.")


def _detail(user: User) -> dict[str, str]:
    return {"id": user.id, "username": user.username}
