"""Writing flows: each effective change is a new revision; deleting is one too, so that it can be undone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from apps.audit.services import Actor, record
from apps.common.clock import now as read_clock
from apps.common.errors import IllegalArgument, IllegalState, Invalid, NotFound, Problem
from apps.workflows.engine.compiled_flow import compile_flow
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.source import clean_source, parse_flow
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import Flow, FlowRevision, NamespaceRef
from apps.workflows.plugin_api.task import Task
from apps.workflows.services.definitions import layers_for
from apps.workflows.services.namespace_access import check_namespace_exists
from apps.workflows.services.quotas import check_flow_quota
from apps.workflows.services.trigger_states import remove_triggers, sync_triggers
from apps.workflows.services.worker_groups import check_worker_groups

INDEXED_CHARACTERS = 200_000
"""How much of a source goes into the word index; PostgreSQL limits the index entry of one row."""


@dataclass(frozen=True, slots=True)
class SavedFlow:
    """A flow as it was saved. ``changed`` is false when the source was the same: then nothing was written."""

    flow: Flow
    definition: FlowDefinition
    changed: bool


def check_source(source: str) -> FlowDefinition:
    """The definition of a source that may be saved. Invalid, with every problem and its place, when it may not."""
    try:
        definition = parse_flow(source, plugin_defaults=layers_for(source))
        compile_flow(definition)
        check_worker_groups(definition)
    except InvalidFlow as error:
        raise Invalid(
            problems=[
                Problem(
                    _with_suggestion(violation.message, violation.suggestion),
                    violation.path,
                    violation.line or None,
                    violation.column or None,
                )
                for violation in error.violations
            ]
        ) from error
    except TypeError as error:
        raise Invalid(problems=[Problem(str(error), "tasks")]) from error
    return definition


def create_flow(*, acting_user: Actor | None, source: str) -> SavedFlow:
    """Save a new flow. A deleted flow of that name comes back with its next revision.

    Invalid (422) when the source has problems, a flow of that name exists, or its namespace must be created first and
    was not; TooManyRequests at the tenant's quota;
    nothing is stored then.
    """
    source = clean_source(source)
    definition = check_source(source)
    now = read_clock()
    with transaction.atomic():
        flow = _locked(definition.namespace, definition.id)
        if flow is not None and not flow.deleted:
            raise Invalid(problems=[Problem("Flow id already exists", "flow.id")])
        check_flow_quota()
        check_namespace_exists(definition.namespace)
        try:
            with transaction.atomic():
                flow = _write(flow, definition, source, acting_user, now)
        except IntegrityError as error:
            raise Invalid(problems=[Problem("Flow id already exists", "flow.id")]) from error
        _audit(acting_user, "CREATE", flow, None)
    return SavedFlow(flow, definition, True)


class RevisionMoved(IllegalState):
    """Somebody saved another revision than the one the change was made on."""


def update_flow(
    *, acting_user: Actor | None, namespace: str, flow_id: str, source: str, expected_revision: int | None = None
) -> SavedFlow:
    """Save a flow's next revision; the same source keeps the present one. NotFound, Invalid.

    RevisionMoved when ``expected_revision`` is given and no longer the newest; nothing is stored then.
    """
    source = clean_source(source)
    definition = check_source(source)
    problems = []
    if definition.id != flow_id:
        problems.append(Problem("Illegal flow id update", "flow.id"))
    if definition.namespace != namespace:
        problems.append(Problem("Illegal namespace update", "flow.namespace"))
    if problems:
        raise Invalid(problems=problems)
    with transaction.atomic():
        flow = _locked(namespace, flow_id)
        if flow is None or flow.deleted:
            raise NotFound(f"Flow {namespace}.{flow_id} not found")
        if flow.source == source:
            return SavedFlow(flow, definition, False)
        if expected_revision is not None and flow.revision != expected_revision:
            raise RevisionMoved(
                f"Flow {namespace}.{flow_id} is at revision {flow.revision} by now, your change was made on revision"
                f" {expected_revision}; look at the difference and save again"
            )
        before = {"revision": flow.revision, "source": flow.source}
        flow = _write(flow, definition, source, acting_user, read_clock())
        _audit(acting_user, "UPDATE", flow, before)
    return SavedFlow(flow, definition, True)


def delete_flow(*, acting_user: Actor | None, namespace: str, flow_id: str) -> Flow:
    """Mark a flow deleted, as a revision of its own. Its executions stay. NotFound when there is none."""
    now = read_clock()
    with transaction.atomic():
        flow = _locked(namespace, flow_id)
        if flow is None or flow.deleted:
            raise NotFound(f"Flow {namespace}.{flow_id} not found")
        before = {"revision": flow.revision, "source": flow.source}
        flow.revision += 1
        flow.deleted = True
        flow.updated = now
        flow.save(update_fields=["revision", "deleted", "updated"])
        _add_revision(flow, acting_user, now, deleted=True)
        remove_triggers(flow)
        _audit(acting_user, "DELETE", flow, before)
    return flow


def set_flow_disabled(*, acting_user: Actor | None, namespace: str, flow_id: str, disabled: bool) -> SavedFlow:
    """Enable or disable a flow by writing ``disabled:`` into its source, as a new revision."""
    flow = Flow.objects.filter(namespace=namespace, flow_id=flow_id, deleted=False).first()
    if flow is None:
        raise NotFound(f"Flow {namespace}.{flow_id} not found")
    source = re.sub(r"(?m)^disabled:.*\n?", "", flow.source).rstrip("\n") + "\n"
    if disabled:
        source += "disabled: true\n"
    return update_flow(acting_user=acting_user, namespace=namespace, flow_id=flow_id, source=source)


def _locked(namespace: str, flow_id: str) -> Flow | None:
    return Flow.objects.select_for_update().filter(namespace=namespace, flow_id=flow_id).first()


def _write(
    flow: Flow | None, definition: FlowDefinition, source: str, acting_user: Actor | None, now: datetime
) -> Flow:
    if definition.deleted:
        raise IllegalArgument("`deleted` is set by the server; delete the flow instead")
    if flow is None:
        flow = Flow(
            namespace=definition.namespace,
            flow_id=definition.id,
            namespace_ref=_namespace_ref(definition.namespace),
            revision=0,
            created=now,
        )
    flow.revision += 1
    flow.deleted = False
    flow.disabled = definition.disabled
    flow.description = definition.description or ""
    flow.labels = [{"key": label.key, "value": label.value} for label in definition.labels]
    flow.source = source
    flow.initials = initials(definition.id)
    flow.task_types = sorted({task.type for task in all_tasks(definition)})
    flow.trigger_ids = [trigger.id for trigger in definition.triggers]
    flow.trigger_types = sorted({trigger.type for trigger in definition.triggers})
    flow.updated = now
    flow.save()
    _index_words(flow)
    _add_revision(flow, acting_user, now, deleted=False)
    sync_triggers(flow, definition, now)
    return flow


def _add_revision(flow: Flow, acting_user: Actor | None, now: datetime, *, deleted: bool) -> None:
    FlowRevision.objects.create(
        flow=flow,
        revision=flow.revision,
        source=flow.source,
        deleted=deleted,
        author_id="" if acting_user is None else str(acting_user.id),
        created=now,
    )


def _namespace_ref(name: str) -> int:
    found, _ = NamespaceRef.objects.get_or_create(name=name)
    return int(found.ref)


def _index_words(flow: Flow) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE flow SET words = to_tsvector('simple', regexp_replace(left(source, %s), '[^[:alnum:]]+', ' ', 'g'))"
            " WHERE uid = %s",
            [INDEXED_CHARACTERS, flow.uid],
        )


def _audit(acting_user: Actor | None, action: str, flow: Flow, before: dict[str, Any] | None) -> None:
    record(
        acting_user=acting_user,
        action=action,
        resource="Flow",
        detail={"namespace": flow.namespace, "flowId": flow.flow_id, "revision": flow.revision},
        before=before,
        after=None if flow.deleted else {"revision": flow.revision, "source": flow.source},
        permission="FLOW",
    )


def initials(flow_id: str) -> str:
    """``build_request_temp`` → ``brt``: how people abbreviate a flow when they look for it."""
    return "".join(word[0] for word in re.split(r"[^0-9A-Za-z]+", flow_id) if word).lower()


def all_tasks(definition: FlowDefinition) -> list[Task]:
    """All tasks of a flow, nested ones too, in the order of the YAML."""
    found: list[Task] = []
    waiting = [*definition.tasks, *definition.errors, *definition.finally_, *definition.after_execution]
    waiting += [task for listener in definition.listeners for task in listener.tasks]
    waiting.reverse()
    while waiting:
        task = waiting.pop()
        found.append(task)
        waiting.extend(reversed(task.children()))
    return found


def _with_suggestion(message: str, suggestion: str | None) -> str:
    return f"{message}; did you mean `{suggestion}`?" if suggestion and suggestion not in message else message
