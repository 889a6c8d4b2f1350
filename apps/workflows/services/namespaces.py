"""Deleting a namespace with what it holds: settings, KV pairs, secrets, files, choices of backends."""

from __future__ import annotations

from apps.audit.services import Actor
from apps.common.errors import IllegalState
from apps.isolation.catalog import Kind
from apps.isolation.services import clear_choice
from apps.namespaces.selectors import get_namespace
from apps.namespaces.services import NamespaceFiles, delete_namespace_kv, delete_namespace_row
from apps.secrets.backends.base import SecretsReadOnly
from apps.secrets.services import delete_secret, list_secrets
from apps.workflows.selectors.namespaces import count_flows_within


def delete_namespace(*, acting_user: Actor | None, namespace: str) -> None:
    """Everything of this very namespace; what lies below it stays. May be repeated after a failure.

    NotFound when it was not created; IllegalState, with the counts, while it or one below it has flows. Secrets that
    are managed elsewhere stay where they are.
    """
    get_namespace(namespace)
    counts = count_flows_within(namespace)
    if counts:
        told = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items())[:10])
        raise IllegalState(f"The namespace '{namespace}' still has flows ({told}): delete or move them first.")
    # Bytes and secrets before the choice of their backends: afterwards they would be out of reach.
    for meta in list_secrets(namespace):
        try:
            delete_secret(acting_user=acting_user, namespace=namespace, key=meta.key)
        except SecretsReadOnly:
            break
    delete_namespace_kv(namespace=namespace)
    NamespaceFiles(namespace).delete_all()
    for kind in Kind:
        clear_choice(acting_user=acting_user, kind=kind, namespace=namespace)
    delete_namespace_row(acting_user=acting_user, namespace=namespace)
