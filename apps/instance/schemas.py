"""Tenants as the API shows and takes them."""

from typing import Self

from apps.common.json_values import Shape
from apps.tenants.models import Tenant


class TenantBody(Shape):
    """A new tenant, or its new state; the id never changes."""

    id: str
    name: str | None = None


class TenantShape(Shape):
    id: str
    name: str
    deleted: bool = False

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        return cls(id=tenant.pk, name=tenant.name)
