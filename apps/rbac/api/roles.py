"""Endpoints of roles."""

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.api import read_body
from apps.common.pagination import Page
from apps.rbac.api.lookups import by_ids, page_by_name, suggest
from apps.rbac.models import Role
from apps.rbac.schemas import RoleBody, RoleShape
from apps.rbac.selectors import get_role, search_roles
from apps.rbac.services.roles import delete_role, save_role


@access("ROLE", "READ", delegated=True)
def list_roles(request: Request) -> Page[RoleShape]:
    return page_by_name(request, search_roles, RoleShape.of)


@access("ROLE", "CREATE")
def post_role(request: Request) -> RoleShape:
    return _save(request, None)


@access("ROLE", "READ", delegated=True)
def show_role(request: Request, role_id: str) -> RoleShape:
    return RoleShape.of(get_role(role_id))


@access("ROLE", "UPDATE")
def put_role(request: Request, role_id: str) -> RoleShape:
    return _save(request, get_role(role_id))


@access("ROLE", "DELETE")
def remove_role(request: Request, role_id: str) -> None:
    delete_role(acting_user=current_user(request), role=get_role(role_id))


@access("ROLE", "READ", delegated=True)
def suggest_roles(request: Request) -> list[RoleShape]:
    return suggest(request, Role, search_roles, RoleShape.of)


@access("ROLE", "READ", delegated=True)
def roles_by_ids(request: Request) -> list[RoleShape]:
    return by_ids(request, Role, RoleShape.of)


def _save(request: Request, role: Role | None) -> RoleShape:
    body = read_body(request, RoleBody)
    saved = save_role(
        acting_user=current_user(request),
        role=role,
        name=body.name,
        description=body.description or "",
        permissions=body.permissions,
        is_default=bool(body.is_default),
    )
    return RoleShape.of(saved)
