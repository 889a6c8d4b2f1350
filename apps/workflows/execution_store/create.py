"""Inserting an execution, with its label rows and its first live event, in one statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.common.ids import to_uuid
from apps.workflows.engine.frontier import Change
from apps.workflows.execution_store.json_text import dump, stamp
from apps.workflows.execution_store.rows import changes_to_json
from apps.workflows.execution_store.save import label_term, run_parts
from apps.workflows.plugin_api.state import State

CORRELATION = "system.correlationId"
"""The label that ties an execution to those it starts."""


@dataclass(frozen=True, slots=True)
class NewExecution:
    """What an execution begins with. ``parent_*`` name who waits for it (subflows), ``parent_id`` whom it came from."""

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


_INSERT = """
INSERT INTO execution (id, namespace, flow_id, flow_revision, flow_ref, state, histories, inputs, labels, variables,
  trigger, parent_id, original_id, schedule_date, pending, paused, hold, slot, parent_execution_id, parent_run_id,
  parent_token, batch, told, attempt_number, original_created, start_date, correlation, trigger_id, trigger_type)
VALUES (%s, %s, %s, %s, %s, 'CREATED', %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s, %s, %s, false, 0,
  false, false, %s, %s, %s, %s, false, %s, %s, %s, %s, %s, %s)
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


def insert_execution(tenant: str, new: NewExecution, now: datetime) -> None:
    """Insert the row in CREATED, its label rows and its live event. An execution of that id already there is kept.

    Doing it twice is harmless, so that a derived id starts one execution however often its start is asked for.
    """
    uid = to_uuid(new.id)
    correlation = next((value for key, value in new.labels if key == CORRELATION), new.id)
    trigger = new.trigger or {}
    terms = {label_term(term) for key, value in new.labels for term in (key, f"{key}={value}")}
    event = {
        "id": new.id,
        "flowRef": new.flow_ref,
        "flowId": new.flow_id,
        "old": None,
        "new": State.CREATED.value,
        "start": stamp(now),
    }
    run_parts(
        [
            (
                _INSERT,
                [
                    uid,
                    new.namespace,
                    new.flow_id,
                    new.flow_revision,
                    new.flow_ref,
                    dump(changes_to_json([Change(State.CREATED, now)])),
                    _or_null(new.inputs),
                    dump([{"key": key, "value": value} for key, value in new.labels]),
                    _or_null(new.variables),
                    _or_null(new.trigger),
                    _uuid(new.parent_id),
                    _uuid(new.original_id),
                    new.schedule_date,
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
                ],
            ),
            (_INSERT_LABELS, [now, new.flow_ref, sorted(terms)]),
            (_INSERT_EVENT, [tenant, f"exec:{new.id}", new.namespace, dump(event), now]),
        ]
    )


def _uuid(value: str | None) -> Any:
    return None if value is None else to_uuid(value)


def _or_null(value: Any) -> str | None:
    return None if value is None else dump(value)
