"""Namespaces as they are listed: those that were created, those that flows use, and the parents of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from apps.common.namespace_paths import is_within_any, lineage
from apps.namespaces.models import Namespace
from apps.workflows.models import Flow


@dataclass(frozen=True, slots=True)
class ListedNamespace:
    """``disabled``: it was never created, a placeholder."""

    id: str
    disabled: bool
    description: str | None = None


def list_all_namespaces(
    visible: Sequence[str] | None, *, text: str = "", existing: bool = False
) -> list[ListedNamespace]:
    """In order. ``visible``: the outermost namespaces that may be seen, None for all. Two queries."""
    created = dict(Namespace.objects.values_list("id", "description"))
    names = set(created)
    if not existing:
        used = Flow.objects.filter(deleted=False).values_list("namespace", flat=True).distinct()
        names = {level for name in (*created, *used) for level in lineage(name)}
    return [
        ListedNamespace(name, name not in created, created.get(name) or None)
        for name in sorted(names)
        if (visible is None or is_within_any(name, visible)) and text.casefold() in name
    ]


def count_flows(namespaces: Sequence[str]) -> dict[str, int]:
    """Flows in each of these very namespaces, deleted ones left out; those without are left out. One query."""
    rows = Flow.objects.filter(namespace__in=list(namespaces), deleted=False).order_by()
    return dict(rows.values_list("namespace").annotate(count=Count("pk")))


def count_flows_within(namespace: str) -> dict[str, int]:
    """Flows in a namespace and in those below it, deleted ones left out: namespace → how many."""
    within = Q(namespace=namespace) | Q(namespace__startswith=namespace + ".")
    counts: dict[str, int] = {}
    for name in Flow.objects.filter(within, deleted=False).values_list("namespace", flat=True):
        counts[name] = counts.get(name, 0) + 1
    return counts
