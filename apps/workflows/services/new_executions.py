"""What every new execution has in common, whoever starts it: typed inputs, its row, its first timers, its message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from apps.audit.services import Actor
from apps.common.current_tenant import require_tenant
from apps.common.errors import Invalid, Problem
from apps.encryption.services import encrypt, is_configured
from apps.timers.services import set_timers
from apps.workflows.dispatch import send_created
from apps.workflows.execution_store.create import NewExecution, insert_executions
from apps.workflows.execution_store.templates import pin_templates
from apps.workflows.flow_language.flow import FlowDefinition, SlaMaxDuration
from apps.workflows.plugin_api.inputs import FileInput
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.execution_files import new_input_address, store_upload
from apps.workflows.services.input_renderer import FlowInputRenderer
from apps.workflows.services.inputs import Upload, read_inputs

USERNAME = "system.username"
"""The label that says who started an execution."""
WATCH_EVERY = timedelta(seconds=30)
"""When a new execution's watch first looks whether its start got lost."""


def store_execution(new: NewExecution, definition: FlowDefinition, now: datetime) -> bool:
    """Insert an execution with its timers, in the caller's transaction; it is sent to its workers after the commit.

    False, and nothing done, when an execution of that id is there already.
    """
    return bool(store_executions([(new, definition)], now))


def store_executions(new: Sequence[tuple[NewExecution, FlowDefinition]], now: datetime) -> set[str]:
    """The same for several: two statements. The ids of those that are new."""
    tenant = require_tenant()
    stored = insert_executions(tenant, [one for one, _ in new], now)
    timers: list[tuple[str, str, datetime]] = []
    begin: list[str] = []
    for one, definition in new:
        if one.id in stored:
            if (flow := load_flow(one.flow_ref, one.flow_revision)).includes:
                pin_templates(one.id, flow.pins)
            timers += first_timers(one.id, definition, one.schedule_date, now)
            if one.schedule_date is None or one.schedule_date <= now:
                begin.append(one.id)
    set_timers(tenant, timers)
    send_created(begin)
    return stored


def read_flow_inputs(
    definition: FlowDefinition,
    execution_id: str,
    given: Mapping[str, Any],
    files: Mapping[str, Upload],
) -> dict[str, Any]:
    """The typed inputs of a new execution; uploads are stored under it. Invalid, with every problem."""

    def address(declared: FileInput, upload: Upload) -> str:
        return new_input_address(definition.namespace, definition.id, execution_id, declared.id, declared.extension)

    read = read_inputs(
        definition.inputs,
        given,
        files=files,
        renderer=FlowInputRenderer(definition.namespace, definition.id),
        encrypt=encrypt if is_configured() else None,
        file_address=address,
        store_file=store_upload,
    )
    if read.errors:
        raise Invalid(read.message, problems=[Problem(str(error), error.input_id) for error in read.errors])
    return read.values


def first_timers(
    execution_id: str, definition: FlowDefinition, schedule_date: datetime | None, now: datetime
) -> list[tuple[str, str, datetime]]:
    """The watch, the date it waits for, and its deadlines."""
    start = max(schedule_date, now) if schedule_date is not None else now
    timers = [("watch", execution_id, start + WATCH_EVERY)]
    if start > now:
        timers.append(("schedule", execution_id, start))
    for number, sla in enumerate(definition.sla):
        if isinstance(sla, SlaMaxDuration):
            timers.append(("sla", f"{execution_id}:{number}", start + sla.duration))
    return timers


def starter_labels(acting_user: Actor | None) -> list[tuple[str, str]]:
    """The label that says who started an execution, where the installation wants it; none when nobody did."""
    if acting_user is None or not settings.KESTRA_USERNAME_LABEL:
        return []
    return [(USERNAME, acting_user.username)]


def merged_labels(*groups: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Labels of all groups, each key once and in the place where it came first, with the value of the last group."""
    merged: dict[str, str] = {}
    for group in groups:
        merged.update(dict(group))
    return list(merged.items())
