"""Abstract rows, the short id's column, and the manager that refuses to work without a tenant."""

from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.ids import BadId, from_uuid, new_id, to_uuid

Row = TypeVar("Row", bound=models.Model, covariant=True)

Set = TypeVar("Set", contravariant=True)
Get = TypeVar("Get", covariant=True)


class ShortIdField(models.Field[Set, Get]):
    """A uuid in PostgreSQL, its 22 characters in Python. A text that is no id raises BadId, also in a filter."""

    _pyi_private_set_type: str | UUID
    _pyi_private_get_type: str

    description = "An id of 22 letters and digits"

    def get_internal_type(self) -> str:
        return "UUIDField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "uuid"

    def from_db_value(self, value: UUID | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        return None if value is None else from_uuid(value)

    def to_python(self, value: Any) -> Any:
        if value is None or value == "":
            return None
        try:
            return from_uuid(value) if isinstance(value, UUID) else from_uuid(to_uuid(str(value)))
        except BadId as error:
            raise ValidationError(str(error), code="invalid") from error

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value if value is None or isinstance(value, UUID) else to_uuid(value)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        return value if prepared else self.get_prep_value(value)


def short_id_key() -> "ShortIdField[str, str]":
    """The primary key most rows have: a short id, made when the object is made."""
    return ShortIdField(primary_key=True, default=new_id, editable=False)


class ScopedManager(models.Manager[Row]):
    """For tables that lie in a tenant's schema. Raises NoTenantOpen when none is open.

    `ScopedManager.from_queryset(MyQuerySet)` keeps the guard.
    """

    use_in_migrations = False

    def get_queryset(self) -> models.QuerySet[Row]:
        require_tenant(self.model.__name__)
        return super().get_queryset()


class TenantRow(models.Model):
    """A row of a table in each tenant's schema."""

    objects = ScopedManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class TimestampedRow(models.Model):
    """Knows when it was made and changed. `updated` follows `save`, not bulk updates."""

    created = models.DateTimeField(default=now, editable=False)
    updated = models.DateTimeField(default=now, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.updated = now()
        fields = kwargs.get("update_fields")
        if fields is not None:
            kwargs["update_fields"] = {*fields, "updated"}
        super().save(*args, **kwargs)
