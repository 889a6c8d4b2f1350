"""Tenants and worker groups as the API shows and takes them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from apps.common.json_values import Shape
from apps.instance.models import ServiceInstance, WorkerGroup
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.schemas import IsolationFields, isolation_of
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope


class TenantBody(IsolationFields):
    """A new tenant, or its new state; the id never changes."""

    id: str
    name: str | None = None


class TenantShape(IsolationFields):
    """Within a list without its backends."""

    id: str
    name: str
    deleted: bool = False

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        return cls(id=tenant.pk, name=tenant.name)

    @classmethod
    def with_backends(cls, tenant: Tenant) -> Self:
        """Credentials hidden."""
        with tenant_scope(tenant.pk):
            return cls(id=tenant.pk, name=tenant.name, **isolation_of(WHOLE_TENANT))


class WorkerGroupBody(Shape):
    """A new worker group, or its new state. No tenants: all may use it."""

    key: str
    description: str | None = None
    allowed_tenants: list[str] | None = None


class WorkerShape(Shape):
    """A process that serves a group."""

    id: str
    type: str
    state: str
    hostname: str
    version: str
    started: datetime
    heartbeat: datetime


class WorkerGroupShape(Shape):
    id: str
    key: str
    description: str
    allowed_tenants: list[str]
    active_workers: int

    @classmethod
    def of(cls, group: WorkerGroup, active: int) -> Self:
        return cls(
            id=group.pk,
            key=group.key,
            description=group.description,
            allowed_tenants=group.allowed_tenants,
            active_workers=active,
        )


class WorkerGroupDetails(WorkerGroupShape):
    """With the processes that serve it now."""

    workers: list[WorkerShape]

    @classmethod
    def with_workers(cls, group: WorkerGroup, workers: Iterable[ServiceInstance]) -> Self:
        shown = [
            WorkerShape(
                id=one.pk,
                type=one.kind,
                state=one.state,
                hostname=one.host,
                version=one.version,
                started=one.started,
                heartbeat=one.heartbeat,
            )
            for one in workers
        ]
        return cls(**WorkerGroupShape.of(group, len(shown)).model_dump(), workers=shown)


class WorkerGroupList(Shape):
    worker_groups: list[WorkerGroupShape]
