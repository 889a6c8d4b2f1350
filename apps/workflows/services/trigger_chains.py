"""Chains of Flow triggers: how long one is already, and which would feed itself for ever."""

from __future__ import annotations

from typing import Final

from apps.namespaces.selectors import may_use
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import TriggerState
from apps.workflows.plugin_api.registry import names_of
from apps.workflows.plugin_api.trigger import FlowListener
from apps.workflows.selectors.executions import ExecutionRow, find_execution
from apps.workflows.services.trigger_starts import find_triggered

LONGEST_CHAIN: Final = 20
"""Executions that may follow one another by Flow triggers."""
MOST_LISTENERS: Final = 2_000
"""Flow triggers that are looked through when a flow is checked."""
FLOW_TYPES: Final = frozenset(names_of("io.kestra.plugin.core.trigger.Flow"))
_Name = tuple[str, str]


def chain_length(execution: ExecutionRow) -> int:
    """How many Flow triggers led to this execution, one after another; at most LONGEST_CHAIN. One query each."""
    length = 0
    held: ExecutionRow | None = execution
    while held is not None and length < LONGEST_CHAIN:
        trigger = held.trigger or {}
        if trigger.get("type") not in FLOW_TYPES:
            break
        length += 1
        held = find_execution(str((trigger.get("variables") or {}).get("executionId") or ""))
    return length


def feeding_itself(definition: FlowDefinition) -> list[_Name]:
    """The shortest chain of flows by which an execution of this flow may start the flow again; empty when none does.

    Only names are looked at: whether states and expressions let the chain go on for ever is not known beforehand.
    """
    own = (definition.namespace, definition.id)
    triggers = [one for one in definition.triggers if isinstance(one, FlowListener) and not one.disabled]
    if definition.disabled or not triggers:
        return []
    listeners = _listeners(own) | {own: triggers}
    came_from: dict[_Name, _Name] = {}
    waiting = [own]
    for flow in waiting:
        for target, followers in listeners.items():
            # A flow never follows itself, so a chain has at least two.
            if target == flow or not may_use(flow[0], used_by=target[0]):
                continue
            if not any(follower.may_follow(*flow) for follower in followers):
                continue
            if target == own:
                return _path(own, flow, came_from)
            if target not in came_from:
                came_from[target] = flow
                waiting.append(target)
    return []


def chain_warning(definition: FlowDefinition) -> str | None:
    """A sentence for whoever saves a flow that may start itself again; None when no chain leads back to it."""
    chain = feeding_itself(definition)
    if not chain:
        return None
    names = " → ".join(f"{namespace}.{flow_id}" for namespace, flow_id in chain)
    return (
        f"triggers: by their Flow triggers these flows may start one another for ever: {names}; such a chain is stopped"
        f" after {LONGEST_CHAIN} executions"
    )


def _path(own: _Name, last: _Name, came_from: dict[_Name, _Name]) -> list[_Name]:
    path = [own, last]
    while path[-1] != own:
        path.append(came_from[path[-1]])
    return list(reversed(path))


def _listeners(beside: _Name) -> dict[_Name, list[FlowListener]]:
    found: dict[_Name, list[FlowListener]] = {}
    rows = TriggerState.objects.filter(listens__gt=0).exclude(namespace=beside[0], flow_id=beside[1]).order_by("id")
    for row in rows[:MOST_LISTENERS]:
        try:
            of = find_triggered(row.namespace, row.flow_id, row.trigger_id)
        except InvalidFlow:
            continue  # it starts nothing as long as it cannot be read
        if of is not None and isinstance(of.trigger, FlowListener):
            found.setdefault((row.namespace, row.flow_id), []).append(of.trigger)
    return found
