"""Triggers as the API shows and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from apps.common.json_values import Shape
from apps.workflows.execution_store.json_text import stamp
from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.schemas.executions import LabelShape


class BackfillShape(Shape):
    """A backfill: as it is asked for, and where it stands."""

    start: datetime
    end: datetime | None = None
    current_date: datetime | None = None
    paused: bool = False
    inputs: dict[str, Any] | None = None
    labels: list[LabelShape] | None = None
    previous_next_execution_date: datetime | None = None
    progress: float | None = None


class TriggerKeyShape(Shape):
    """The name of a trigger; more of it may be sent and is not looked at."""

    namespace: str
    flow_id: str
    trigger_id: str


class TriggerShape(TriggerKeyShape):
    """Where a trigger stands. Of what is sent, `disabled` and a new `backfill` count."""

    date: datetime | None = None
    next_execution_date: datetime | None = None
    backfill: BackfillShape | None = None
    stop_after: list[str] | None = None
    disabled: bool | None = None
    execution_id: str | None = None
    updated_date: datetime | None = None
    evaluate_running_date: datetime | None = None
    worker_id: str | None = None


class TriggersShape(Shape):
    """A trigger as it is written, and where it stands."""

    abstract_trigger: dict[str, Any] | None = None
    trigger_context: TriggerShape


class TriggersPageShape(Shape):
    """A page of a search."""

    results: list[TriggersShape]
    total: int


class TriggerPageShape(Shape):
    """A page of a flow's triggers."""

    results: list[TriggerShape]
    total: int


class SetDisabledShape(Shape):
    """Which triggers are switched, and how."""

    triggers: list[TriggerKeyShape]
    disabled: bool


class SwitchShape(TriggerKeyShape):
    """One trigger, and how it is switched."""

    disabled: bool


class EvaluationShape(Shape):
    """One look of a trigger, each condition with what it saw."""

    at: datetime
    date: datetime | None = None
    outcome: str
    message: str | None = None
    conditions: list[dict[str, Any]]
    source_execution_id: str | None = None
    execution_id: str | None = None


CSV_COLUMNS: Final = (
    "namespace",
    "flowId",
    "triggerId",
    "type",
    "disabled",
    "date",
    "nextExecutionDate",
    "executionId",
    "workerId",
    "evaluateRunningDate",
    "updatedDate",
)


def trigger_columns(row: TriggerState) -> list[str]:
    """A line of the table of triggers."""
    held = trigger_json(row) | {"type": row.type, "disabled": row.sleeps}
    return [_cell(held.get(name)) for name in CSV_COLUMNS]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def trigger_json(row: TriggerState) -> dict[str, Any]:
    """Nulls are left out."""
    made: dict[str, Any] = {
        "namespace": row.namespace,
        "flowId": row.flow_id,
        "triggerId": row.trigger_id,
        "date": _stamp(row.date),
        "nextExecutionDate": _stamp(row.next_date),
        "backfill": None if row.backfill is None else _backfill_json(row.backfill),
        "stopAfter": row.stop_after or None,
        "disabled": row.disabled,
        "executionId": row.execution_id,
        "updatedDate": _stamp(row.updated),
        "evaluateRunningDate": _stamp(row.evaluating_since),
        "workerId": row.worker_id or None,
    }
    return {name: value for name, value in made.items() if value is not None}


def evaluation_json(held: TriggerEvaluation) -> dict[str, Any]:
    """Nulls are left out."""
    made: dict[str, Any] = {
        "at": _stamp(held.at),
        "date": _stamp(held.date),
        "outcome": held.outcome,
        "message": held.message or None,
        "conditions": held.conditions,
        "sourceExecutionId": held.source_id,
        "executionId": held.execution_id,
    }
    return {name: value for name, value in made.items() if value is not None}


def _backfill_json(held: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in held.items() if name != "mark" and value not in (None, {}, [])}
    start, end, current = (datetime.fromisoformat(held[name]) for name in ("start", "end", "currentDate"))
    return shown | {"progress": round(max(0.0, min(1.0, (current - start) / (end - start))), 4)}


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)
