"""Writes of groups and their members."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.common.errors import Forbidden, IllegalState, Invalid, NotFound, Problem
from apps.rbac.decisions import can_everywhere
from apps.rbac.models import Binding, BindingType, Group, GroupMember, Membership
from apps.rbac.services.bindings import check_belongs_here
from apps.rbac.services.last_admin import keeping_an_admin
from apps.rbac.services.roles import check_may_grant


def save_group(*, acting_user: User, group: Group | None = None, name: str, description: str = "") -> Group:
    """A new group, or another state of `group`. Raises Invalid, IllegalState for a name that is taken."""
    if not name.strip():
        raise Invalid("A group needs a name.", problems=[Problem("must not be empty", "name")])
    before = None if group is None else {"name": group.name, "description": group.description}
    made = group or Group()
    made.name, made.description = name.strip(), description
    with transaction.atomic():
        try:
            with transaction.atomic():
                made.save(force_insert=group is None)
        except IntegrityError as error:
            raise IllegalState(f"There is already a group '{made.name}'.") from error
        record(
            acting_user=acting_user,
            action="CREATE" if group is None else "UPDATE",
            resource="Group",
            detail={"id": made.id, "name": made.name},
            before=before,
            after={"name": made.name, "description": made.description},
        )
    return made


def delete_group(*, acting_user: User, group: Group) -> None:
    """With its memberships and only those bindings that came from it. Raises IllegalState for the last Admin."""
    with keeping_an_admin(acting_user):
        detail = {"id": group.id, "name": group.name}
        Binding.objects.filter(type=BindingType.GROUP, external_id=group.pk).delete()
        group.delete()
        record(acting_user=acting_user, action="DELETE", resource="Group", detail=detail)


def add_member(
    *, acting_user: User | None, group: Group, user: User, membership: Membership = Membership.MEMBER
) -> GroupMember:
    """Adds the person, or changes the membership. Joining gives what is bound to the group, so the giver must have it.

    Raises Forbidden, IllegalState when the members are managed elsewhere.
    """
    check_may_manage(acting_user, group)
    check_belongs_here(acting_user, user)
    if acting_user is not None and not is_owner(acting_user, group):
        for binding in Binding.objects.filter(type=BindingType.GROUP, external_id=group.pk).select_related("role"):
            check_may_grant(acting_user, binding.role.permissions, binding.namespace)
    with transaction.atomic():
        member, _ = GroupMember.objects.update_or_create(
            group=group, user_id=user.pk, defaults={"membership": membership}
        )
        record(acting_user=acting_user, action="UPDATE", resource="Group", detail=_detail(group, user, membership))
    return member


def remove_member(*, acting_user: User, group: Group, user: User) -> None:
    """Raises Forbidden, NotFound, IllegalState when the members are managed elsewhere, or for the last Admin."""
    check_may_manage(acting_user, group)
    with keeping_an_admin(acting_user):
        deleted, _ = GroupMember.objects.filter(group=group, user_id=user.pk).delete()
        if not deleted:
            raise NotFound(f"{user.username} is not in the group {group.name}.")
        record(acting_user=acting_user, action="UPDATE", resource="Group", detail=_detail(group, user, "none"))


def set_members(*, acting_user: User, group: Group, members: Iterable[tuple[User, Membership]]) -> None:
    """The group has exactly these afterwards."""
    wanted = {user.pk: (user, membership) for user, membership in members}
    with transaction.atomic():
        current = {member.user_id: member for member in group.members.all()}
        gone = User.objects.filter(pk__in=current.keys() - wanted.keys())
        for user in gone:
            remove_member(acting_user=acting_user, group=group, user=user)
        for user_id, (user, membership) in wanted.items():
            if user_id not in current or current[user_id].membership != membership:
                add_member(acting_user=acting_user, group=group, user=user, membership=membership)


def set_groups(*, acting_user: User, user: User, groups: Iterable[Group]) -> None:
    """The person is in exactly these groups afterwards; what he is in those that stay does not change."""
    wanted = {group.pk: group for group in groups}
    with transaction.atomic():
        current = {
            member.group_id: member.group
            for member in GroupMember.objects.filter(user_id=user.pk).select_related("group")
        }
        for group_id in current.keys() - wanted.keys():
            remove_member(acting_user=acting_user, group=current[group_id], user=user)
        for group_id in wanted.keys() - current.keys():
            add_member(acting_user=acting_user, group=wanted[group_id], user=user)


def check_may_manage(acting_user: User | None, group: Group) -> None:
    """Its owners, and those with GROUP UPDATE. Raises Forbidden, IllegalState."""
    if group.provider:
        raise IllegalState(f"The members of {group.name} are managed by {group.provider}.")
    if acting_user is not None and not (
        acting_user.is_super_admin
        or can_everywhere(acting_user, "GROUP", "UPDATE")
        or can_everywhere(acting_user, "GROUP_MEMBERSHIP", "UPDATE")
        or is_owner(acting_user, group)
    ):
        raise Forbidden(f"Only its owners and holders of GROUP UPDATE manage the group {group.name}.")


def is_owner(user: User, group: Group) -> bool:
    return GroupMember.objects.filter(group=group, user_id=user.pk, membership=Membership.OWNER).exists()


def _detail(group: Group, user: User, membership: str) -> dict[str, str]:
    return {"id": group.id, "name": group.name, "userId": user.id, "membership": str(membership)}
