"""Inserting an execution, with its label rows and its first live event, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.common.ids import to_uuid
from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.frontier import Change
from apps.workflows.execution_store.json_text import dump, stamp
from apps.workflows.execution_store.rows import changes_to_json
from apps.workflows.execution_store.save import label_terms, run_parts
from apps.workflows.plugin_api.state import State

CORRELATION = "system.correlationId"
"""The label that ties an execution to those it starts."""


@dataclass(frozen=True, slots=True)
class NewExecution:
    """What an execution begins with. ``parent_*`` name who waits for it (subflows), ``parent_id`` whom it came from.

    One that goes on from copied task runs begins with a state, histories and a cursor of its own.
    """

    id: str
    namespace: str
    flow_id: str
    flow_revision: int
    flow_ref: int
    labels: list[tuple[str, str]] = field(default_factory=list)
    inputs: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None
    trigger: dict[str, Any] | None = None
    parent_id: str | None = None
    original_id: str | None = None
    schedule_date: datetime | None = None
    parent_execution_id: str | None = None
    parent_run_id: str | None = None
    parent_token: str | None = None
    batch: int | None = None
    attempt_number: int = 1
    original_created: datetime | None = None
    state: State = State.CREATED
    histories: Sequence[Change] | None = None
    """None: the state, from now."""
    cursor: Cursor | None = None
    pending: bool = False


_INSERT = """
INSERT INTO execution (id, namespace, flow_id, flow_revision, flow_ref, state, histories, inputs, labels, variables,
  trigger, parent_id, original_id, schedule_date, pending, paused, hold, slot, parent_execution_id, parent_run_id,
  parent_token, batch, told, attempt_number, original_created, start_date, correlation, trigger_id, trigger_type,
  cursor)
VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s, %s, %s, %s, 0,
  false, false, %s, %s, %s, %s, false, %s, %s, %s, %s, %s, %s, %s::jsonb)
ON CONFLICT (id) DO NOTHING RETURNING id
"""
_INSERT_LABELS = """
INSERT INTO execution_label (term, start_date, execution_id, flow_ref)
SELECT term, %s, w0.id, %s FROM unnest(%s::bigint[]) AS term, w0 ON CONFLICT DO NOTHING
"""
_INSERT_EVENT = """
INSERT INTO public.live_event (tenant, topic, namespace, kind, data, at)
SELECT %s, %s, %s, 'execution', %s::jsonb, %s FROM w0
"""


def insert_execution(tenant: str, new: NewExecution, now: datetime) -> bool:
    """Insert the row, its label rows and its live event. An execution of that id already there is kept: False.

    Doing it twice is harmless, so that a derived id starts one execution however often its start is asked for.
    """
    uid = to_uuid(new.id)
    correlation = next((value for key, value in new.labels if key == CORRELATION), new.id)
    trigger = new.trigger or {}
    terms = label_terms(new.labels)
    event = {
        "id": new.id,
        "flowRef": new.flow_ref,
        "flowId": new.flow_id,
        "old": None,
        "new": new.state.value,
        "start": stamp(now),
    }
    inserted = run_parts(
        [
            (
                _INSERT,
                [
                    uid,
                    new.namespace,
                    new.flow_id,
                    new.flow_revision,
                    new.flow_ref,
                    new.state.value,
                    dump(changes_to_json(new.histories or [Change(new.state, now)])),
                    _or_null(new.inputs),
                    dump([{"key": key, "value": value} for key, value in new.labels]),
                    _or_null(new.variables),
                    _or_null(new.trigger),
                    _uuid(new.parent_id),
                    _uuid(new.original_id),
                    new.schedule_date,
                    new.pending,
                    _uuid(new.parent_execution_id),
                    _uuid(new.parent_run_id),
                    new.parent_token,
                    new.batch,
                    new.attempt_number,
                    new.original_created or now,
                    now,
                    None if correlation == new.id else correlation,
                    trigger.get("id"),
                    trigger.get("type"),
                    None if new.cursor is None else dump(new.cursor.to_json()),
                ],
            ),
            (_INSERT_LABELS, [now, new.flow_ref, sorted(terms)]),
            (_INSERT_EVENT, [tenant, f"exec:{new.id}", new.namespace, dump(event), now]),
        ]
    )
    return inserted == 1


def _uuid(value: str | None) -> Any:
    return None if value is None else to_uuid(value)


def _or_null(value: Any) -> str | None:
    return None if value is None else dump(value)
