"""What every tab of a flow's page shows above its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from apps.accounts.selectors import current_user
from apps.rbac.decisions import can
from apps.workflows.selectors.activity import RunMark, last_runs
from apps.workflows.selectors.flows import FlowRow


@dataclass(frozen=True)
class FlowRights:
    """What the person may do with the flow."""

    update: bool
    delete: bool
    execute: bool
    see_executions: bool
    create: bool


def flow_context(request: HttpRequest, flow: FlowRow, *, tab: str) -> dict[str, Any]:
    """For templates that extend workflows/flows/flow.html. One query, none without the right to see executions."""
    user, namespace = current_user(request), flow.namespace
    rights = FlowRights(
        update=can(user, "FLOW", "UPDATE", namespace),
        delete=can(user, "FLOW", "DELETE", namespace),
        execute=can(user, "EXECUTION", "CREATE", namespace),
        see_executions=can(user, "EXECUTION", "READ", namespace),
        create=can(user, "FLOW", "CREATE"),
    )
    runs: list[RunMark] = last_runs([flow.flow_ref])[flow.flow_ref] if rights.see_executions else []
    tabs = [
        ("overview", "Overview", "flow"),
        ("topology", "Topology", "flow_topology"),
        ("edit", "Edit", "flow_edit"),
        ("revisions", "Revisions", "flow_revisions"),
        ("triggers", "Triggers", "flow_triggers"),
        ("dependencies", "Dependencies", "flow_dependencies"),
    ]
    if rights.see_executions:
        tabs.insert(2, ("executions", "Executions", "flow_executions"))
    return {
        "flow": flow,
        "rights": rights,
        "runs": runs[::-1],
        "last_run": runs[0] if runs else None,
        "tab": tab,
        "tabs": tabs,
        "route": {"namespace": namespace, "flow_id": flow.flow_id},
    }
