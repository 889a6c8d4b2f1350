"""Pages of roles: the list beside one role's matrix, and what who has only this role would see."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import ProductError
from apps.console.views.iam.frame import Deed, address, perform, show
from apps.console.views.iam.person import NAMES
from apps.console.views.menu import pages_of_role
from apps.rbac.catalog import NAMESPACED, Action, Permission
from apps.rbac.models import BindingType, Role
from apps.rbac.selectors import count_bindings, get_role, groups_by_id, search_bindings, search_roles, users_by_id
from apps.rbac.services.roles import delete_role, save_role

SHOWN = 200
USED_BY = 20


@dataclass(frozen=True)
class Row:
    """One resource of the matrix: its words, and for each action whether the role allows it."""

    key: str
    name: str
    cells: list[tuple[Action, bool]]


@access("ROLE", "READ", delegated=True)
def list_roles(request: HttpRequest) -> HttpResponseBase:
    """The first role, with the list beside it."""
    first = search_roles().order_by("-is_managed", "name").first()
    return redirect(address("iam_role", role_id=first.pk) if first else address("iam_role_new"))


@access("ROLE", "READ", delegated=True)
def show_role(request: HttpRequest, role_id: str) -> HttpResponse:
    """Its matrix, who has it, and what it shows. Six queries."""
    return _page(request, get_role(role_id))


@access("ROLE", "CREATE")
def new_role(request: HttpRequest) -> HttpResponse:
    """An empty matrix, or that of the role `from`."""
    source = request.GET.get("from", "")
    template = get_role(source) if source else None
    blank = Role(name="", permissions={} if template is None else template.permissions)
    return _page(request, blank, is_new=True)


@access("ROLE", "CREATE")
def make_role(request: HttpRequest) -> HttpResponseBase:
    """What is wrong comes back with everything that was chosen."""
    return _save(request, None)


@access("ROLE", "READ")
def change_role(request: HttpRequest, role_id: str) -> HttpResponseBase:
    """Saves or deletes it."""
    role = get_role(role_id)
    if request.POST.get("do") == "save":
        return save_changes(request, role)
    return perform(request, DEEDS, role, address("iam_roles"))


def save_changes(request: HttpRequest, role: Role) -> HttpResponseBase:
    return _save(request, role)


def _save(request: HttpRequest, role: Role | None) -> HttpResponseBase:
    given = request.POST
    permissions: dict[str, list[str]] = {}
    for allowed in given.getlist("allow"):
        permission, _, action = allowed.partition(":")
        permissions.setdefault(permission, []).append(action)
    values: dict[str, Any] = {
        "name": given.get("name", "")[:150],
        "description": given.get("description", "")[:500],
        "permissions": permissions,
        "is_default": bool(given.get("is_default")),
    }
    try:
        saved = save_role(acting_user=current_user(request), role=role, **values)
    except ProductError as error:
        typed = Role(**values)
        if role is not None:
            typed.pk = role.pk
        said = [problem.message for problem in error.problems] or [error.message]
        return _page(request, typed, is_new=role is None, problems=said, status=error.status)
    return redirect(address("iam_role", role_id=saved.pk))


def _delete(request: HttpRequest, person: Any, role: Role) -> str:
    delete_role(acting_user=person, role=role)
    return f"The role {role.name} is deleted, with the bindings that gave it."


def _page(
    request: HttpRequest, role: Role, *, is_new: bool = False, problems: list[str] | None = None, status: int = 200
) -> HttpResponse:
    roles = list(search_roles().order_by("-is_managed", "name")[:SHOWN])
    tenant_id = require_tenant()
    bindings = [] if is_new else list(search_bindings().filter(role=role.pk)[:USED_BY])
    context = {
        "role": role,
        "is_new": is_new,
        "roles": roles,
        "counts": count_bindings(one.pk for one in roles),
        "actions": [(action, action.value.capitalize()) for action in Action],
        "sections": [
            ("In namespaces", [_row(role, one) for one in Permission if one in NAMESPACED]),
            ("In the tenant", [_row(role, one) for one in Permission if one not in NAMESPACED]),
        ],
        "bindings": bindings,
        "users": users_by_id(one.external_id for one in bindings if one.type == BindingType.USER),
        "groups": groups_by_id(one.external_id for one in bindings if one.type == BindingType.GROUP),
        "sees": {
            "the whole tenant": pages_of_role(role.permissions, tenant_id, everywhere=True),
            "one namespace": pages_of_role(role.permissions, tenant_id, everywhere=False),
        },
        "problems": problems or [],
    }
    return show(request, "role", "roles", context, status=status)


def _row(role: Role, permission: Permission) -> Row:
    held = role.permissions.get(permission, ())
    name = NAMES.get(permission, permission.replace("_", " ").capitalize())
    return Row(str(permission), name, [(action, action in held) for action in Action])


DEEDS = {"delete": Deed(_delete, "ROLE", "DELETE")}
