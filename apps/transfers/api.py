"""The backends of a namespace or a tenant: what holds, what may be chosen, and the copy from the one before."""

from __future__ import annotations

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access, super_admin
from apps.common.errors import NotFound
from apps.isolation.catalog import Kind
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.selectors import BackendType, backend_types
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant
from apps.transfers.schemas import PlaceShape, TransferShape
from apps.transfers.selectors import show_place
from apps.transfers.services import cancel_transfer, check_may_copy, start_transfer

PERMISSION = "NAMESPACE"


@access(PERMISSION, "READ")
def show_backend(request: Request, namespace: str, kind: str) -> PlaceShape:
    """Which backend holds for the namespace and who says so; its own choice, credentials hidden; the last copy."""
    return PlaceShape.of(show_place(kind_named(kind), namespace))


@access(PERMISSION, "UPDATE")
def list_types(request: Request, namespace: str, kind: str) -> list[BackendType]:
    """What may be chosen, each with the JSON schema of its form."""
    return backend_types(kind_named(kind))


@access(PERMISSION, "UPDATE")
def copy_former(request: Request, namespace: str, kind: str) -> TransferShape:
    """Copy what lies in the backend before the last change into the one that holds now; nothing is deleted.

    Needs the right to read what is copied. 409 when there is nothing to copy or a copy is under way.
    """
    known = kind_named(kind)
    check_may_copy(current_user(request), known, namespace)
    return TransferShape.of(start_transfer(acting_user=current_user(request), kind=known, namespace=namespace))


@access(PERMISSION, "UPDATE")
def cancel_copy(request: Request, namespace: str, kind: str) -> TransferShape:
    """What was copied stays."""
    row = cancel_transfer(acting_user=current_user(request), kind=kind_named(kind), namespace=namespace)
    return TransferShape.of(row)


@super_admin
def show_tenant_backend(request: Request, tenant_id: str, kind: str) -> PlaceShape:
    """As of a namespace."""
    with tenant_scope(get_tenant(tenant_id).pk):
        return PlaceShape.of(show_place(kind_named(kind), WHOLE_TENANT))


@super_admin
def copy_tenants_former(request: Request, tenant_id: str, kind: str) -> TransferShape:
    """As of a namespace."""
    user = current_user(request)
    with tenant_scope(get_tenant(tenant_id).pk):
        return TransferShape.of(start_transfer(acting_user=user, kind=kind_named(kind), namespace=WHOLE_TENANT))


@super_admin
def cancel_tenants_copy(request: Request, tenant_id: str, kind: str) -> TransferShape:
    """As of a namespace."""
    user = current_user(request)
    with tenant_scope(get_tenant(tenant_id).pk):
        return TransferShape.of(cancel_transfer(acting_user=user, kind=kind_named(kind), namespace=WHOLE_TENANT))


def kind_named(text: str) -> Kind:
    """NotFound for another word."""
    try:
        return Kind(text)
    except ValueError as error:
        raise NotFound(f"There is 'storage' and 'secret', but no '{text[:60]}'.") from error
