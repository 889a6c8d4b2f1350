"""Writes of people as a tenant does them: it lets in, takes away, and manages those that are its own."""

from collections.abc import Iterable

from django.db import transaction

from apps.accounts.models import User, UserType
from apps.accounts.selectors import find_user
from apps.accounts.services import create_user, delete_user, update_user
from apps.audit.services import current_caller
from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden
from apps.rbac.decisions import holds_all_of
from apps.rbac.models import Binding, BindingType, Group, Role
from apps.rbac.services.bindings import add_access, remove_access
from apps.rbac.services.groups import add_member, set_groups


def invite_person(
    *,
    acting_user: User | None,
    username: str,
    password: str | None = None,
    first_name: str = "",
    last_name: str = "",
    description: str = "",
    groups: Iterable[Group] = (),
    with_access: bool = True,
) -> User:
    """A person who is known already only gets access and groups: name and password stay. A new one gets the tenant's
    default role too. Raises Invalid, Forbidden."""
    with transaction.atomic():
        user = find_user(username)
        made = user is None
        if user is None:
            user = create_user(
                acting_user=acting_user,
                username=username,
                password=password,
                first_name=first_name,
                last_name=last_name,
                description=description,
                home_tenant=require_tenant("A person") if with_access else "",
            )
        if with_access:
            add_access(acting_user=acting_user, user=user)
        if made and with_access:
            _give_default_role(user)
        for group in groups:
            add_member(acting_user=acting_user, group=group, user=user)
    return user


def create_service_account(
    *,
    acting_user: User | None,
    name: str,
    description: str = "",
    groups: Iterable[Group] = (),
    with_access: bool = True,
) -> User:
    """Belongs to the open tenant; without access (by a super admin) to the installation."""
    with transaction.atomic():
        user = create_user(
            acting_user=acting_user,
            username=name,
            description=description,
            user_type=UserType.SERVICE_ACCOUNT,
            home_tenant=require_tenant("A service account") if with_access else "",
        )
        if with_access:
            add_access(acting_user=acting_user, user=user)
        for group in groups:
            add_member(acting_user=acting_user, group=group, user=user)
    return user


def change_person(
    *,
    acting_user: User,
    user: User,
    first_name: str | None = None,
    last_name: str | None = None,
    description: str | None = None,
    groups: Iterable[Group] | None = None,
) -> None:
    """Unchanged names may be sent again by anyone; other ones only by those who manage the person. Raises Forbidden."""
    given = {"first_name": first_name, "last_name": last_name, "description": description}
    differs = any(value is not None and value != getattr(user, name) for name, value in given.items())
    with transaction.atomic():
        if differs:
            check_manages(acting_user, user)
            update_user(
                acting_user=acting_user,
                user=user,
                first_name=first_name,
                last_name=last_name,
                description=description,
            )
        if groups is not None:
            set_groups(acting_user=acting_user, user=user, groups=groups)


def remove_person(*, acting_user: User, user: User, everywhere: bool = False) -> None:
    """Takes the access; a service account of this tenant is deleted, and with `everywhere` anyone."""
    with transaction.atomic():
        remove_access(acting_user=acting_user, user=user)
        if everywhere or (user.is_service_account and user.home_tenant == require_tenant("Access")):
            delete_user(acting_user=acting_user, user=user)


def check_manages(acting_user: User, user: User) -> None:
    """Oneself, a super admin, or the admins of the tenant that made an account with no more rights than theirs.

    Raises Forbidden.
    """
    at_home = user.home_tenant == require_tenant("Access") and user.type != UserType.SUPER_ADMIN
    if not (acting_user.is_super_admin or acting_user.pk == user.pk or at_home):
        raise Forbidden(f"{user.username} is not managed by this tenant: ask a super admin.")


def check_may_manage_tokens(acting_user: User, user: User) -> None:
    """A token is as good as its owner, in all tenants: of a service account only those manage it who may as much. Who
    acts as another gets none of the other's.

    Raises Forbidden.
    """
    as_another = current_caller.get().impersonated_by is not None
    if (acting_user.is_super_admin or acting_user.pk == user.pk) and not as_another:
        return
    if not user.is_service_account or user.home_tenant != require_tenant("Access"):
        raise Forbidden("Only a super admin manages the tokens of others; a tenant those of its own service accounts.")
    if not holds_all_of(acting_user, user):
        raise Forbidden(f"{user.username} may more than you, and so could you with its token.")


def _give_default_role(user: User) -> None:
    role = Role.objects.filter(is_default=True).first()
    if role is not None:
        Binding.objects.get_or_create(type=BindingType.USER, external_id=user.pk, role=role, namespace=None)
