"""Secrets of a namespace."""

from __future__ import annotations

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.api import read_body
from apps.secrets.schemas import SecretChange, SecretEntry, SecretValue
from apps.secrets.services import (
    delete_secret,
    describe_secret,
    list_inherited_secrets,
    list_secrets,
    save_secret,
)


@access("SECRET", "READ")
def list_namespace_secrets(request: Request, namespace: str) -> list[SecretEntry]:
    """Keys, descriptions and tags; never values."""
    return _listed(namespace)


@access("SECRET", "UPDATE")
def put_secret(request: Request, namespace: str) -> list[SecretEntry]:
    """Create or replace a secret; answers all of the namespace. 409 where they are managed elsewhere."""
    body = read_body(request, SecretValue)
    save_secret(
        acting_user=current_user(request),
        namespace=namespace,
        key=body.key,
        value=body.value.get_secret_value(),
        description=body.description or "",
        tags=body.tag_map,
    )
    return _listed(namespace)


@access("SECRET", "UPDATE")
def patch_secret(request: Request, namespace: str, key: str) -> list[SecretEntry]:
    """Description and tags; the value stays."""
    body = read_body(request, SecretChange)
    describe_secret(
        acting_user=current_user(request),
        namespace=namespace,
        key=key,
        description=body.description or "",
        tags=body.tag_map,
    )
    return _listed(namespace)


@access("SECRET", "DELETE")
def remove_secret(request: Request, namespace: str, key: str) -> list[str]:
    """Answers the keys that are left."""
    delete_secret(acting_user=current_user(request), namespace=namespace, key=key)
    return [meta.key for meta in list_secrets(namespace)]


@access("SECRET", "READ")
def show_inherited_secrets(request: Request, namespace: str) -> dict[str, list[str]]:
    """Parent → the keys it gives to this namespace, nearest first."""
    return list_inherited_secrets(namespace)


def _listed(namespace: str) -> list[SecretEntry]:
    return [SecretEntry.of(meta) for meta in list_secrets(namespace)]
