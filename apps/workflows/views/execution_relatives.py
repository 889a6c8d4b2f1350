"""Executions around one, as far as the person may read them: the parent, the origin, what its tasks started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.http import HttpRequest

from apps.accounts.selectors import current_user
from apps.rbac.decisions import can
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.task import ExecutableTask
from apps.workflows.selectors.executions import ExecutionHead, ExecutionRow
from apps.workflows.selectors.relatives import Relatives, find_relatives, find_started
from apps.workflows.selectors.task_tree import TreeRun
from apps.workflows.services.definitions import FlowRevisionGone, load_flow


def find_readable(request: HttpRequest, row: ExecutionRow) -> Relatives:
    """Those in namespaces that the person may read; the others are as if they were not there."""
    found = find_relatives(row)
    return replace(
        found,
        parent=found.parent if found.parent and _may_read(request, found.parent) else None,
        origin=found.origin if found.origin and _may_read(request, found.origin) else None,
        children=[head for head in found.children if _may_read(request, head)],
    )


def find_children(request: HttpRequest, row: ExecutionRow, runs: Sequence[TreeRun]) -> dict[str, list[ExecutionHead]]:
    """What task runs that start executions have started, by task run. No query when none of the tasks does that."""
    try:
        tasks = load_flow(row.flow_ref, row.flow_revision, row.id).compiled
    except (InvalidFlow, FlowRevisionGone):  # the task runs are shown all the same
        return {}
    starters = [run.id for run in runs if isinstance(tasks.task(run.task_id).task, ExecutableTask)]
    found = find_started(row, starters)
    return {run_id: heads for run_id, heads in found.items() if all(_may_read(request, head) for head in heads)}


def _may_read(request: HttpRequest, head: ExecutionHead) -> bool:
    return can(current_user(request), "EXECUTION", "READ", head.namespace)
