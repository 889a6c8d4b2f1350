"""Reads of roles, groups, bindings and people as the open tenant sees them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final, TypeVar

from django.db.models import Count, Model, Q, QuerySet

from apps.accounts.models import User, UserType
from apps.common.errors import NotFound
from apps.common.ids import is_id
from apps.rbac.catalog import ADMIN_ROLE, NAMESPACED, SUPER_ADMIN_PERMISSIONS, Action, Permission
from apps.rbac.models import Binding, BindingType, Group, GroupMember, Role, TenantAccess
from apps.tenants.models import Tenant

Row = TypeVar("Row", bound=Model)
ALL_BINDINGS: Final = Q()


def get_role(role_id: str) -> Role:
    """Raises NotFound."""
    found = Role.objects.filter(pk=role_id).first() if is_id(role_id) else None
    if found is None:
        raise NotFound(f"There is no role '{role_id[:60]}'.")
    return found


def named_role(name: str) -> Role:
    """Whatever the case. Raises NotFound, naming the roles there are."""
    found = Role.objects.filter(name__iexact=name.strip()).first()
    if found is None:
        known = ", ".join(Role.objects.order_by("name").values_list("name", flat=True)[:20])
        raise NotFound(f"There is no role '{name[:60]}'. There are {known}.")
    return found


def get_admin_role() -> Role:
    return Role.objects.get(name=ADMIN_ROLE, is_managed=True)


def has_admin() -> bool:
    """Whether an active person holds the Admin role in the whole open tenant, bound or through a group. Three
    queries."""
    bound = Binding.objects.filter(role=get_admin_role(), namespace=None)
    people = bound.filter(type=BindingType.USER).values_list("external_id", flat=True)
    groups = bound.filter(type=BindingType.GROUP).values("external_id")
    members = GroupMember.objects.filter(group_id__in=groups).values_list("user_id", flat=True)
    active = User.objects.filter(is_active=True).exclude(type=UserType.SERVICE_ACCOUNT)
    return active.filter(pk__in={*people, *members}).exists()


def get_group(group_id: str) -> Group:
    """Raises NotFound."""
    found = Group.objects.filter(pk=group_id).first() if is_id(group_id) else None
    if found is None:
        raise NotFound(f"There is no group '{group_id[:60]}'.")
    return found


def get_binding(binding_id: str, within: Q = ALL_BINDINGS) -> Binding:
    """Raises NotFound, also for one that the person may not see."""
    found = Binding.objects.select_related("role").filter(within, pk=binding_id).first() if is_id(binding_id) else None
    if found is None:
        raise NotFound(f"There is no binding '{binding_id[:60]}'.")
    return found


def search_roles(query: str = "") -> QuerySet[Role]:
    return _with_words(Role.objects.all(), query, "name", "description")


def search_groups(query: str = "") -> QuerySet[Group]:
    return _with_words(Group.objects.all(), query, "name", "description")


def search_bindings(
    *, subject: str = "", subject_id: str = "", namespace: str = "", within: Q = ALL_BINDINGS
) -> QuerySet[Binding]:
    """Newest first; with a namespace, those made for exactly it. `within` narrows to what a person may see."""
    found = Binding.objects.select_related("role").filter(within).order_by("-id")
    if subject:
        found = found.filter(type=subject)
    if subject_id:
        found = found.filter(external_id=subject_id)
    if namespace:
        found = found.filter(namespace=namespace)
    return found


def bindings_of(user: User) -> list[Binding]:
    """One's own and those of one's groups, with their roles. One query."""
    groups = GroupMember.objects.filter(user_id=user.pk).values("group_id")
    mine = Q(type=BindingType.USER, external_id=user.pk) | Q(type=BindingType.GROUP, external_id__in=groups)
    return list(Binding.objects.filter(mine).select_related("role").order_by("id"))


@dataclass(frozen=True)
class Reason:
    """Why a person may: by which role, where (None: the whole tenant), and through which group, if one."""

    role: str
    role_id: str | None = None
    namespace: str | None = None
    group: str | None = None
    group_id: str | None = None


def explain_permissions(user: User) -> dict[str, dict[str, list[Reason]]]:
    """Permission → action → every reason, in the order of the catalog; what nothing gives is left out. Two queries."""
    found: dict[str, dict[str, list[Reason]]] = {}
    if not user.is_active:
        return found
    bindings = bindings_of(user)
    groups = groups_by_id(row.external_id for row in bindings if row.type == BindingType.GROUP)
    by_itself = Reason("Super admin")
    for permission in Permission:
        actions: dict[str, list[Reason]] = {}
        for action in Action:
            reasons = [by_itself] if user.is_super_admin and permission in SUPER_ADMIN_PERMISSIONS else []
            reasons += [
                _reason(row, groups)
                for row in bindings
                if action in row.role.permissions.get(permission, ())
                and (row.namespace is None or permission in NAMESPACED)
            ]
            if reasons:
                actions[str(action)] = reasons
        if actions:
            found[str(permission)] = actions
    return found


def _reason(binding: Binding, groups: dict[str, Group]) -> Reason:
    group = groups.get(binding.external_id) if binding.type == BindingType.GROUP else None
    return Reason(
        role=binding.role.name,
        role_id=binding.role_id,
        namespace=binding.namespace,
        group=None if group is None else group.name,
        group_id=None if group is None else group.pk,
    )


def member_ids() -> set[str]:
    """Everyone who has access to the open tenant. Three queries."""
    bound = Binding.objects.filter(type=BindingType.USER).values_list("external_id", flat=True)
    grouped = GroupMember.objects.values_list("user_id", flat=True)
    added = TenantAccess.objects.values_list("pk", flat=True)
    return {*bound, *grouped, *added}


def search_members(*, query: str = "", user_type: str = "") -> QuerySet[User]:
    """People with access to the open tenant."""
    found = User.objects.filter(pk__in=member_ids())
    if user_type:
        found = found.filter(type=user_type)
    return _with_words(found, query, "username", "first_name", "last_name", "description")


def get_member(user_id: str) -> User:
    """A person with access to the open tenant. Raises NotFound: others are none of its business."""
    found = User.objects.filter(pk=user_id).first() if is_id(user_id) and user_id in member_ids() else None
    if found is None:
        raise NotFound(f"There is no user '{user_id[:60]}' in this tenant.")
    return found


def get_person(user_id: str) -> User:
    """Anyone in the installation, for those who let him in. Raises NotFound."""
    found = User.objects.filter(pk=user_id).first() if is_id(user_id) else None
    if found is None:
        raise NotFound(f"There is no user '{user_id[:60]}'.")
    return found


def search_group_members(group: Group, query: str = "") -> QuerySet[User]:
    ids = list(group.members.values_list("user_id", flat=True))
    return _with_words(User.objects.filter(pk__in=ids), query, "username", "first_name", "last_name")


def rows_by_ids(model: type[Row], ids: Iterable[str]) -> list[Row]:
    """Those that exist, unknown ids left out."""
    return list(model._default_manager.filter(pk__in=[text for text in ids if is_id(text)]))


def groups_by_id(group_ids: Iterable[str]) -> dict[str, Group]:
    """One query."""
    return {group.pk: group for group in Group.objects.filter(pk__in=set(group_ids))}


def groups_of(user_ids: Iterable[str]) -> dict[str, list[GroupMember]]:
    """Memberships with their groups, by person. One query."""
    found: dict[str, list[GroupMember]] = {}
    for member in GroupMember.objects.filter(user_id__in=list(user_ids)).select_related("group"):
        found.setdefault(member.user_id, []).append(member)
    return found


def held_roles(user_ids: Iterable[str]) -> dict[str, list[Binding]]:
    """What is bound to each person himself. One query."""
    found: dict[str, list[Binding]] = {}
    wanted = list(user_ids)
    for row in Binding.objects.filter(type=BindingType.USER, external_id__in=wanted).select_related("role"):
        found.setdefault(row.external_id, []).append(row)
    return found


def count_members(group_ids: Iterable[str]) -> dict[str, int]:
    """By group, those without members left out. One query."""
    rows = (
        GroupMember.objects.filter(group_id__in=list(group_ids))
        .order_by()
        .values_list("group_id")
        .annotate(Count("pk"))
    )
    return dict(rows)


def count_bindings(role_ids: Iterable[str]) -> dict[str, int]:
    """By role, those that nobody has left out. One query."""
    rows = Binding.objects.filter(role_id__in=list(role_ids)).order_by().values_list("role_id").annotate(Count("pk"))
    return dict(rows)


def users_by_id(user_ids: Iterable[str]) -> dict[str, User]:
    """One query."""
    return {user.pk: user for user in User.objects.filter(pk__in=set(user_ids))}


def tenants_with_access(user: User) -> QuerySet[Tenant]:
    """The tenants that know the person, by id, without those that are being deleted; whatever schema is open."""
    return Tenant.objects.filter(members__user_id=user.pk, deleted_at=None).order_by("id")


def _with_words(rows: QuerySet[Row], query: str, *fields: str) -> QuerySet[Row]:
    for word in query.split():
        rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields)))
    return rows
