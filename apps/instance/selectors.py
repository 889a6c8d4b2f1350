"""Reads of the installation."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet

from apps.common.errors import NotFound
from apps.common.ids import is_id
from apps.instance.models import ServiceInstance, WorkerGroup
from apps.tenants.models import Tenant

DEFAULT_GROUP: Final = "default"
"""The group of workers and tasks that name none; it is no row."""


def search_tenants(query: str = "") -> QuerySet[Tenant]:
    found = Tenant.objects.filter(deleted_at=None)
    for word in query.split():
        found = found.filter(Q(pk__icontains=word) | Q(name__icontains=word))
    return found


def database_answers() -> bool:
    """One query. Raises the driver's error when the database is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() is not None


def list_worker_groups() -> Sequence[WorkerGroup]:
    return list(WorkerGroup.objects.order_by("key"))


def get_worker_group(group_id: str) -> WorkerGroup:
    """Raises NotFound."""
    found = WorkerGroup.objects.filter(pk=group_id).first() if is_id(group_id) else None
    if found is None:
        raise NotFound(f"There is no worker group '{group_id[:64]}'.")
    return found


def search_services(
    types: Sequence[str] = (), states: Sequence[str] = (), query: str = ""
) -> QuerySet[ServiceInstance]:
    """Processes of the installation, also those that ended some time ago; `query` is a part of a host's name."""
    found = ServiceInstance.objects.all()
    if types:
        found = found.filter(kind__in=types)
    if states:
        found = found.filter(state__in=states)
    return found.filter(host__icontains=query) if query else found


def count_running_services() -> Counter[str]:
    """How many processes of each type run. One query."""
    return Counter(ServiceInstance.objects.filter(state="RUNNING").values_list("kind", flat=True))


def get_service(service_id: str) -> ServiceInstance:
    """Raises NotFound."""
    found = ServiceInstance.objects.filter(pk=service_id).first() if is_id(service_id) else None
    if found is None:
        raise NotFound(f"There is no process '{service_id[:64]}'.")
    return found


def usable_groups(tenant_id: str) -> Sequence[WorkerGroup]:
    """The groups that a tenant may use, by key."""
    return [one for one in list_worker_groups() if not one.allowed_tenants or tenant_id in one.allowed_tenants]


def may_use_group(key: str, tenant_id: str) -> bool:
    """Whether a tenant may use a group; any at all while none was announced."""
    groups = {group.key: group.allowed_tenants for group in list_worker_groups()}
    return not groups or (key in groups and (not groups[key] or tenant_id in groups[key]))


def active_workers() -> Counter[str]:
    """How many running processes serve each group. One query."""
    return Counter(group for one in _running_workers() for group in one.worker_group.split(","))


def workers_of(key: str) -> list[ServiceInstance]:
    """The running processes that serve a group, the oldest first."""
    return [one for one in _running_workers() if key in one.worker_group.split(",")]


def _running_workers() -> QuerySet[ServiceInstance]:
    return ServiceInstance.objects.filter(kind="WORKER", state="RUNNING").order_by("started")
