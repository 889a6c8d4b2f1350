"""Endpoints of roles."""

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.api import read_body
from apps.common.pagination import Page, paginate, read_page
from apps.rbac.models import Role
from apps.rbac.schemas import AutocompleteBody, IdsBody, RoleBody, RoleShape
from apps.rbac.selectors import get_role, rows_by_ids, search_roles
from apps.rbac.services.roles import delete_role, save_role

SUGGESTED = 20


@access("ROLE", "READ")
def list_roles(request: Request) -> Page[RoleShape]:
    wanted = read_page(request.query_params, sortable={"name": "name", "id": "id"}, default=("name",))
    page = paginate(search_roles(request.query_params.get("q", "")), wanted)
    return Page([RoleShape.of(role) for role in page.results], page.total)


@access("ROLE", "CREATE")
def post_role(request: Request) -> RoleShape:
    return _save(request, None)


@access("ROLE", "READ")
def show_role(request: Request, role_id: str) -> RoleShape:
    return RoleShape.of(get_role(role_id))


@access("ROLE", "UPDATE")
def put_role(request: Request, role_id: str) -> RoleShape:
    return _save(request, get_role(role_id))


@access("ROLE", "DELETE")
def remove_role(request: Request, role_id: str) -> None:
    delete_role(acting_user=current_user(request), role=get_role(role_id))


@access("ROLE", "READ")
def suggest_roles(request: Request) -> list[RoleShape]:
    """Those whose name has the typed words, and those asked for by id."""
    body = read_body(request, AutocompleteBody)
    found = {role.id: role for role in [*rows_by_ids(Role, body.ids or []), *search_roles(body.q or "")[:SUGGESTED]]}
    return [RoleShape.of(role) for role in found.values()]


@access("ROLE", "READ")
def roles_by_ids(request: Request) -> list[RoleShape]:
    return [RoleShape.of(role) for role in rows_by_ids(Role, read_body(request, IdsBody).ids)]


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
