"""Starting, killing and deleting executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.services import Actor, record
from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, IllegalState, NotFound
from apps.common.ids import new_id
from apps.encryption.services import is_configured
from apps.storage.internal_storage import open_storage
from apps.timers.services import drop_timers
from apps.workflows.dispatch import send_commands
from apps.workflows.engine.events import KillRequested
from apps.workflows.engine.frontier import Change
from apps.workflows.execution_store.children import let_children_go
from apps.workflows.execution_store.create import CORRELATION, NewExecution
from apps.workflows.execution_store.json_text import dump, parse
from apps.workflows.execution_store.load import lock_execution
from apps.workflows.execution_store.purge import delete_executions
from apps.workflows.execution_store.rows import changes_to_json
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.plugin_api.inputs import Input
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.selectors.flow_sources import FlowSource, find_source
from apps.workflows.services.advance import step
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.execution_files import remove_execution_files
from apps.workflows.services.input_renderer import FlowInputRenderer
from apps.workflows.services.inputs import Upload, validate_inputs
from apps.workflows.services.new_executions import read_flow_inputs, starter_labels, store_execution
from apps.workflows.services.quotas import check_execution_quota

SYSTEM = "system."
"""Labels that only the product sets begin so."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a caller asks for when it starts an execution. ``given`` holds input values as text, by input id."""

    namespace: str
    flow_id: str
    revision: int | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)
    labels: Sequence[tuple[str, str]] = ()
    schedule_date: datetime | None = None
    trigger: dict[str, Any] | None = None
    system_labels: Sequence[tuple[str, str]] = ()
    """Labels that the product itself sets, as `system.app`; no caller's."""


@dataclass(frozen=True, slots=True)
class Started:
    """The execution that was created, as its row was written, and of which flow revision."""

    execution_id: str
    source: FlowSource
    definition: FlowDefinition
    row: ExecutionRow


def create_execution(*, acting_user: Actor | None, request: StartRequest) -> Started:
    """Create an execution and send it to its workers after the commit.

    NotFound (no such flow or revision), IllegalState (disabled), Invalid (inputs, labels), TooManyRequests (the
    tenant's quota): nothing is stored then.
    """
    source, definition = _find(request)
    check_execution_quota(read_clock())
    labels = execution_labels(definition, request.labels)
    execution_id = new_id()
    if not any(key == CORRELATION for key, _ in labels):
        labels.append((CORRELATION, execution_id))
    labels += [*starter_labels(acting_user), *request.system_labels]
    inputs = read_flow_inputs(definition, execution_id, request.given, request.files)
    new = NewExecution(
        id=execution_id,
        namespace=source.namespace,
        flow_id=source.flow_id,
        flow_revision=source.revision,
        flow_ref=source.flow_ref,
        labels=labels,
        inputs=inputs,
        trigger=request.trigger,
        original_id=execution_id,
        schedule_date=request.schedule_date,
    )
    now = read_clock()
    with transaction.atomic():
        store_execution(new, definition, now)
        record(
            acting_user=acting_user,
            action="CREATE",
            resource="Execution",
            detail={"namespace": source.namespace, "flowId": source.flow_id, "executionId": execution_id},
            permission="EXECUTION",
        )
    return Started(execution_id, source, definition, _written(new, now))


def _written(new: NewExecution, now: datetime) -> ExecutionRow:
    """The row as it is in the table: a caller that is answered with it needs not read it back."""

    def stored(value: Any) -> Any:
        return None if value is None else parse(dump(value))

    return ExecutionRow(
        id=new.id,
        namespace=new.namespace,
        flow_id=new.flow_id,
        flow_revision=new.flow_revision,
        flow_ref=new.flow_ref,
        state=new.state.value,
        histories=changes_to_json([Change(new.state, now)]),
        inputs=stored(new.inputs),
        outputs=None,
        labels=[{"key": key, "value": value} for key, value in new.labels],
        variables=stored(new.variables),
        trigger=stored(new.trigger),
        parent_id=new.parent_id,
        original_id=new.original_id,
        schedule_date=new.schedule_date,
        attempt_number=new.attempt_number,
        original_created=now,
        start_date=now,
    )


def check_inputs(*, request: StartRequest) -> list[dict[str, Any]]:
    """What ``…/validate`` answers for each input; stores nothing."""
    _, definition = _find(request)
    return validate_inputs(
        definition.inputs,
        request.given,
        files=request.files,
        renderer=FlowInputRenderer(request.namespace, request.flow_id),
        can_encrypt=is_configured(),
        file_address=lambda declared, upload: "",
    )


def list_inputs(namespace: str, flow_id: str, revision: int | None = None) -> Sequence[Input]:
    """The inputs that a flow declares, for a form. NotFound; IllegalState when it is disabled."""
    _, definition = _find(StartRequest(namespace, flow_id, revision))
    return definition.inputs


def kill_execution(*, acting_user: Actor | None, execution_id: str, cascade: bool = True) -> None:
    """End an execution: it is KILLED when this returns or as soon as its rows are swept; running tasks stop within
    a second. The subflows it waits for are killed with it, or, without ``cascade``, go on by themselves.

    NotFound; IllegalState when it has ended.
    """
    now = read_clock()
    tenant = require_tenant()
    with transaction.atomic():
        locked = lock_execution(execution_id)
        if locked is None:
            raise NotFound(f"Execution {execution_id} not found")
        execution = locked.execution
        if execution.state.ended:
            raise IllegalState(f"Execution is already finished, can't kill it: it is {execution.state}")
        if not cascade:
            let_children_go(execution_id)
        decision = step(tenant, locked, KillRequested(), now)
        record(
            acting_user=acting_user,
            action="UPDATE",
            resource="Execution",
            detail={
                "namespace": execution.namespace,
                "flowId": execution.flow_id,
                "executionId": execution_id,
                "action": "kill",
            },
            permission="EXECUTION",
        )
        send_commands(execution_id, decision.commands)


def delete_execution(*, acting_user: Actor | None, execution_id: str, logs: bool, metrics: bool, storage: bool) -> None:
    """Delete an ended execution with (as asked) its logs, metrics and files. NotFound; IllegalState when it runs."""
    tenant = require_tenant()
    with transaction.atomic():
        locked = lock_execution(execution_id)
        if locked is None:
            raise NotFound(f"Execution {execution_id} not found")
        execution = locked.execution
        if not execution.state.ended:
            raise IllegalState(f"Execution {execution_id} is {execution.state}; kill it before it is deleted")
        delete_executions([execution_id], logs=logs, metrics=metrics)
        drop_timers(tenant, [("watch", execution_id), ("continue", execution_id)])
        record(
            acting_user=acting_user,
            action="DELETE",
            resource="Execution",
            detail={
                "namespace": execution.namespace,
                "flowId": execution.flow_id,
                "executionId": execution_id,
            },
            permission="EXECUTION",
        )
        if storage:
            files = open_storage()
            transaction.on_commit(
                lambda: remove_execution_files(files, execution.namespace, execution.flow_id, execution_id)
            )


def execution_labels(definition: FlowDefinition, given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Labels of a new execution: the flow's (without the system's), then the caller's.

    IllegalArgument for an empty key or value, or a label only the product may set.
    """
    for key, value in given:
        if not key or not value:
            raise IllegalArgument(f"A label needs a key and a value, write it as key:value; got `{key}:{value}`")
        if key.startswith(SYSTEM) and key != CORRELATION:
            raise IllegalArgument(f"System labels can only be set by Kestra itself, offending label: {key}={value}")
    own = [(label.key, label.value) for label in definition.labels if not label.key.startswith(SYSTEM)]
    return own + list(given)


def _find(request: StartRequest) -> tuple[FlowSource, FlowDefinition]:
    source = find_source(request.namespace, request.flow_id, request.revision)
    if source is None or source.deleted:
        wanted = f" at revision {request.revision}" if request.revision is not None else ""
        raise NotFound(f"Flow {request.namespace}.{request.flow_id}{wanted} not found")
    if source.disabled:
        raise IllegalState("Cannot execute a disabled flow")
    return source, load_flow(source.flow_ref, source.revision).definition
