"""Tenants and worker groups for super admins; health for those who watch the process."""

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access, public, super_admin
from apps.common.api import read_body
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, NotFound, ProductError
from apps.common.pagination import Page, paginate, read_page
from apps.instance import selectors
from apps.instance.schemas import (
    ActiveService,
    ActiveServices,
    ServiceShape,
    TenantBody,
    TenantShape,
    WorkerGroupBody,
    WorkerGroupDetails,
    WorkerGroupList,
    WorkerGroupShape,
)
from apps.instance.selectors import database_answers, search_tenants
from apps.instance.services import worker_groups
from apps.instance.services.deletion import mark_deleted
from apps.instance.services.tenant_settings import LOGO_BYTES, delete_logo, save_logo, update_tenant
from apps.instance.services.tenants import choose_tenant_backends, create_tenant, delete_tenant
from apps.isolation.catalog import Kind
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.schemas import ConnectionBody
from apps.isolation.selectors import BackendType, backend_types
from apps.isolation.services import check_connection
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant


@super_admin
def post_tenant(request: Request) -> TenantShape:
    """Makes the tenant with its schema; with backends of its own when the body names them."""
    body = read_body(request, TenantBody)
    tenant = create_tenant(acting_user=current_user(request), tenant_id=body.id, name=body.name or "")
    try:
        choose_tenant_backends(acting_user=current_user(request), tenant=tenant, body=body)
        update_tenant(acting_user=current_user(request), tenant=tenant, **body.settings())
    except ProductError:
        # A tenant that would write elsewhere than it was asked for must not be left.
        delete_tenant(acting_user=current_user(request), tenant=tenant)
        raise
    return TenantShape.with_backends(tenant)


@super_admin
def list_tenants(request: Request) -> Page[TenantShape]:
    page = paginate(
        search_tenants(request.query_params.get("q", "")),
        read_page(request.query_params, sortable={"id": "id", "name": "name"}),
    )
    return Page([TenantShape.of(tenant) for tenant in page.results], page.total)


@super_admin
def show_tenant(request: Request, tenant_id: str) -> TenantShape:
    """With its backends, credentials hidden."""
    return TenantShape.with_backends(get_tenant(tenant_id))


@super_admin
def put_tenant(request: Request, tenant_id: str) -> TenantShape:
    """`storageType`, `secretType`: left out they stay, null takes the choice back. No file or secret is moved."""
    body = read_body(request, TenantBody)
    if body.id != tenant_id:
        raise IllegalArgument(f"The id of a tenant never changes: '{tenant_id}' cannot become '{body.id[:60]}'.")
    tenant = get_tenant(tenant_id)
    choose_tenant_backends(acting_user=current_user(request), tenant=tenant, body=body)
    return TenantShape.with_backends(update_tenant(acting_user=current_user(request), tenant=tenant, **body.settings()))


@super_admin
def list_backend_types(request: Request, kind: str) -> list[BackendType]:
    """What may be chosen as `storage` or `secret` backend, each with the JSON schema of its form."""
    return backend_types(_kind(kind))


@super_admin
def test_tenant_connection(request: Request, tenant_id: str, kind: str) -> None:
    """A real write, read and delete; nothing is saved. 422 tells what failed."""
    body = read_body(request, ConnectionBody)
    with tenant_scope(get_tenant(tenant_id).pk):
        check_connection(
            acting_user=current_user(request),
            kind=_kind(kind),
            namespace=WHOLE_TENANT,
            type_name=body.type,
            configuration=body.configuration,
        )


@super_admin
def remove_tenant(request: Request, tenant_id: str) -> None:
    """With everything in it: closed at once, taken away in the background."""
    mark_deleted(acting_user=current_user(request), tenant=get_tenant(tenant_id))


@super_admin
def post_logo(request: Request, tenant_id: str) -> TenantShape:
    """multipart: `logo` (or any one file), a PNG, JPEG or WebP of at most 256 KB."""
    tenant = get_tenant(tenant_id)
    uploaded = next(iter(request.FILES.values()), None)
    if uploaded is None:
        raise IllegalArgument("Send the picture as multipart/form-data, in the part `logo`.")
    save_logo(acting_user=current_user(request), tenant=tenant, content=uploaded.read(LOGO_BYTES + 1))
    return TenantShape.with_backends(tenant)


@super_admin
def remove_logo(request: Request, tenant_id: str) -> None:
    """The tenant shows its first letter again."""
    delete_logo(acting_user=current_user(request), tenant=get_tenant(tenant_id))


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError as error:
        raise NotFound(f"There is 'storage' and 'secret', but no '{text[:60]}'.") from error


@public
def ping(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("pong", content_type="text/plain")


@public
def health(request: HttpRequest) -> JsonResponse:
    """The process answers and so does its database; 503 when not."""
    try:
        database_answers()
    except DatabaseError as error:
        return JsonResponse({"status": "DOWN", "database": type(error).__name__}, status=503)
    return JsonResponse({"status": "UP"})


@super_admin
def list_worker_groups(request: Request) -> WorkerGroupList:
    """All of them by key, each with how many workers serve it now."""
    active = selectors.active_workers()
    return WorkerGroupList(
        worker_groups=[WorkerGroupShape.of(group, active[group.key]) for group in selectors.list_worker_groups()]
    )


@super_admin
def post_worker_group(request: Request) -> WorkerGroupShape:
    """A group that flows may name."""
    given = read_body(request, WorkerGroupBody)
    made = worker_groups.create_worker_group(
        acting_user=current_user(request),
        key=given.key,
        description=given.description or "",
        allowed_tenants=given.allowed_tenants or (),
    )
    return WorkerGroupShape.of(made, selectors.active_workers()[made.key])


@super_admin
def show_worker_group(request: Request, group_id: str) -> WorkerGroupDetails:
    """With the processes that serve it."""
    group = selectors.get_worker_group(group_id)
    return WorkerGroupDetails.with_workers(group, selectors.workers_of(group.key))


@super_admin
def put_worker_group(request: Request, group_id: str) -> WorkerGroupShape:
    """Its description and tenants; the key never changes."""
    given = read_body(request, WorkerGroupBody)
    changed = worker_groups.update_worker_group(
        acting_user=current_user(request),
        group=selectors.get_worker_group(group_id),
        key=given.key,
        description=given.description or "",
        allowed_tenants=given.allowed_tenants or (),
    )
    return WorkerGroupShape.of(changed, selectors.active_workers()[changed.key])


@super_admin
def remove_worker_group(request: Request, group_id: str) -> None:
    """Flows that name it stay as they are."""
    worker_groups.delete_worker_group(acting_user=current_user(request), group=selectors.get_worker_group(group_id))


# Processes: below a tenant for those with the permission INFRASTRUCTURE, without one for super admins. A process serves
# all tenants, so both see the same.


@access("INFRASTRUCTURE", "READ", everywhere=True)
def list_active_services(request: Request) -> ActiveServices:
    """How many processes of each type run."""
    return _active()


@access("INFRASTRUCTURE", "READ", everywhere=True)
def search_cluster(request: Request) -> Page[ServiceShape]:
    """Processes, also those that ended lately; `type` and `state` may be repeated, `q` is a part of the host's name."""
    return _found(request)


@access("INFRASTRUCTURE", "READ", everywhere=True)
def show_cluster_service(request: Request, service_id: str) -> ServiceShape:
    """One process."""
    return ServiceShape.of(selectors.get_service(service_id))


@access("INFRASTRUCTURE", "READ", everywhere=True)
def list_usable_groups(request: Request) -> WorkerGroupList:
    """The worker groups that the tenant may use; super admins announce them without a tenant in the path."""
    active = selectors.active_workers()
    usable = selectors.usable_groups(require_tenant())
    return WorkerGroupList(worker_groups=[WorkerGroupShape.of(group, active[group.key]) for group in usable])


@super_admin
def list_all_active_services(request: Request) -> ActiveServices:
    """How many processes of each type run."""
    return _active()


@super_admin
def search_services(request: Request) -> Page[ServiceShape]:
    """Processes, also those that ended lately; `type` and `state` may be repeated, `q` is a part of the host's name."""
    return _found(request)


@super_admin
def show_service(request: Request, service_id: str) -> ServiceShape:
    """One process."""
    return ServiceShape.of(selectors.get_service(service_id))


def _active() -> ActiveServices:
    counted = selectors.count_running_services()
    return ActiveServices(
        total=counted.total(), services=[ActiveService(type=kind, total=counted[kind]) for kind in sorted(counted)]
    )


def _found(request: Request) -> Page[ServiceShape]:
    query = request.query_params
    sortable = {"type": "kind", "state": "state", "createdAt": "started", "updatedAt": "heartbeat"}
    page = paginate(
        selectors.search_services(query.getlist("type"), query.getlist("state"), query.get("q", "")),
        read_page(query, sortable=sortable, default=("-started", "pk")),
    )
    return Page([ServiceShape.of(one) for one in page.results], page.total)
