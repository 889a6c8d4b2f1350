"""The zone in which a task gives dates that have one."""

from __future__ import annotations

from datetime import tzinfo

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.temporal import SERVER_ZONE, find_zone
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext


def zone_of(context: RunContext, time_zone_id: str | None) -> tzinfo:
    """The zone that is named, else the worker's. TaskFailed when there is none such."""
    if time_zone_id is None:
        return SERVER_ZONE
    try:
        return find_zone(context.render(time_zone_id))
    except Failure as error:
        raise TaskFailed(f"`timeZoneId`: {error}") from error
