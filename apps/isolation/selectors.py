"""Which backend holds for a namespace: its own, else that of the nearest parent, else the tenant's, else none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.conf import settings

from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden
from apps.common.namespace_paths import lineage, parents
from apps.encryption.services import EncryptionError, decrypt
from apps.isolation.catalog import (
    BackendMisconfigured,
    Kind,
    backend_class,
    backend_entries,
    make_backend,
    plain,
    read_configuration,
)
from apps.isolation.models import WHOLE_TENANT, BackendChoice, FormerChoice

KEPT_BACKENDS: Final = 200
"""Backends kept in a process, with their connections; the least used makes room."""


_met: ContextVar[list[BackendDenied] | None] = ContextVar("denied", default=None)


@contextmanager
def denials() -> Iterator[list[BackendDenied]]:
    """What this process was refused inside: an expression's own errors hide it from whoever renders."""
    met: list[BackendDenied] = []
    token = _met.set(met)
    try:
        yield met
    finally:
        _met.reset(token)


class BackendDenied(Forbidden):
    """The kind of process that was asked may not touch dedicated backends; workers may."""

    def __init__(self, kind: Kind, place: str) -> None:
        what = "files" if kind is Kind.STORAGE else "secrets"
        super().__init__(
            f"The {what} of {place} lie in a backend of its own, which only workers may reach: use them in a flow."
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice as it was read: with its clear configuration, or with what kept it from being read."""

    namespace: str
    type: str
    version: str
    configuration: str
    error: EncryptionError | None = None


class Choices:
    """All choices of one kind in the open tenant, as of one moment; later usable without a connection."""

    def __init__(self, kind: Kind, tenant_id: str, chosen: Mapping[str, Chosen]) -> None:
        self.kind = kind
        self.tenant_id = tenant_id
        self._chosen = chosen

    def deciding(self, namespace: str) -> Chosen | None:
        """The choice that holds for a namespace (its `namespace` says whose it is); None: the instance's own."""
        for place in (*lineage(namespace), WHOLE_TENANT):
            if place in self._chosen:
                return self._chosen[place]
        return None

    def backend(self, namespace: str) -> Any | None:
        """The dedicated backend; None when the instance's own holds. BackendDenied, BackendMisconfigured."""
        return self.opened(self.deciding(namespace))

    def around(self, place: str) -> Chosen | None:
        """The choice that would hold for a place (WHOLE_TENANT too) without its own; None: the instance's own."""
        for above in (*parents(place), WHOLE_TENANT) if place else ():
            if above in self._chosen:
                return self._chosen[above]
        return None

    def opened(self, found: Chosen | None) -> Any | None:
        """The backend of a choice; None for none. BackendDenied, BackendMisconfigured."""
        if found is None:
            return None
        if is_denied(self.kind):
            error = BackendDenied(self.kind, f"namespace {found.namespace}" if found.namespace else "this tenant")
            if (met := _met.get()) is not None:
                met.append(error)
            raise error
        if found.error is not None:
            raise found.error
        return _made(self.tenant_id, self.kind, found.version, found.type, found.configuration)

    def spots(self) -> list[str]:
        """The namespaces with a choice of their own, the whole tenant as an empty text."""
        return sorted(self._chosen)


def read_choices(kind: Kind) -> Choices:
    """One query."""
    tenant_id = require_tenant("The choice of backends")
    return Choices(kind, tenant_id, {row.namespace: _clear(row) for row in BackendChoice.objects.filter(kind=kind)})


@dataclass(frozen=True, slots=True)
class Resolved:
    """What holds for a place, and who says so: a namespace, `tenant` or `instance`."""

    source: str
    type: str


def resolve(kind: Kind, namespace: str) -> Resolved:
    """For a namespace, or WHOLE_TENANT. One query."""
    found = read_choices(kind).deciding(namespace)
    if found is None:
        types = {Kind.STORAGE: settings.KESTRA_STORAGE_TYPE, Kind.SECRET: settings.KESTRA_SECRET_TYPE}
        return Resolved("instance", types[kind])
    return Resolved(found.namespace or "tenant", found.type)


def former_choice(kind: Kind, namespace: str) -> Chosen | None:
    """Where a place's things lay before its last change (an empty `type`: in what was around it); None: no change."""
    row = FormerChoice.objects.filter(kind=kind, namespace=namespace).first()
    if row is None:
        return None
    return _clear(row) if row.type else Chosen(namespace, "", row.version, "")


def is_denied(kind: Kind) -> bool:
    """Whether this process may not touch dedicated backends."""
    return settings.PROCESS in settings.KESTRA_ISOLATION_DENIED[kind.value]


@dataclass(frozen=True, slots=True)
class BackendType:
    """A type that can be chosen, and the JSON schema of its form; or why it cannot."""

    type: str
    available: bool
    reason: str | None = None
    json_schema: dict[str, Any] | None = None


def backend_types(kind: Kind) -> list[BackendType]:
    """All types; those whose library is absent say so."""
    answer = []
    for name in sorted(backend_entries(kind)):
        try:
            schema = backend_class(kind, name).config_class.model_json_schema(by_alias=True)
        except BackendMisconfigured as error:
            answer.append(BackendType(name, available=False, reason=error.message))
        else:
            answer.append(BackendType(name, available=True, json_schema=schema))
    return answer


@dataclass(frozen=True, slots=True)
class ShownChoice:
    """A choice as it is shown: credentials hidden."""

    type: str
    configuration: dict[str, Any]


def show_choice(kind: Kind, namespace: str) -> ShownChoice | None:
    """That of this very place; None when it has none. A configuration that no longer fits is shown empty."""
    row = BackendChoice.objects.filter(kind=kind, namespace=namespace).first()
    if row is None:
        return None
    stored = json.loads(decrypt(row.configuration))
    return ShownChoice(row.type, plain(read_configuration(kind, row.type, stored), reveal=False))


def _clear(row: BackendChoice | FormerChoice) -> Chosen:
    try:
        return Chosen(row.namespace, row.type, row.version, decrypt(row.configuration))
    except EncryptionError as error:
        # Only those whose backend this is must fail, not the whole tenant.
        return Chosen(row.namespace, row.type, row.version, "", error)


@lru_cache(maxsize=KEPT_BACKENDS)
def _made(tenant_id: str, kind: Kind, version: str, type_name: str, configuration: str) -> Any:
    return make_backend(kind, type_name, json.loads(configuration))
