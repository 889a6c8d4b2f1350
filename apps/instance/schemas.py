"""Tenants and worker groups as the API shows and takes them."""

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from apps.common.json_values import Shape
from apps.instance.models import ServiceInstance, WorkerGroup
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.schemas import IsolationFields, isolation_of
from apps.tenants.models import Tenant, TenantLogo
from apps.tenants.scope import tenant_scope


class EnvironmentShape(Shape):
    """What the stripe on top of each page says, and its colour (#rrggbb)."""

    name: str | None = None
    color: str | None = None


class TenantBody(IsolationFields):
    """A new tenant, or its new state; the id never changes. What is left out stays, null takes it back."""

    id: str
    name: str | None = None
    worker_group: dict[str, Any] | None = None
    environment: EnvironmentShape | None = None
    quotas: dict[str, Any] | None = None
    retention: dict[str, Any] | None = None
    mfa_required: bool | None = None
    require_existing_namespace: bool | None = None

    def settings(self) -> dict[str, Any]:
        """What `update_tenant` takes: only what the body names."""
        given = self.model_fields_set
        found: dict[str, Any] = {}
        if self.name:
            found["name"] = self.name
        if "worker_group" in given:
            found["worker_group"] = self.worker_group
        if "environment" in given:
            chosen = self.environment or EnvironmentShape()
            found |= {"environment_name": chosen.name or "", "environment_color": chosen.color or ""}
        found |= {name: getattr(self, name) or {} for name in ("quotas", "retention") if name in given}
        for name in ("mfa_required", "require_existing_namespace"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        return found


class TenantShape(IsolationFields):
    """Within a list without its backends and picture. `logo` is base64."""

    id: str
    name: str
    logo: str | None = None
    worker_group: dict[str, Any] | None = None
    environment: EnvironmentShape | None = None
    quotas: dict[str, int] | None = None
    retention: dict[str, int] | None = None
    mfa_required: bool | None = None
    require_existing_namespace: bool | None = None
    deleted: bool = False

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        return cls(**_own(tenant))

    @classmethod
    def with_backends(cls, tenant: Tenant) -> Self:
        """Credentials hidden."""
        with tenant_scope(tenant.pk):
            backends = isolation_of(WHOLE_TENANT)
        return cls(**_own(tenant), logo=logo_text(tenant), **backends)


def logo_text(tenant: Tenant) -> str | None:
    """One query when there is one."""
    if not tenant.logo:
        return None
    return base64.b64encode(bytes(TenantLogo.objects.get(pk=tenant.pk).content)).decode()


def _own(tenant: Tenant) -> dict[str, Any]:
    named = tenant.environment_name or tenant.environment_color
    return {
        "id": tenant.pk,
        "name": tenant.name,
        "worker_group": tenant.worker_group,
        "environment": EnvironmentShape(name=tenant.environment_name or None, color=tenant.environment_color or None)
        if named
        else None,
        "quotas": tenant.quotas or None,
        "retention": tenant.retention or None,
        "mfa_required": tenant.mfa_required or None,
        "require_existing_namespace": tenant.require_existing_namespace or None,
    }


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


class ServerShape(Shape):
    """Where a process runs."""

    hostname: str
    version: str
    pid: int


class ServiceShape(Shape):
    """A process of the installation. `updatedAt` is its last sign of life."""

    id: str
    type: str
    state: str
    server: ServerShape
    created_at: datetime
    updated_at: datetime
    worker_groups: list[str]

    @classmethod
    def of(cls, one: ServiceInstance) -> Self:
        return cls(
            id=one.pk,
            type=one.kind,
            state=one.state,
            server=ServerShape(hostname=one.host, version=one.version, pid=one.pid),
            created_at=one.started,
            updated_at=one.heartbeat,
            worker_groups=[key for key in one.worker_group.split(",") if key],
        )


class ActiveService(Shape):
    """How many processes of a type run."""

    type: str
    total: int


class ActiveServices(Shape):
    total: int
    services: list[ActiveService]
