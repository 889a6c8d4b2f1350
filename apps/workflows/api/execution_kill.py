"""Ending executions: one, several, or all that a search finds."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.access import access
from apps.common.api import query_flag
from apps.rbac.decisions import can
from apps.workflows.api.describe import EXECUTION_FILTERS, NOTHING, describe, flag
from apps.workflows.api.executions import find_ids
from apps.workflows.api.reading import answer_unfit, get_head, read_ids
from apps.workflows.schemas.flows import BulkShape
from apps.workflows.services.bulk_executions import (
    UnfitExecutions,
    check_executions,
    kill_executions,
    kill_with_children,
    unkillable,
)


@describe(
    {202: NOTHING},
    query=(flag("isOnKillCascade", "With what it started (true when not given)."),),
    tag="Executions",
)
@access("EXECUTION", "UPDATE")
def kill(request: Request, execution_id: str) -> Response:
    """End an execution: 202 at once; its running tasks are stopped within a second."""
    get_head(request, execution_id, action="UPDATE")
    kill_with_children(
        acting_user=request.user,
        execution_id=execution_id,
        cascade=query_flag(request.query_params, "isOnKillCascade", default=True),
    )
    return Response(status=202)


@describe(BulkShape, body=list[str], tag="Executions")
@access("EXECUTION", "UPDATE")
def kill_by_ids(request: Request) -> HttpResponse | dict[str, int]:
    """End executions, all or none."""
    return _kill(request, read_ids(request))


@describe(BulkShape, query=EXECUTION_FILTERS, tag="Executions")
@access("EXECUTION", "UPDATE")
def kill_by_query(request: Request) -> HttpResponse | dict[str, int]:
    """End all executions that a search finds, all or none."""
    return _kill(request, find_ids(request, "UPDATE"))


def _kill(request: Request, execution_ids: Sequence[str]) -> HttpResponse | dict[str, int]:
    try:
        heads = check_executions(
            execution_ids, may=lambda namespace: can(request.user, "EXECUTION", "UPDATE", namespace), fits=unkillable
        )
        return {"count": kill_executions(acting_user=request.user, heads=heads)}
    except UnfitExecutions as error:
        return answer_unfit("kill", error)
