"""Worker groups that a flow names: refused at save when none of that key may be used by the tenant."""

from __future__ import annotations

from apps.common.current_tenant import require_tenant
from apps.instance.selectors import DEFAULT_GROUP, list_worker_groups
from apps.workflows.expressions.errors import nearest
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.nodes import models
from apps.workflows.flow_language.violations import InvalidFlow, Violation, format_path
from apps.workflows.plugin_api.task import WorkerGroup


def check_worker_groups(flow: FlowDefinition) -> None:
    """InvalidFlow for each key that is no group, or one that this tenant may not use.

    Keys with expressions are known only when they run. An installation that has announced no group refuses none: its
    workers alone say which there are. One query, only for a flow that names a group.
    """
    named = [
        (format_path(path), model.key)
        for path, model in models(flow)
        if isinstance(model, WorkerGroup) and "{" not in model.key and model.key != DEFAULT_GROUP
    ]
    groups = list_worker_groups() if named else ()
    if not groups:
        return
    tenant = require_tenant()
    usable = [group.key for group in groups if not group.allowed_tenants or tenant in group.allowed_tenants]
    violations = [
        Violation(f"there is no worker group `{key}` that this tenant may use", path, suggestion=nearest(key, usable))
        for path, key in named
        if key not in usable
    ]
    if violations:
        raise InvalidFlow(violations)
