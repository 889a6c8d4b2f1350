"""Inserting executions, with their label rows and first live events, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.frontier import Change
from apps.workflows.execution_store.json_text import dump, stamp
from apps.workflows.execution_store.news import news_key, news_of_beginning
from apps.workflows.execution_store.rows import changes_to_json
from apps.workflows.execution_store.save import label_terms
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


_ROWS = """
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, namespace text, flow_id text, flow_revision int, flow_ref int,
  state text, histories jsonb, inputs jsonb, labels jsonb, variables jsonb, trigger jsonb, parent_id uuid,
  original_id uuid, schedule_date timestamptz, pending boolean, parent_execution_id uuid, parent_run_id uuid,
  parent_token text, batch int, attempt_number int, original_created timestamptz, correlation text, trigger_id text,
  trigger_type text, cursor jsonb, terms bigint[], topic text, event jsonb, news text)
"""
_INSERT = """
INSERT INTO execution (id, namespace, flow_id, flow_revision, flow_ref, state, histories, inputs, labels, variables,
  trigger, parent_id, original_id, schedule_date, pending, paused, hold, slot, parent_execution_id, parent_run_id,
  parent_token, batch, told, attempt_number, original_created, start_date, correlation, trigger_id, trigger_type,
  cursor)
SELECT id, namespace, flow_id, flow_revision, flow_ref, state, histories, inputs, labels, variables, trigger, parent_id,
  original_id, schedule_date, pending, 0, false, false, parent_execution_id, parent_run_id, parent_token, batch, false,
  attempt_number, original_created, %s, correlation, trigger_id, trigger_type, cursor
FROM r ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id
"""
_INSERT_LABELS = """
INSERT INTO execution_label (term, start_date, execution_id, flow_ref)
SELECT term, %s, w0.id, r.flow_ref FROM w0 JOIN r ON r.id = w0.id, unnest(r.terms) AS term ON CONFLICT DO NOTHING
"""
_INSERT_EVENT = """
INSERT INTO public.live_event (tenant, topic, namespace, kind, data, at)
SELECT %s, r.topic, r.namespace, 'execution', r.event, %s FROM w0 JOIN r ON r.id = w0.id
"""


def insert_execution(tenant: str, new: NewExecution, now: datetime) -> bool:
    """Insert one; False when an execution of that id is there already: it is kept as it is."""
    return bool(insert_executions(tenant, [new], now))


def insert_executions(tenant: str, new: Sequence[NewExecution], now: datetime) -> set[str]:
    """Insert rows, label rows, live events and the news of their beginning, in one statement; the ids that are new.

    Doing it twice is harmless, so that a derived id starts one execution however often its start is asked for.
    """
    if not new:
        return set()
    news, news_values = news_of_beginning(tenant, now)
    sql = (  # constants, but for the news' own statement, which is one too
        f"WITH r AS MATERIALIZED ({_ROWS}), w0 AS ({_INSERT}), w1 AS ({_INSERT_LABELS}), w2 AS ({_INSERT_EVENT}),"  # noqa: S608
        f" w3 AS ({news}) SELECT id FROM w0"
    )
    values = [dump([_columns(one, now) for one in new]), now, now, tenant, now, *news_values]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {from_uuid(row[0]) for row in cursor.fetchall()}


def _columns(new: NewExecution, now: datetime) -> dict[str, Any]:
    correlation = next((value for key, value in new.labels if key == CORRELATION), new.id)
    trigger = new.trigger or {}
    histories = new.histories or [Change(new.state, now)]
    return {
        "id": _uuid(new.id),
        "namespace": new.namespace,
        "flow_id": new.flow_id,
        "flow_revision": new.flow_revision,
        "flow_ref": new.flow_ref,
        "state": new.state.value,
        "histories": changes_to_json(histories),
        "inputs": new.inputs,
        "labels": [{"key": key, "value": value} for key, value in new.labels],
        "variables": new.variables,
        "trigger": new.trigger,
        "parent_id": _uuid(new.parent_id),
        "original_id": _uuid(new.original_id),
        "schedule_date": _moment(new.schedule_date),
        "pending": new.pending,
        "parent_execution_id": _uuid(new.parent_execution_id),
        "parent_run_id": _uuid(new.parent_run_id),
        "parent_token": new.parent_token,
        "batch": new.batch,
        "attempt_number": new.attempt_number,
        "original_created": _moment(new.original_created or now),
        "correlation": None if correlation == new.id else correlation,
        "trigger_id": trigger.get("id"),
        "trigger_type": trigger.get("type"),
        "cursor": None if new.cursor is None else new.cursor.to_json(),
        "terms": sorted(label_terms(new.labels)),
        "topic": f"exec:{new.id}",
        "event": {
            "id": new.id,
            "flowRef": new.flow_ref,
            "flowId": new.flow_id,
            "old": None,
            "new": new.state.value,
            "start": stamp(now),
        },
        "news": news_key(new.id, len(histories) - 1),
    }


def _uuid(value: str | None) -> str | None:
    return None if value is None else str(to_uuid(value))


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
