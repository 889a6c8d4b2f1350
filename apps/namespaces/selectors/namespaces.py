"""Namespaces that were created, and what they give to those below them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.common.namespace_paths import is_within_any, lineage
from apps.namespaces.models import Namespace

KEPT_SECONDS: Final = 5.0
MOST_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Inherited:
    """What holds for a namespace: by source, nearest first, itself included."""

    variables: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    plugin_defaults: tuple[tuple[str, Sequence[Mapping[str, Any]]], ...] = ()
    allowed: Sequence[str] | None = None
    """Who beside itself may use it; None: everybody. The nearest definition holds."""
    worker_group: Mapping[str, Any] | None = None
    """Of tasks and triggers that name none: ``key`` and ``fallback``. The nearest definition holds."""
    version: str = ""
    """Another text when the plugin defaults of the namespace or of one above it have changed."""


class InheritedCache:
    """What was read of namespaces, for a few seconds: each step of each execution asks. For all threads."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[float, Inherited]] = {}
        self._lock = threading.Lock()

    def get(self, tenant_id: str, namespace: str) -> Inherited | None:
        """None when it is not known, or no longer."""
        found = self._held.get((tenant_id, namespace))
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def put(self, tenant_id: str, namespace: str, value: Inherited) -> None:
        """When it is full, it begins anew."""
        with self._lock:
            if len(self._held) >= MOST_KEPT:
                self._held.clear()
            self._held[tenant_id, namespace] = (time.monotonic() + KEPT_SECONDS, value)

    def forget_all(self) -> None:
        """After a change, in this process."""
        with self._lock:
            self._held.clear()


inherited_cache = InheritedCache()


def get_namespace(namespace: str) -> Namespace:
    """One that was created. NotFound."""
    found = Namespace.objects.filter(pk=namespace).first()
    if found is None:
        raise NotFound(f"There is no namespace '{namespace[:150]}'.")
    return found


def inherited(namespace: str) -> Inherited:
    """What holds for a namespace of the open tenant; at most five seconds old. No query when it is known."""
    tenant_id = require_tenant("Namespaces")
    known = inherited_cache.get(tenant_id, namespace)
    if known is None:
        known = _read(namespace)
        inherited_cache.put(tenant_id, namespace, known)
    return known


def merged_variables(namespace: str) -> dict[str, Any]:
    """The variables as expressions see them: the nearest wins, maps merge deeply."""
    answer: dict[str, Any] = {}
    for _, variables in reversed(inherited(namespace).variables):
        answer = _merged(answer, variables)
    return answer


def may_use(namespace: str, *, used_by: str) -> bool:
    """Whether a flow of ``used_by`` may use a namespace's flows, KV pairs, files and secrets."""
    if namespace == used_by:
        return True
    allowed = inherited(namespace).allowed
    return allowed is None or is_within_any(used_by, allowed)


def _read(namespace: str) -> Inherited:
    order = lineage(namespace)
    rows = {row.pk: row for row in Namespace.objects.filter(pk__in=order)}
    found = [rows[name] for name in order if name in rows]
    grouped = next((row for row in found if row.worker_group), None)
    deciding = next((row for row in found if row.allowed_namespaces is not None), None)
    return Inherited(
        variables=tuple((row.pk, row.variables) for row in found if row.variables),
        plugin_defaults=tuple((row.pk, row.plugin_defaults) for row in found if row.plugin_defaults),
        allowed=None if deciding is None else (deciding.pk, *deciding.allowed_namespaces),
        worker_group=None if grouped is None else grouped.worker_group,
        version=" ".join(f"{row.pk}@{row.updated.timestamp()}" for row in found if row.plugin_defaults),
    )


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    answer = dict(base)
    for key, value in over.items():
        before = answer.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        answer[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return answer
