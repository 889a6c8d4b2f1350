"""Pages of groups: the list, and one with its members and what is bound to it."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from apps.accounts.models import User
from apps.accounts.selectors import current_user, find_user
from apps.common.access import access
from apps.common.errors import NotFound
from apps.console.views.iam.bindings import bind_namespaces, unbind
from apps.console.views.iam.frame import Deed, address, perform, show
from apps.rbac.models import BindingType, Group, Membership
from apps.rbac.selectors import (
    count_members,
    get_group,
    get_member,
    search_bindings,
    search_group_members,
    search_groups,
    search_roles,
)
from apps.rbac.services.groups import add_member, delete_group, remove_member, save_group

SHOWN = 500


@access("GROUP", "READ")
def list_groups(request: HttpRequest) -> HttpResponse:
    """By name. Two queries."""
    query = request.GET.get("q", "")
    groups = list(search_groups(query).order_by("name")[:SHOWN])
    context = {"groups": groups, "counts": count_members(group.pk for group in groups), "q": query}
    return show(request, "groups", "groups", context)


@access("GROUP", "CREATE")
def make_group(request: HttpRequest) -> HttpResponseBase:
    """Then its page, to add people."""
    made = save_group(
        acting_user=current_user(request),
        name=request.POST.get("name", "")[:150],
        description=request.POST.get("description", "")[:500],
    )
    return redirect(address("iam_group", group_id=made.pk))


@access("GROUP", "READ")
def show_group(request: HttpRequest, group_id: str) -> HttpResponse:
    """Members and bindings. Five queries."""
    group = get_group(group_id)
    memberships = dict(group.members.values_list("user_id", "membership"))
    context = {
        "group": group,
        "members": [(user, memberships.get(user.pk)) for user in search_group_members(group)[:SHOWN]],
        "bindings": list(search_bindings(subject=BindingType.GROUP, subject_id=group.pk)[:SHOWN]),
        "roles": list(search_roles().order_by("name")[:SHOWN]),
    }
    return show(request, "group", "groups", context)


@access("GROUP", "READ")
def change_group(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """One button each."""
    group = get_group(group_id)
    back = address("iam_groups") if request.POST.get("do") == "delete" else address("iam_group", group_id=group.pk)
    return perform(request, DEEDS, group, back)


def _save(request: HttpRequest, person: User, group: Group) -> str:
    given = request.POST
    save_group(
        acting_user=person,
        group=group,
        name=given.get("name", "")[:150],
        description=given.get("description", "")[:500],
    )
    return "The group is saved."


def _delete(request: HttpRequest, person: User, group: Group) -> str:
    delete_group(acting_user=person, group=group)
    return f"The group {group.name} is deleted, and what was bound to it."


def _add(request: HttpRequest, person: User, group: Group) -> str:
    name = request.POST.get("username", "").strip()
    known = find_user(name)
    if known is None:
        raise NotFound(f"There is no user '{name[:60]}' in this tenant: add or invite the person first.")
    user = get_member(known.pk)
    add_member(acting_user=person, group=group, user=user)
    return f"{user.full_name} is in {group.name}."


def _membership(request: HttpRequest, person: User, group: Group) -> str:
    user = get_member(request.POST.get("user", ""))
    owner = request.POST.get("membership") == Membership.OWNER
    add_member(acting_user=person, group=group, user=user, membership=Membership.OWNER if owner else Membership.MEMBER)
    return f"{user.full_name} is {'an owner' if owner else 'a member'} of {group.name}."


def _remove(request: HttpRequest, person: User, group: Group) -> str:
    user = get_member(request.POST.get("user", ""))
    remove_member(acting_user=person, group=group, user=user)
    return f"{user.full_name} is in {group.name} no more."


def _bind(request: HttpRequest, person: User, group: Group) -> str:
    return bind_namespaces(request, person, BindingType.GROUP, group.pk)


DEEDS = {
    "save": Deed(_save, "GROUP", "UPDATE"),
    "delete": Deed(_delete, "GROUP", "DELETE"),
    "add": Deed(_add, "GROUP", "READ"),  # owners need no more: the service looks
    "membership": Deed(_membership, "GROUP", "READ"),
    "remove": Deed(_remove, "GROUP", "READ"),
    "bind": Deed(_bind, "BINDING", "CREATE", delegated=True),
    "unbind": Deed(unbind, "BINDING", "DELETE", delegated=True),
}
