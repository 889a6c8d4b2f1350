"""What the evaluations of several triggers write, gathered and written in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.common.current_tenant import require_tenant
from apps.common.ids import to_uuid
from apps.timers.services import drop_timers, set_timers
from apps.workflows.execution_store.create import NewExecution
from apps.workflows.execution_store.json_text import clean, dump
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.services.new_executions import store_executions
from apps.workflows.services.quotas import Room, execution_room
from apps.workflows.services.trigger_evaluations import KEPT
from apps.workflows.services.trigger_states import TRIGGER_TIMER, due_of

_UPDATE = """
UPDATE trigger_state t SET date = r.date, look_at = r.look_at, next_date = r.next_date, execution_id = r.execution_id,
  backfill = r.backfill, disabled = r.disabled, listens = r.listens, updated = r.updated
FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, date timestamptz, look_at timestamptz, next_date timestamptz,
  execution_id uuid, backfill jsonb, disabled boolean, listens smallint, updated timestamptz)
WHERE t.id = r.id
"""
_TRIM = """
DELETE FROM trigger_evaluation WHERE id IN (SELECT id FROM (
  SELECT id, row_number() OVER (PARTITION BY trigger_id ORDER BY id DESC) AS place
  FROM trigger_evaluation WHERE trigger_id = ANY(%s)) AS held WHERE place > %s)
"""


class TriggerBatch:
    """Collects for triggers whose rows the transaction holds; nothing is written before ``flush``."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._rows: dict[int, TriggerState] = {}
        self._evaluations: list[TriggerEvaluation] = []
        self._timers: dict[str, datetime | None] = {}
        self._room: Room | None = None
        self._starts: dict[str, tuple[TriggerState, NewExecution, FlowDefinition]] = {}

    def save(self, row: TriggerState) -> None:
        """Write where the trigger stands."""
        row.updated = self.now
        self._rows[row.pk] = row

    def refusal(self) -> str:
        """Why no execution more may be started; empty when one may. The tenant's quotas are asked once a batch."""
        if self._room is None:
            self._room = execution_room(self.now)
        return self._room.refusal if self._room.left is not None and len(self._starts) >= self._room.left else ""

    def start(self, row: TriggerState, new: NewExecution, definition: FlowDefinition) -> None:
        """Insert an execution, and let the trigger wait for its end."""
        self._starts[new.id] = (row, new, definition)
        row.execution_id = new.id

    def timer(self, row: TriggerState, due: datetime | None = None) -> None:
        """Set the trigger's timer to what it waits for (or ``due``); drop it when it waits for nothing."""
        self._timers[str(row.pk)] = due or due_of(row, self.now)

    def drop_timer(self, key: str) -> None:
        """The trigger waits for nothing, or is gone."""
        self._timers[key] = None

    def record(
        self,
        row: TriggerState,
        outcome: TriggerEvaluation.Outcome,
        date: datetime | None,
        *,
        message: str = "",
        conditions: Sequence[dict[str, Any]] = (),
        execution_id: str | None = None,
    ) -> None:
        """Keep an evaluation."""
        self._evaluations.append(
            TriggerEvaluation(
                trigger=row,
                at=self.now,
                date=date,
                outcome=outcome,
                message=message,
                conditions=clean(list(conditions)),
                execution_id=execution_id,
            )
        )

    def flush(self) -> None:
        """Write all of it: at most seven statements."""
        self._start_all()
        if self._rows:
            with connection.cursor() as cursor:
                cursor.execute(_UPDATE, [dump([_columns(row) for row in self._rows.values()])])
        if self._evaluations:
            TriggerEvaluation.objects.bulk_create(self._evaluations)
            with connection.cursor() as cursor:
                cursor.execute(_TRIM, [sorted({one.trigger.pk for one in self._evaluations}), KEPT])
        tenant = require_tenant()
        drop_timers(tenant, [(TRIGGER_TIMER, key) for key, due in self._timers.items() if due is None])
        set_timers(tenant, [(TRIGGER_TIMER, key, due) for key, due in self._timers.items() if due is not None])

    def _start_all(self) -> None:
        if not self._starts:
            return
        stored = store_executions([(new, definition) for _, new, definition in self._starts.values()], self.now)
        for execution_id, (row, _, _) in self._starts.items():
            if execution_id not in stored:
                # It was started before, say ahead of a backup that was restored: nobody tells its end again.
                row.execution_id = None
                self._timers[str(row.pk)] = due_of(row, self.now)


def _columns(row: TriggerState) -> dict[str, Any]:
    return {
        "id": row.pk,
        "date": row.date,
        "look_at": row.look_at,
        "next_date": row.next_date,
        "execution_id": None if row.execution_id is None else str(to_uuid(row.execution_id)),
        "backfill": row.backfill,
        "disabled": row.disabled,
        "listens": row.listens,
        "updated": row.updated,
    }
