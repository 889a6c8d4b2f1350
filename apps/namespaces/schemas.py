"""Namespaces, their KV pairs and files as the API shows and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from apps.common.json_values import Shape
from apps.isolation.schemas import IsolationFields, isolation_of
from apps.namespaces.models import KeyValue, Namespace
from apps.namespaces.services import NamespaceSettings
from apps.storage.internal_storage import FileAttributes


class KvEntry(Shape):
    """A pair without its value."""

    namespace: str
    key: str
    type: str
    size: int
    description: str | None = None
    creation_date: datetime
    update_date: datetime
    expiration_date: datetime | None = None

    @classmethod
    def of(cls, row: KeyValue) -> Self:
        return cls(
            namespace=row.namespace,
            key=row.key,
            type=row.type,
            size=row.size,
            description=row.description or None,
            creation_date=row.created,
            update_date=row.updated,
            expiration_date=row.expires,
        )


class KvKeys(Shape):
    """Keys to delete, and in the answer those that were deleted."""

    keys: Annotated[list[str], Field(max_length=10_000)]


class AllowedNamespace(Shape):
    """A namespace that may use this one."""

    namespace: str


class PluginDefaultBody(Shape):
    """Values for the properties of all plugins of a type."""

    type: str
    forced: bool = False
    values: dict[str, Any]


class NamespaceBody(IsolationFields):
    """The settings of a namespace, all of them."""

    id: str
    description: str | None = None
    variables: dict[str, Any] | None = None
    plugin_defaults: list[PluginDefaultBody] | None = None
    allowed_namespaces: list[AllowedNamespace] | None = None
    worker_group: dict[str, Any] | None = None

    def settings(self) -> NamespaceSettings:
        """As the service takes them."""
        allowed = self.allowed_namespaces
        return NamespaceSettings(
            description=self.description or "",
            variables=self.variables or {},
            plugin_defaults=[entry.model_dump() for entry in self.plugin_defaults or ()],
            allowed_namespaces=None if allowed is None else [entry.namespace for entry in allowed],
            worker_group=self.worker_group,
        )


class NamespaceShape(NamespaceBody):
    """A namespace that was created; credentials of its backends hidden."""

    deleted: bool = False

    @classmethod
    def of(cls, row: Namespace) -> Self:
        allowed = row.allowed_namespaces
        return cls(
            id=row.pk,
            description=row.description or None,
            variables=row.variables or None,
            plugin_defaults=[PluginDefaultBody.model_validate(entry) for entry in row.plugin_defaults] or None,
            allowed_namespaces=None if allowed is None else [AllowedNamespace(namespace=name) for name in allowed],
            worker_group=row.worker_group,
            **isolation_of(row.pk),
        )


class InheritedDefault(PluginDefaultBody):
    """With the namespace that gives it."""

    namespace: str


class FileEntry(Shape):
    """A file or folder; times in milliseconds."""

    type: str
    file_name: str
    size: int
    last_modified_time: int
    creation_time: int

    @classmethod
    def of(cls, found: FileAttributes) -> Self:
        return cls(
            type=found.kind.value,
            file_name=found.name,
            size=found.size,
            last_modified_time=int(found.modified.timestamp() * 1000),
            creation_time=int(found.created.timestamp() * 1000),
        )
