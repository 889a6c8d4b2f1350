"""Criteria of the filter grammar → what an execution search asks for; names become numbers first (read-side.md §1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from apps.common.clock import now as read_clock
from apps.common.ids import LENGTH, is_id, to_uuid
from apps.common.search_filters import BadFilter, Criterion, Op
from apps.workflows.execution_store.save import label_term
from apps.workflows.plugin_api.duration import parse_duration
from apps.workflows.selectors.conditions import NEGATIVE, Conditions, add_number, add_text
from apps.workflows.selectors.execution_search import ExecutionFilter
from apps.workflows.selectors.flows import add_scope, add_visible, add_words, list_flow_refs

FIELDS: Final = (
    "q",
    "scope",
    "namespace",
    "flowId",
    "startDate",
    "endDate",
    "timeRange",
    "state",
    "labels",
    "triggerExecutionId",
    "triggerId",
    "executionId",
    "childFilter",
    "kind",
    "ended",
    "duration",
    "triggerType",
    "correlation",
    "revision",
    "attempt",
    "taskId",
    "error",
)
"""Those after `kind` are ours alone: Kestra's API has no such filters."""
ALL_STATES: Final = (
    "CREATED",
    "RUNNING",
    "PAUSED",
    "RESTARTED",
    "KILLING",
    "SUCCESS",
    "WARNING",
    "FAILED",
    "KILLED",
    "CANCELLED",
    "QUEUED",
    "RETRYING",
    "RETRIED",
    "SKIPPED",
)
LATER_STATES: Final = frozenset({"SUBMITTED", "BREAKPOINT", "RESUBMITTED"})
"""States of later servers: understood in a filter, found in no row."""
LAST_UUID: Final = UUID(int=2**128 - 1)
_PARENT: Final = "e.trigger #>> '{variables,executionId}'"
_HAS_TERM: Final = (
    "EXISTS (SELECT 1 FROM execution_label y WHERE y.term = ANY(%s::bigint[])"
    " AND y.start_date = e.start_date AND y.execution_id = e.id)"
)
_ID_WORD: Final = 16
"""A word of the text search from this length on may be the beginning of an id."""


def build_execution_filter(
    criteria: Iterable[Criterion], *, namespaces: Sequence[str] | None, now: datetime | None = None
) -> ExecutionFilter:
    """``namespaces`` is what the caller may see (rbac), None for all. One query when names are asked for.

    BadFilter for a value that cannot be read, or for alternatives (`filters[or]`), which are not offered.
    """
    building = _Building(now or read_clock())
    for criterion in criteria:
        if criterion.group is not None:
            raise BadFilter("Alternatives (filters[or]) are not offered here; ask once for each.")
        building.add(criterion)
    add_visible(building.flows, namespaces)
    return building.finish()


@dataclass(slots=True)
class _Building:
    now: datetime
    flows: Conditions = field(default_factory=Conditions)
    made: ExecutionFilter = field(default_factory=ExecutionFilter)
    states: set[str] | None = None
    words: str = ""

    def add(self, criterion: Criterion) -> None:
        _READERS[criterion.field](self, criterion)

    def finish(self) -> ExecutionFilter:
        named = Conditions([*self.flows.parts], [*self.flows.values])
        add_words(named, self.words)
        if named.parts:
            self.made.flow_refs = list_flow_refs(named)
        if not self.made.flow_refs and _may_begin_an_id(self.words):
            self.made.flow_refs = list_flow_refs(self.flows) if self.flows.parts else None
            self.id_beginning(self.words.strip())
        if self.states is not None:
            self.made.states = [state for state in ALL_STATES if state in self.states]
        return self.made

    def text(self, criterion: Criterion) -> None:
        if criterion.op in NEGATIVE:
            for word in criterion.values:
                add_words(self.flows, word, without=True)
            return
        self.words = " ".join((self.words, *criterion.values)).strip()

    def id_beginning(self, beginning: str) -> None:
        low, high = beginning.ljust(LENGTH, "0"), beginning.ljust(LENGTH, "z")
        if is_id(low):
            self.made.ids = (to_uuid(low), to_uuid(high) if is_id(high) else LAST_UUID)
        else:
            self.states = set()

    def namespace(self, criterion: Criterion) -> None:
        add_text(self.flows, "f.namespace", criterion)

    def flow(self, criterion: Criterion) -> None:
        add_text(self.flows, "f.flow_id", criterion)

    def scope(self, criterion: Criterion) -> None:
        wanted = {value.upper() for value in criterion.values}
        if unknown := wanted - {"USER", "SYSTEM"}:
            raise BadFilter(f"'{min(unknown)[:40]}' is no scope. Possible: USER, SYSTEM.")
        add_scope(self.flows, {"USER", "SYSTEM"} - wanted if criterion.op in NEGATIVE else wanted)

    def state(self, criterion: Criterion) -> None:
        wanted = {value.upper() for value in criterion.values}
        if unknown := wanted - set(ALL_STATES) - LATER_STATES:
            raise BadFilter(f"'{min(unknown)[:40]}' is no state. Possible: {', '.join(ALL_STATES)}.")
        if criterion.op not in {Op.EQUALS, Op.IN, Op.NOT_EQUALS, Op.NOT_IN}:
            raise BadFilter(f"'state' cannot be compared with {criterion.op}.")
        allowed = set(ALL_STATES) - wanted if criterion.op in NEGATIVE else wanted & set(ALL_STATES)
        self.states = allowed if self.states is None else self.states & allowed

    def started(self, criterion: Criterion) -> None:
        moment = parse_instant(criterion.field, criterion.values[-1])
        match criterion.op:
            case Op.GREATER_THAN_OR_EQUAL_TO:
                self.made.start = max(moment, self.made.start or moment)
            case Op.LESS_THAN_OR_EQUAL_TO:
                self.made.end = min(moment, self.made.end or moment)
            case _:
                add_number(self.made.rows, "e.start_date", criterion, [moment])

    def time_range(self, criterion: Criterion) -> None:
        try:
            span = parse_duration(criterion.values[-1])
            start = self.now - span
        except (ValueError, OverflowError) as error:
            raise BadFilter(f"'timeRange' must be a duration like PT24H, not '{criterion.values[-1][:40]}'.") from error
        self.made.start = max(start, self.made.start or start)

    def labels(self, criterion: Criterion) -> None:
        key = criterion.key or ""
        terms = [label_term(f"{key}={value}") for value in criterion.values]
        if criterion.op is Op.IS_SET:
            self.made.terms = [*self.made.terms, label_term(key)]
        elif criterion.op is Op.IS_NOT_SET:
            self.made.rows.add(f"NOT {_HAS_TERM}", [label_term(key)])
        elif criterion.op is Op.EQUALS or (criterion.op is Op.IN and len(terms) == 1):
            self.made.terms = [*self.made.terms, *terms]
        elif criterion.op in {Op.IN, Op.NOT_EQUALS, Op.NOT_IN}:
            word = "" if criterion.op is Op.IN else "NOT "
            self.made.rows.add(word + _HAS_TERM, terms)
        else:
            raise BadFilter(f"'labels' cannot be compared with {criterion.op}.")

    def parent(self, criterion: Criterion) -> None:
        add_text(self.made.rows, f"({_PARENT})", criterion)

    def trigger(self, criterion: Criterion) -> None:
        add_text(self.made.rows, "e.trigger_id", criterion)

    def execution(self, criterion: Criterion) -> None:
        values = [to_uuid(value) for value in criterion.values if is_id(value)]
        if criterion.op in {Op.EQUALS, Op.IN}:
            self.made.rows.add("e.id = ANY(%s::uuid[])", values)
        elif criterion.op in NEGATIVE:
            self.made.rows.add("NOT e.id = ANY(%s::uuid[])", values)
        elif criterion.op in {Op.STARTS_WITH, Op.PREFIX}:
            self.id_beginning(criterion.values[-1])
        else:
            raise BadFilter(f"'executionId' cannot be compared with {criterion.op}.")

    def child(self, criterion: Criterion) -> None:
        wanted = {value.upper() for value in criterion.values}
        if unknown := wanted - {"CHILD", "MAIN", "NORMAL", "ALL", "TEST", "PLAYGROUND"}:
            raise BadFilter(f"'{min(unknown)[:40]}' is neither CHILD nor MAIN.")
        if criterion.op in NEGATIVE:
            wanted = {"CHILD", "MAIN"} - wanted
        if wanted == {"CHILD"}:
            self.made.rows.add(f"({_PARENT}) IS NOT NULL")
        elif wanted == {"MAIN"}:
            self.made.rows.add(f"({_PARENT}) IS NULL")
        elif wanted and wanted <= {"TEST", "PLAYGROUND"}:
            self.states = set()

    def ended(self, criterion: Criterion) -> None:
        moment = parse_instant("ended", criterion.values[-1])
        add_number(self.made.rows, "e.end_date", criterion, [moment])
        if criterion.op in {Op.LESS_THAN, Op.LESS_THAN_OR_EQUAL_TO}:
            # What ended by then began before: the index of starts may be used.
            self.made.end = min(moment, self.made.end or moment)

    def number(self, criterion: Criterion) -> None:
        column = _NUMBERS[criterion.field]
        try:
            values = [int(value) for value in criterion.values]
        except ValueError as error:
            raise BadFilter(f"'{criterion.field}' is a number, not '{criterion.values[-1][:40]}'.") from error
        add_number(self.made.rows, column, criterion, values)

    def column(self, criterion: Criterion) -> None:
        add_text(self.made.rows, _COLUMNS[criterion.field], criterion)

    def task(self, criterion: Criterion) -> None:
        found = Conditions()
        positive = Criterion("taskId", Op.IN, criterion.values) if criterion.op in NEGATIVE else criterion
        add_text(found, "t.task_id", positive)
        word = "NOT " if criterion.op in NEGATIVE else ""
        self.made.rows.add(
            f"{word}EXISTS (SELECT 1 FROM task_run t WHERE t.execution_id = e.id AND {found.parts[0]})",  # noqa: S608
            *found.values,
        )


_NUMBERS: Final = {"duration": "e.duration_ms", "revision": "e.flow_revision", "attempt": "e.attempt_number"}
_COLUMNS: Final = {"triggerType": "e.trigger_type", "correlation": "e.correlation", "error": "e.error"}
_READERS: Final[dict[str, Callable[[_Building, Criterion], None]]] = {
    "q": _Building.text,
    "scope": _Building.scope,
    "namespace": _Building.namespace,
    "flowId": _Building.flow,
    "startDate": _Building.started,
    "endDate": _Building.started,
    "timeRange": _Building.time_range,
    "state": _Building.state,
    "labels": _Building.labels,
    "triggerExecutionId": _Building.parent,
    "triggerId": _Building.trigger,
    "executionId": _Building.execution,
    "childFilter": _Building.child,
    "kind": _Building.child,
    "ended": _Building.ended,
    "duration": _Building.number,
    "revision": _Building.number,
    "attempt": _Building.number,
    "triggerType": _Building.column,
    "correlation": _Building.column,
    "error": _Building.column,
    "taskId": _Building.task,
}


def parse_instant(name: str, text: str) -> datetime:
    """An ISO instant; without a zone it is UTC. BadFilter."""
    try:
        # a + that nobody encoded arrives as a space
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError as error:
        raise BadFilter(f"'{name}' must be a date like 2026-01-31T10:00:00Z, not '{text[:60]}'.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _may_begin_an_id(text: str) -> bool:
    return _ID_WORD <= len(text) <= LENGTH and text.isascii() and text.isalnum()
