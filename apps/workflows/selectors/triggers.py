"""Reads of triggers: pages of a search, one trigger, its last evaluations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import Q

from apps.rbac.decisions import visible_within
from apps.workflows.models import TriggerEvaluation, TriggerState

SORTABLE: Final = {
    "triggerId": "trigger_id",
    "id": "trigger_id",
    "flowId": "flow_id",
    "namespace": "namespace",
    "nextExecutionDate": "next_date",
    "date": "date",
    "updatedDate": "updated",
    "disabled": "disabled",
    "executionId": "execution_id",
    "workerId": "worker_id",
}
MOST: Final = 10_000
"""Triggers that one action by query takes."""


def search_triggers(
    *, words: str, namespace: str | None, flow_id: str | None, worker_id: str | None, seen: Iterable[str] | None
) -> Q:
    """What narrows a list: words of id, flow and namespace; a namespace with those below; what the caller may see."""
    found = visible_within(seen)
    for word in words.split():
        found &= Q(trigger_id__icontains=word) | Q(flow_id__icontains=word) | Q(namespace__icontains=word)
    if namespace:
        found &= Q(namespace=namespace) | Q(namespace__startswith=f"{namespace}.")
    if flow_id:
        found &= Q(flow_id=flow_id)
    if worker_id:
        found &= Q(worker_id=worker_id)
    return found


def page_of_triggers(
    where: Q, *, order: tuple[str, ...], offset: int = 0, size: int = MOST
) -> tuple[list[TriggerState], int]:
    """A page and how many there are. Two queries."""
    rows = TriggerState.objects.filter(where)
    return list(rows.order_by(*order, "namespace", "flow_id", "trigger_id")[offset : offset + size]), rows.count()


def find_trigger(namespace: str, flow_id: str, trigger_id: str) -> TriggerState | None:
    """One query."""
    return TriggerState.objects.filter(namespace=namespace, flow_id=flow_id, trigger_id=trigger_id).first()


def last_evaluations(row: TriggerState) -> list[TriggerEvaluation]:
    """The newest first. One query."""
    return list(TriggerEvaluation.objects.filter(trigger=row).order_by("-id"))
