"""Endpoints of groups and their members."""

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access, member
from apps.common.api import parse_shape, read_body
from apps.common.pagination import Page, paginate, read_page
from apps.rbac.api.lookups import by_ids, page_by_name, suggest
from apps.rbac.api.people import as_member, as_members
from apps.rbac.models import Group, Membership
from apps.rbac.schemas import GroupBody, GroupShape, MemberShape, MembershipBody
from apps.rbac.selectors import get_group, get_person, search_group_members, search_groups
from apps.rbac.services.groups import add_member, delete_group, remove_member, save_group, set_members


@access("GROUP", "READ")
def list_groups(request: Request) -> Page[GroupShape]:
    return page_by_name(request, search_groups, GroupShape.of)


@access("GROUP", "CREATE")
def post_group(request: Request) -> GroupShape:
    return _save(request, None)


@access("GROUP", "READ")
def show_group(request: Request, group_id: str) -> GroupShape:
    return GroupShape.of(get_group(group_id))


@access("GROUP", "UPDATE")
def put_group(request: Request, group_id: str) -> GroupShape:
    return _save(request, get_group(group_id))


@access("GROUP", "DELETE")
def remove_group(request: Request, group_id: str) -> None:
    delete_group(acting_user=current_user(request), group=get_group(group_id))


@access("GROUP", "READ")
def suggest_groups(request: Request) -> list[GroupShape]:
    return suggest(request, Group, search_groups, GroupShape.of)


@access("GROUP", "READ")
def groups_by_ids(request: Request) -> list[GroupShape]:
    return by_ids(request, Group, GroupShape.of)


@access("GROUP", "READ")
def list_group_members(request: Request, group_id: str) -> Page[MemberShape]:
    wanted = read_page(request.query_params, sortable={"username": "username"}, default=("username",))
    page = paginate(search_group_members(get_group(group_id), request.query_params.get("q", "")), wanted)
    return Page(as_members(page.results), page.total)


@member  # the group's owners need no permission: the service checks
def put_group_member(request: Request, group_id: str, user_id: str) -> MemberShape:
    """Adds the person."""
    user = get_person(user_id)
    add_member(acting_user=current_user(request), group=get_group(group_id), user=user)
    return as_member(user)


@member
def put_membership(request: Request, group_id: str, user_id: str) -> MemberShape:
    """Makes the person owner or plain member; the body or `membership` says which."""
    given = request.query_params.get("membership") or request.data
    body = parse_shape(given if isinstance(given, dict) else {"membership": given}, MembershipBody)
    user = get_person(user_id)
    add_member(
        acting_user=current_user(request),
        group=get_group(group_id),
        user=user,
        membership=Membership(body.membership),
    )
    return as_member(user)


@member
def remove_group_member(request: Request, group_id: str, user_id: str) -> MemberShape:
    user = get_person(user_id)
    remove_member(acting_user=current_user(request), group=get_group(group_id), user=user)
    return as_member(user)


def _save(request: Request, group: Group | None) -> GroupShape:
    body = read_body(request, GroupBody)
    acting_user = current_user(request)
    saved = save_group(acting_user=acting_user, group=group, name=body.name, description=body.description or "")
    if body.members is not None:
        wanted = {given.user_id: Membership(given.membership) for given in body.members}
        people = {user_id: get_person(user_id) for user_id in wanted}
        set_members(
            acting_user=acting_user, group=saved, members=[(people[user_id], role) for user_id, role in wanted.items()]
        )
    return GroupShape.of(saved)
