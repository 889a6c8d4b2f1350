"""Writes of roles."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.common.errors import Forbidden, IllegalState, Invalid, Problem
from apps.rbac.catalog import MANAGED_ROLES, Action, Permission, actions_as_stored
from apps.rbac.decisions import EVERYWHERE, can_delegated
from apps.rbac.models import Role


def ensure_managed_roles() -> None:
    """The managed roles of the open tenant as this version has them; run at each start. One query when they are."""
    stored = dict(Role.objects.filter(is_managed=True).values_list("name", "permissions"))
    for managed in MANAGED_ROLES:
        if stored.get(managed.name) == actions_as_stored(managed.permissions):
            continue
        Role.objects.update_or_create(
            name=managed.name,
            is_managed=True,
            defaults={"description": managed.description, "permissions": actions_as_stored(managed.permissions)},
        )


def save_role(
    *,
    acting_user: User,
    role: Role | None = None,
    name: str,
    description: str = "",
    permissions: Mapping[str, Sequence[str]],
    is_default: bool = False,
) -> Role:
    """A new role, or another state of `role`. The latest default is the only one.

    Nobody can give, nor take away, what he does not have in the whole tenant. Raises Invalid, Forbidden, IllegalState
    for a managed role or a name that is taken.
    """
    if role is not None and role.is_managed:
        raise IllegalState(f"The role {role.name} is managed: copy it under another name to change it.")
    stored = check_permissions(permissions)
    check_may_grant(acting_user, stored)
    if role is not None:
        check_may_grant(acting_user, role.permissions)
    before = None if role is None else _state(role)
    made = role or Role()
    made.name, made.description, made.permissions, made.is_default = name.strip(), description, stored, is_default
    if not made.name:
        raise Invalid("A role needs a name.", problems=[Problem("must not be empty", "name")])
    with transaction.atomic():
        if is_default:
            Role.objects.filter(is_default=True).exclude(pk=made.pk).update(is_default=False)
        try:
            with transaction.atomic():
                made.save(force_insert=role is None)
        except IntegrityError as error:
            raise IllegalState(f"There is already a role '{made.name}'.") from error
        record(
            acting_user=acting_user,
            action="CREATE" if role is None else "UPDATE",
            resource="Role",
            detail={"id": made.id, "name": made.name},
            before=before,
            after=_state(made),
        )
    return made


def delete_role(*, acting_user: User, role: Role) -> None:
    """With the bindings that give it. Raises IllegalState for a managed role, Forbidden for one with rights that the
    person does not have."""
    if role.is_managed:
        raise IllegalState(f"The role {role.name} is managed and cannot be deleted.")
    check_may_grant(acting_user, role.permissions)
    with transaction.atomic():
        role.bindings.all().delete()
        detail, before = {"id": role.id, "name": role.name}, _state(role)
        role.delete()
        record(acting_user=acting_user, action="DELETE", resource="Role", detail=detail, before=before)


def check_permissions(permissions: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """As stored. Raises Invalid naming every unknown permission or action."""
    problems = [
        Problem(f"There is no permission '{name}'{_guess(name)}.", f"permissions.{name}")
        for name in permissions
        if name not in Permission.__members__
    ]
    problems += [
        Problem(f"There is no action '{action}'. Possible: {', '.join(Action)}.", f"permissions.{name}")
        for name, actions in permissions.items()
        for action in actions
        if action not in Action.__members__
    ]
    if problems:
        raise Invalid(problems=problems)
    return actions_as_stored(
        {Permission(name): frozenset(map(Action, actions)) for name, actions in permissions.items() if actions}
    )


def check_may_grant(
    acting_user: User | None, permissions: Mapping[str, Sequence[str]], namespace: str | None = None
) -> None:
    """Raises Forbidden when it would give, in the namespace or (None) in the whole tenant, more than the giver has
    there; a super admin gives all, and so does the product itself (None)."""
    if acting_user is None or acting_user.is_super_admin:
        return
    missing = [
        f"{name} {action}"
        for name, actions in permissions.items()
        for action in actions
        if not can_delegated(acting_user, name, action, namespace or EVERYWHERE)
    ]
    if missing:
        where = namespace or "the whole tenant"
        raise Forbidden(f"You cannot give what you do not have in {where}: {', '.join(missing[:5])}.")


def _state(role: Role) -> dict[str, object]:
    return {"description": role.description, "permissions": role.permissions, "isDefault": role.is_default}


def _guess(name: str) -> str:
    near = get_close_matches(name.upper(), list(Permission), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
