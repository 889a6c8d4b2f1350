"""Create, change and delete namespaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction

from apps.audit.services import Actor, record
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, IllegalState, Invalid, Problem
from apps.common.namespace_paths import is_namespace
from apps.instance.services.worker_groups import read_default_group
from apps.namespaces.models import Namespace
from apps.namespaces.selectors import get_namespace, inherited_cache

AUDIT_RESOURCE: Final = "Namespace"


@dataclass(frozen=True, slots=True)
class NamespaceSettings:
    """What a namespace is told; see the model for what None and empty mean."""

    description: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    plugin_defaults: Sequence[Mapping[str, Any]] = ()
    allowed_namespaces: Sequence[str] | None = None
    worker_group: Mapping[str, Any] | None = None


def create_namespace(*, acting_user: Actor | None, namespace: str, settings: NamespaceSettings) -> Namespace:
    """Settings for a namespace that has none; flows may use it already. IllegalState when it was created before."""
    if not is_namespace(namespace):
        raise IllegalArgument(f"'{namespace[:200]}' is no namespace: lower-case letters, digits, '.', '_' and '-'.")
    row = Namespace(pk=namespace, **_checked(settings))
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise IllegalState(f"There is already a namespace '{namespace}'.") from error
        _record(acting_user, "CREATE", namespace, None, _values(row))
    _forget_after_commit()
    return row


def update_namespace(*, acting_user: Actor | None, namespace: str, settings: NamespaceSettings) -> Namespace:
    """Its new settings, all of them. NotFound."""
    values = _checked(settings)
    with transaction.atomic():
        row = get_namespace(namespace)
        before = _values(row)
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        _record(acting_user, "UPDATE", namespace, before, _values(row))
    _forget_after_commit()
    return row


def delete_namespace_row(*, acting_user: Actor | None, namespace: str) -> None:
    """Its settings alone; whoever deletes a namespace removes before what else it holds. NotFound."""
    with transaction.atomic():
        row = get_namespace(namespace)
        _record(acting_user, "DELETE", namespace, _values(row), None)
        row.delete()
    _forget_after_commit()


def _checked(settings: NamespaceSettings) -> dict[str, Any]:
    problems = [
        Problem("must have a `type`, and `values` that are a map", f"pluginDefaults[{place}]")
        for place, entry in enumerate(settings.plugin_defaults)
        if not isinstance(entry.get("type"), str) or not isinstance(entry.get("values"), Mapping)
    ]
    problems += [
        Problem(f"'{name[:200]}' is no namespace", f"allowedNamespaces[{place}]")
        for place, name in enumerate(settings.allowed_namespaces or ())
        if not is_namespace(name)
    ]
    if problems:
        raise Invalid(problems=problems)
    allowed = settings.allowed_namespaces
    return {
        "description": settings.description,
        "variables": dict(settings.variables),
        "plugin_defaults": [dict(entry) for entry in settings.plugin_defaults],
        "allowed_namespaces": None if allowed is None else list(allowed),
        "worker_group": read_default_group(settings.worker_group, tenant_id=require_tenant("Namespaces")),
    }


def _values(row: Namespace) -> dict[str, Any]:
    return {
        "description": row.description,
        "variables": row.variables,
        "pluginDefaults": row.plugin_defaults,
        "allowedNamespaces": row.allowed_namespaces,
        "workerGroup": row.worker_group,
    }


def _forget_after_commit() -> None:
    transaction.on_commit(inherited_cache.forget_all)
    inherited_cache.forget_all()


def _record(
    acting_user: Actor | None, action: str, namespace: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    record(
        acting_user=acting_user,
        action=action,
        resource=AUDIT_RESOURCE,
        detail={"id": namespace, "namespace": namespace},
        before=before,
        after=after,
        permission="NAMESPACE",
    )
