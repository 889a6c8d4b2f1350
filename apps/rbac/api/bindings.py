"""Endpoints of bindings."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from rest_framework.request import Request

from apps.accounts.models import User
from apps.accounts.schemas import UserShape
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.api import parse_shape, read_body
from apps.common.errors import Invalid
from apps.common.pagination import Page, paginate, read_page
from apps.rbac.decisions import can_everywhere, visible_namespaces, visible_within
from apps.rbac.models import Binding, BindingType
from apps.rbac.schemas import BindingBody, BindingDetail, BindingShape, GroupShape, RoleShape
from apps.rbac.selectors import (
    get_binding,
    get_group,
    get_member,
    get_person,
    get_role,
    groups_by_id,
    search_bindings,
    users_by_id,
)
from apps.rbac.services.bindings import check_belongs_here, create_binding, delete_binding


@access("BINDING", "READ", delegated=True)
def list_bindings(request: Request) -> Page[BindingDetail]:
    """Of the whole tenant, or of the namespaces in which the person may see them."""
    query = request.query_params
    rows = search_bindings(
        subject=query.get("type", ""),
        subject_id=query.get("id", ""),
        namespace=query.get("namespace", ""),
        within=_within(request),
    )
    page = paginate(rows, read_page(query, sortable={"id": "id"}))
    return Page(_details(page.results), page.total)


@access("BINDING", "CREATE", delegated=True)
def post_binding(request: Request) -> BindingDetail:
    return _details([_create(current_user(request), read_body(request, BindingBody))])[0]


@access("BINDING", "CREATE", delegated=True)
def post_bindings(request: Request) -> list[BindingDetail]:
    """All or none."""
    if not isinstance(request.data, list):
        raise Invalid("The body must be a list of bindings.")
    bodies = [parse_shape(item, BindingBody) for item in request.data]
    with transaction.atomic():
        made = [_create(current_user(request), body) for body in bodies]
    return _details(made)


@access("BINDING", "READ", delegated=True)
def show_binding(request: Request, binding_id: str) -> BindingDetail:
    return _details([get_binding(binding_id, _within(request))])[0]


@access("BINDING", "DELETE", delegated=True)
def remove_binding(request: Request, binding_id: str) -> None:
    binding = get_binding(binding_id, _within(request, "DELETE"))
    delete_binding(acting_user=current_user(request), binding=binding)


def _within(request: Request, action: str = "READ") -> Q:
    return visible_within(visible_namespaces(current_user(request), "BINDING", action))


def _create(acting_user: User, body: BindingBody) -> Binding:
    subject = BindingType(body.type)
    if subject is BindingType.GROUP:
        subject_id = get_group(body.external_id).id
    else:
        # a binding lets the person into the tenant, which only those may who give roles in all of it
        find = get_person if can_everywhere(acting_user, "BINDING", "CREATE") else get_member
        user = find(body.external_id)
        check_belongs_here(acting_user, user)
        subject_id = user.id
    return create_binding(
        acting_user=acting_user,
        subject=subject,
        subject_id=subject_id,
        role=get_role(body.role_id),
        namespace=body.namespace_id or None,
    )


def _details(bindings: Sequence[Binding]) -> list[BindingDetail]:
    """Two queries, however many."""
    users = users_by_id(binding.external_id for binding in bindings if binding.type == BindingType.USER)
    groups = groups_by_id(binding.external_id for binding in bindings if binding.type == BindingType.GROUP)
    return [
        BindingDetail(
            binding=BindingShape.of(binding),
            role=RoleShape.of(binding.role),
            user=UserShape.of(users[binding.external_id]) if binding.external_id in users else None,
            group=GroupShape.of(groups[binding.external_id]) if binding.external_id in groups else None,
        )
        for binding in bindings
    ]
