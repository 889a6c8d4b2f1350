"""Reads of triggers: pages of a search, one trigger, its last evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from apps.common.clock import now as read_clock
from apps.common.search_filters import BadFilter, Criterion, Op
from apps.common.search_filters.text import split_words
from apps.rbac.decisions import visible_within
from apps.workflows.models import Execution, TriggerEvaluation, TriggerState
from apps.workflows.selectors.conditions import NEGATIVE

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
FILTERED: Final = {
    "namespace": "namespace",
    "flowId": "flow_id",
    "triggerId": "trigger_id",
    "workerId": "worker_id",
    "type": "type",
    "kind": "kind",
}
STANDS: Final = ("enabled", "locked", "backfill", "late", "next", "last")
"""Fields of ours alone: where a trigger stands."""
LATE: Final = timedelta(minutes=2)
_DATES: Final = {"next": "next_date", "last": "date"}
_DATE_LOOKUPS: Final = {
    Op.GREATER_THAN: "gt",
    Op.GREATER_THAN_OR_EQUAL_TO: "gte",
    Op.LESS_THAN: "lt",
    Op.LESS_THAN_OR_EQUAL_TO: "lte",
}
_LOOKUPS: Final[dict[Op, tuple[bool, str]]] = {
    Op.EQUALS: (False, "exact"),
    Op.NOT_EQUALS: (True, "exact"),
    Op.IN: (False, "exact"),
    Op.NOT_IN: (True, "exact"),
    Op.STARTS_WITH: (False, "startswith"),
    Op.ENDS_WITH: (False, "endswith"),
    Op.CONTAINS: (False, "icontains"),
    Op.NOT_CONTAINS: (True, "icontains"),
    Op.REGEX: (False, "regex"),
    Op.PREFIX: (False, "startswith"),
    Op.NOT_PREFIX: (True, "startswith"),
}
MOST: Final = 10_000
"""Triggers that one action by query takes."""


def triggers_meeting(criteria: Iterable[Criterion], seen: Iterable[str] | None) -> Q:
    """What narrows a list: the filters of a request (all of them), and what the caller may see. BadFilter."""
    found = visible_within(seen)
    for criterion in criteria:
        if criterion.group is not None:
            raise BadFilter("Alternatives (filters[or]) are not offered here; ask once for each.")
        if criterion.field == "q":
            words = search_triggers(
                words=" ".join(criterion.values), namespace=None, flow_id=None, worker_id=None, seen=None
            )
            found &= ~words if criterion.op in NEGATIVE else words
        elif criterion.field in STANDS:
            found &= _stand(criterion)
        else:
            found &= _compared(FILTERED[criterion.field], criterion)
    return found


def _stand(criterion: Criterion) -> Q:
    value = criterion.values[-1] if criterion.values else ""
    if criterion.field in _DATES:
        if criterion.op not in _DATE_LOOKUPS:
            raise BadFilter(f"'{criterion.field}' cannot be compared with {criterion.op}.")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise BadFilter(f"'{criterion.field}' must be a date, not '{value[:60]}'.") from error
        return Q(**{f"{_DATES[criterion.field]}__{_DATE_LOOKUPS[criterion.op]}": moment})
    if criterion.field == "backfill":
        wanted = Q()
        for word in criterion.values:
            wanted |= _backfill(word.upper())
    elif value.lower() not in {"true", "false"}:
        raise BadFilter(f"'{criterion.field}' is true or false, not '{value[:20]}'.")
    else:
        wanted = _yes(criterion.field)
        wanted = wanted if value.lower() == "true" else ~wanted
    return ~wanted if criterion.op in NEGATIVE else wanted


def _yes(name: str) -> Q:
    if name == "enabled":
        return Q(disabled=False, off=False)
    if name == "locked":
        return Q(execution_id__isnull=False) | Q(evaluating_since__isnull=False)
    waits = Q(execution_id__isnull=True, backfill__isnull=True, evaluating_since__isnull=True)
    return waits & Q(disabled=False, off=False, look_at__lt=read_clock() - LATE)


def _backfill(word: str) -> Q:
    match word:
        case "NONE":
            return Q(backfill__isnull=True)
        case "PAUSED":
            return Q(backfill__paused=True)
        case "RUNNING":
            return Q(backfill__isnull=False) & ~Q(backfill__paused=True)
    raise BadFilter(f"'{word[:20]}' is no state of a backfill. Possible: RUNNING, PAUSED, NONE.")


def _compared(column: str, criterion: Criterion) -> Q:
    if criterion.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return ~Q(**{column: ""}) if criterion.op is Op.IS_SET else Q(**{column: ""})
    negative, lookup = _LOOKUPS.get(criterion.op, (False, None))
    if lookup is None:
        raise BadFilter(f"'{criterion.field}' cannot be compared with {criterion.op}.")
    found = Q()
    for value in criterion.values:
        one = Q(**{f"{column}__{lookup}": value})
        if criterion.op in {Op.PREFIX, Op.NOT_PREFIX}:
            one = Q(**{column: value}) | Q(**{f"{column}__startswith": f"{value}."})
        found |= one
    return ~found if negative else found


def search_triggers(
    *, words: str, namespace: str | None, flow_id: str | None, worker_id: str | None, seen: Iterable[str] | None
) -> Q:
    """What narrows a list: words of id, flow and namespace; a namespace with those below; what the caller may see."""
    found = visible_within(seen)
    for word in split_words(words):
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


def triggers_after(where: Q, number: int, limit: int = 1000) -> list[TriggerState]:
    """Those whose rows come after a number, in the order of the rows. One query."""
    return list(TriggerState.objects.filter(where, pk__gt=number).order_by("pk")[:limit])


def find_trigger(namespace: str, flow_id: str, trigger_id: str) -> TriggerState | None:
    """One query."""
    return TriggerState.objects.filter(namespace=namespace, flow_id=flow_id, trigger_id=trigger_id).first()


def triggers_of_flows(flow_refs: Sequence[int]) -> dict[int, list[TriggerState]]:
    """The triggers of these flows by flow number, by id within. One query."""
    found: dict[int, list[TriggerState]] = {}
    for row in TriggerState.objects.filter(flow_ref__in=flow_refs).order_by("trigger_id"):
        found.setdefault(row.flow_ref, []).append(row)
    return found


def waited_for(rows: Sequence[TriggerState]) -> dict[str, str]:
    """The states of the executions that triggers wait for, by id. One query, none when none waits."""
    ids = [row.execution_id for row in rows if row.execution_id is not None]
    return dict(Execution.objects.filter(pk__in=ids).values_list("pk", "state")) if ids else {}


def last_evaluations(row: TriggerState) -> list[TriggerEvaluation]:
    """The newest first. One query."""
    return list(TriggerEvaluation.objects.filter(trigger=row).order_by("-id"))
