"""Writes of people: who there is."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.accounts.models import User, UserType
from apps.accounts.services.passwords import check_password
from apps.accounts.services.sessions import end_sessions
from apps.accounts.services.tokens import NAME_PATTERN
from apps.audit.services import record
from apps.common.errors import Forbidden, IllegalState, Invalid


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
        if is_active is False:
            end_sessions(user)
        record(
            acting_user=acting_user, action="UPDATE", resource="User", detail=_detail(user), before=before, after=given
        )
    return user


def set_user_type(*, acting_user: User | None, user: User, user_type: UserType) -> User:
    """Grants or withdraws super admin; None is a command. The last one keeps it. Raises Forbidden, IllegalState."""
    if acting_user is not None and not acting_user.is_super_admin:
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
        end_sessions(user)
        user.delete()
        record(acting_user=acting_user, action="DELETE", resource="User", detail=detail)


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


def _check_not_last_super_admin(user: User) -> None:
    others = User.objects.select_for_update().filter(type=UserType.SUPER_ADMIN, is_active=True).exclude(pk=user.pk)
    if not others.exists():
        raise IllegalState("The last super admin stays: make another one first.")


def _detail(user: User) -> dict[str, str]:
    return {"id": user.id, "username": user.username}
