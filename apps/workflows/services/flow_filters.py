"""Criteria of the filter grammar → conditions on flows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from apps.common.search_filters import BadFilter, Criterion, Op
from apps.workflows.plugin_api.labels import READ_ONLY
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.conditions import NEGATIVE, Conditions, add_number, add_text
from apps.workflows.selectors.flows import add_scope, add_words, not_deleted
from apps.workflows.services.execution_filters import parse_instant

FIELDS: Final = (
    "q",
    "scope",
    "namespace",
    "labels",
    "flowId",
    "lastState",
    "lastRun",
    "enabled",
    "readonly",
    "triggerType",
    "taskType",
    "updated",
)
"""Those after `flowId` are ours alone."""
_LAST: Final = "(SELECT x.{} FROM execution x WHERE x.flow_ref = f.uid ORDER BY x.start_date DESC, x.id DESC LIMIT 1)"
_TYPES: Final = {"triggerType": "f.trigger_types", "taskType": "f.task_types"}
_LABEL: Final = "EXISTS (SELECT 1 FROM jsonb_array_elements(f.labels) AS label WHERE label ->> 'key' = %s"


def flow_conditions(criteria: Iterable[Criterion]) -> Conditions:
    """What the filters of flow lists say, for flows that are not deleted. BadFilter."""
    conditions = not_deleted()
    for criterion in criteria:
        if criterion.group is not None:
            raise BadFilter("Alternatives (filters[or]) are not offered here; ask once for each.")
        match criterion.field:
            case "q":
                add_words(conditions, " ".join(criterion.values), without=criterion.op in NEGATIVE)
            case "namespace":
                add_text(conditions, "f.namespace", criterion)
            case "flowId":
                add_text(conditions, "f.flow_id", criterion)
            case "scope":
                _add_scope(conditions, criterion)
            case "labels":
                _add_label(conditions, criterion)
            case _:
                _add_other(conditions, criterion)
    return conditions


def _add_other(conditions: Conditions, criterion: Criterion) -> None:
    match criterion.field:
        case "lastState":
            if unknown := {value.upper() for value in criterion.values} - set(State):
                raise BadFilter(f"'{min(unknown)[:40]}' is no state. Possible: {', '.join(State)}.")
            add_text(conditions, _LAST.format("state"), criterion)
        case "lastRun" | "updated":
            column = _LAST.format("start_date") if criterion.field == "lastRun" else "f.updated"
            add_number(conditions, column, criterion, [parse_instant(criterion.field, criterion.values[-1])])
        case "enabled":
            conditions.add("f.disabled" if read_flag(criterion) is False else "NOT f.disabled")
        case "readonly":
            word = "" if read_flag(criterion) else "NOT "
            conditions.add(f"{word}{_LABEL} AND lower(label ->> 'value') = 'true')", READ_ONLY)
        case "triggerType" | "taskType":
            _add_types(conditions, _TYPES[criterion.field], criterion)


def read_flag(criterion: Criterion) -> bool:
    """Yes or no. BadFilter."""
    word = criterion.values[-1].lower() if criterion.values else ""
    if word not in {"true", "false"}:
        raise BadFilter(f"'{criterion.field}' is true or false, not '{word[:20]}'.")
    return (word == "true") is not (criterion.op in NEGATIVE)


def _add_types(conditions: Conditions, column: str, criterion: Criterion) -> None:
    """On an array of type names: any of them; none for a negative operator."""
    if criterion.op in {Op.IS_SET, Op.IS_NOT_SET}:
        conditions.add(f"cardinality({column}) {'>' if criterion.op is Op.IS_SET else '='} 0")
        return
    found = Conditions()
    positive = {Op.NOT_IN: Op.IN, Op.NOT_EQUALS: Op.IN, Op.NOT_CONTAINS: Op.CONTAINS}.get(criterion.op, criterion.op)
    add_text(found, "one", Criterion(criterion.field, positive, criterion.values))
    word = "NOT " if criterion.op in NEGATIVE else ""
    conditions.add(
        f"{word}EXISTS (SELECT 1 FROM unnest({column}) AS one WHERE {found.parts[0]})",  # noqa: S608
        *found.values,
    )


def _add_scope(conditions: Conditions, criterion: Criterion) -> None:
    wanted = {value.upper() for value in criterion.values}
    if unknown := wanted - {"USER", "SYSTEM"}:
        raise BadFilter(f"'{min(unknown)[:40]}' is no scope. Possible: USER, SYSTEM.")
    add_scope(conditions, {"USER", "SYSTEM"} - wanted if criterion.op in NEGATIVE else wanted)


def _add_label(conditions: Conditions, criterion: Criterion) -> None:
    if criterion.op in {Op.IS_SET, Op.IS_NOT_SET}:
        conditions.add(f"{'' if criterion.op is Op.IS_SET else 'NOT '}{_LABEL})", criterion.key)
        return
    if criterion.op not in {Op.EQUALS, Op.IN, Op.NOT_EQUALS, Op.NOT_IN}:
        raise BadFilter(f"'labels' cannot be compared with {criterion.op}.")
    word = "NOT " if criterion.op in NEGATIVE else ""
    conditions.add(f"{word}{_LABEL} AND label ->> 'value' = ANY(%s::text[]))", criterion.key, list(criterion.values))
