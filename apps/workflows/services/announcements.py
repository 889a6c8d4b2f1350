"""The end of an execution, told to those who wait: a queued execution of the same flow, a parent."""

from __future__ import annotations

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.engine.events import ChildrenEnded
from apps.workflows.services.advance import advance_execution
from apps.workflows.services.slots import free_queued


def announce_execution_end(execution_id: str, *, slot_freed: bool) -> None:
    """Tell a waiting parent, and let queued executions of the flow take the freed place.

    May come twice: who is told looks for itself. The place itself was given back by the step that ended the execution.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT namespace, flow_id, parent_execution_id, parent_run_id FROM execution WHERE id = %s",
            [to_uuid(execution_id)],
        )
        row = cursor.fetchone()
    if row is None:
        return
    namespace, flow_id, parent_execution_id, parent_run_id = row
    if parent_execution_id is not None:
        advance_execution(from_uuid(parent_execution_id), ChildrenEnded(from_uuid(parent_run_id)))
    if slot_freed:
        free_queued(namespace, flow_id)
