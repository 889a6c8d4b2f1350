"""Writes of secrets, and lists of their keys. A value goes in and is never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apps.audit.services import Actor, record
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, NotFound
from apps.common.namespace_paths import is_namespace, parents
from apps.isolation.catalog import Kind
from apps.isolation.selectors import read_choices
from apps.secrets.backends.base import SecretBackend
from apps.secrets.catalog import Place, SecretMeta, check_key, check_value
from apps.secrets.services.lookup import backend_of, secret_cache

AUDIT_RESOURCE: Final = "Secret"


def list_secrets(namespace: str) -> list[SecretMeta]:
    """Those of this very namespace, by key, without values. SecretBackendFailed, BackendDenied."""
    backend, place = _at(namespace)
    return backend.list(place)


def is_read_only(namespace: str) -> bool:
    """Whether the namespace's secrets are managed elsewhere. BackendDenied."""
    return _at(namespace)[0].read_only


def list_inherited_secrets(namespace: str) -> dict[str, list[str]]:
    """Parent → its keys, nearest first; parents without secrets are left out."""
    found = {parent: [meta.key for meta in list_secrets(parent)] for parent in parents(namespace)}
    return {parent: keys for parent, keys in found.items() if keys}


def save_secret(
    *,
    acting_user: Actor | None,
    namespace: str,
    key: str,
    value: str,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> bool:
    """Create or replace; True when it is new. Audited without the value. SecretsReadOnly, IllegalArgument."""
    check_key(key)
    check_value(value)
    backend, place = _at(namespace)
    is_new = backend.write(place, key, value, description=description, tags=tags or {})
    secret_cache.forget(place.tenant_id)
    _record(acting_user, "CREATE" if is_new else "UPDATE", namespace, key)
    return is_new


def describe_secret(
    *, acting_user: Actor | None, namespace: str, key: str, description: str, tags: Mapping[str, str]
) -> None:
    """Change description and tags alone. NotFound."""
    check_key(key)
    backend, place = _at(namespace)
    if not backend.describe(place, key, description=description, tags=tags):
        raise _not_found(namespace, key)
    _record(acting_user, "UPDATE", namespace, key)


def delete_secret(*, acting_user: Actor | None, namespace: str, key: str) -> None:
    """Without a way back. NotFound."""
    check_key(key)
    backend, place = _at(namespace)
    if not backend.delete(place, key):
        raise _not_found(namespace, key)
    secret_cache.forget(place.tenant_id)
    _record(acting_user, "DELETE", namespace, key)


def _at(namespace: str) -> tuple[SecretBackend, Place]:
    if not is_namespace(namespace):
        raise IllegalArgument(f"'{namespace[:200]}' is no namespace.")
    return backend_of(read_choices(Kind.SECRET), namespace), Place(require_tenant("Secrets"), namespace)


def _not_found(namespace: str, key: str) -> NotFound:
    return NotFound(f"There is no secret '{key}' in the namespace '{namespace}'.")


def _record(acting_user: Actor | None, action: str, namespace: str, key: str) -> None:
    record(
        acting_user=acting_user,
        action=action,
        resource=AUDIT_RESOURCE,
        detail={"namespace": namespace, "key": key},
        permission="SECRET",
    )
