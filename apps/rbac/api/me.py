"""Endpoints of oneself: who one is, where one may go, what one may do."""

from rest_framework.request import Request

from apps.accounts.schemas import PersonBody
from apps.accounts.selectors import current_user
from apps.accounts.services import update_user
from apps.common.access import signed_in
from apps.common.api import read_body
from apps.common.current_tenant import current_tenant_id
from apps.rbac.api.people import as_member
from apps.rbac.decisions import has_access, permission_map
from apps.rbac.schemas import MemberShape, MeShape, MyRole, MyTenant, RoleShape
from apps.rbac.selectors import bindings_of, tenants_with_access


@signed_in
def show_me(request: Request) -> MeShape:
    """The person, the roles held in the open tenant, and the tenants that may be entered."""
    user = current_user(request)
    inside = current_tenant_id() is not None and has_access(user)
    return MeShape(
        user=as_member(user) if inside else MemberShape.of_member(user, [], ""),
        roles=[
            MyRole(role=RoleShape.of(binding.role), namespace_id=binding.namespace)
            for binding in (bindings_of(user) if inside else [])
        ],
        permissions=permission_map(user) if inside else {},
        tenants=[MyTenant(id=tenant.pk, name=tenant.name) for tenant in tenants_with_access(user)],
    )


@signed_in
def change_me(request: Request) -> MemberShape:
    """One's own name and description."""
    body = read_body(request, PersonBody)
    user = update_user(
        acting_user=current_user(request),
        user=current_user(request),
        first_name=body.first_name,
        last_name=body.last_name,
        description=body.description,
    )
    return MemberShape.of_member(user, [], "")
