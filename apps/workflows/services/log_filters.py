"""Criteria of the filter grammar → what a search of log lines asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from apps.common.clock import now as read_clock
from apps.common.ids import to_uuid
from apps.common.search_filters import BadFilter, Criterion, Op
from apps.common.search_filters.text import split_words
from apps.workflows.plugin_api.duration import parse_duration
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.conditions import NEGATIVE, Conditions, add_number, add_text, escape_like
from apps.workflows.selectors.flows import add_visible, list_flow_refs
from apps.workflows.selectors.log_search import LogFilter
from apps.workflows.services.execution_filters import parse_instant

FIELDS: Final = (
    "q",
    "namespace",
    "flowId",
    "triggerId",
    "executionId",
    "taskId",
    "minLevel",
    "startDate",
    "endDate",
    "timeRange",
    "attempt",
    "text",
)
"""The last two are ours alone."""


def build_log_filter(criteria: Iterable[Criterion], *, namespaces: Sequence[str] | None) -> LogFilter:
    """``namespaces`` is what the caller may see (rbac), None for all. One query when names are asked for. BadFilter."""
    wanted, flows = LogFilter(), Conditions()
    for criterion in criteria:
        if criterion.group is not None:
            raise BadFilter("Alternatives (filters[or]) are not offered here; ask once for each.")
        match criterion.field:
            case "namespace":
                add_text(flows, "f.namespace", criterion)
            case "flowId":
                add_text(flows, "f.flow_id", criterion)
            case "startDate" | "endDate" | "timeRange":
                _set_time(wanted, criterion)
            case _:
                _set_value(wanted, criterion)
    if wanted.execution_id is not None:
        to_uuid(wanted.execution_id)
    add_visible(flows, namespaces)
    if flows.parts:
        wanted.flow_refs = list_flow_refs(flows)
    return wanted


def _set_value(wanted: LogFilter, criterion: Criterion) -> None:
    value = criterion.values[-1] if criterion.values else ""
    match criterion.field:
        case "q":
            word = "NOT ILIKE" if criterion.op in NEGATIVE else "ILIKE"
            for text in split_words(" ".join(criterion.values)):
                wanted.rows.add(f"l.message {word} %s", f"%{escape_like(text)}%")
        case "text":
            add_text(wanted.rows, "l.message", criterion)
        case "attempt":
            if not value.isdecimal():
                raise BadFilter(f"'attempt' is a number, not '{value[:20]}'.")
            add_number(wanted.rows, "l.attempt", criterion, [int(one) for one in criterion.values])
        case "minLevel":
            if value.upper() not in Level.__members__:
                raise BadFilter(f"'minLevel' must be one of {', '.join(Level)}, not '{value[:20]}'.")
            wanted.min_level = Level(value.upper())
        case "triggerId" | "executionId" | "taskId":
            if criterion.op not in {Op.EQUALS, Op.IN} or len(criterion.values) != 1:
                raise BadFilter(f"'{criterion.field}' can only be compared with EQUALS and one value.")
            name = {"triggerId": "trigger_id", "executionId": "execution_id", "taskId": "task_id"}[criterion.field]
            setattr(wanted, name, value)


def _set_time(wanted: LogFilter, criterion: Criterion) -> None:
    value = criterion.values[-1]
    if criterion.field == "timeRange":
        try:
            wanted.start = read_clock() - parse_duration(value)
        except (ValueError, OverflowError) as error:
            raise BadFilter(f"'timeRange' must be a duration like PT24H, not '{value[:40]}'.") from error
        return
    found: datetime = parse_instant(criterion.field, value)
    if criterion.field == "startDate":
        wanted.start = found
    else:
        wanted.end = found
