"""Which flows start which: by a task that names another flow, or by a trigger that waits for one.

What is rendered at run time (`flowId: "{{ … }}"`) cannot be known and is left out, but for the flow's own namespace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.workflows.flow_language.document import read_document
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.selectors.conditions import escape_like
from apps.workflows.selectors.flows import FlowRow, find_flows, not_deleted, search_flows

Key = tuple[str, str]
"""Namespace and id of a flow."""
MOST: Final = 200
"""Most flows in an answer, and most sources that are read for each step away from the first."""
BY_TASK, BY_TRIGGER = "FLOW_TASK", "FLOW_TRIGGER"


@dataclass(frozen=True, slots=True)
class Dependency:
    """`source` leads to `target`; `relation` is FLOW_TASK (it is started by a task) or FLOW_TRIGGER."""

    source: Key
    target: Key
    relation: str


@dataclass(slots=True)
class Dependencies:
    """Flows around some, all that are there (by key), and what ties them. `more`: there are others beyond MOST."""

    flows: dict[Key, FlowRow] = field(default_factory=dict)
    ties: list[Dependency] = field(default_factory=list)
    more: bool = False


def find_dependencies(start: Sequence[FlowRow], *, depth: int = 1) -> Dependencies:
    """What the flows of `start` need and what needs them, `depth` steps away. Two queries for each step.

    Not narrowed to what a person may see: who shows it does that.
    """
    found = Dependencies({_key(flow): flow for flow in start})
    ties: dict[Dependency, None] = {}
    border = list(start)
    for _ in range(depth):
        named = {tie: None for flow in border for tie in ties_of(flow)}
        users = _flows_that_name(border)
        wanted = {_key(flow) for flow in border}
        named |= {tie: None for flow in users for tie in ties_of(flow) if tie.source in wanted or tie.target in wanted}
        ties |= named
        unknown = {key for tie in named for key in (tie.source, tie.target)} - found.flows.keys()
        reached = {_key(flow): flow for flow in find_flows(unknown)} if unknown else {}
        room = MOST - len(found.flows)
        found.more = found.more or len(reached) > room or len(users) >= MOST
        kept = dict(list(reached.items())[: max(0, room)])
        found.flows |= kept
        border = list(kept.values())
        if not border:
            break
    found.ties = [tie for tie in ties if tie.source in found.flows and tie.target in found.flows]
    return found


def ties_of(flow: FlowRow) -> list[Dependency]:
    """What a flow's own source says; nothing for a source that cannot be read."""
    try:
        value = read_document(flow.source).value
    except InvalidFlow:
        return []
    if not isinstance(value, dict):
        return []
    own = _key(flow)
    tasks = [value.get(name) for name in ("tasks", "errors", "finally", "afterExecution")]
    ties = [Dependency(own, target, BY_TASK) for target in _named(tasks, own[0])]
    ties += [Dependency(source, own, BY_TRIGGER) for source in _named(value.get("triggers"), own[0])]
    return list(dict.fromkeys(tie for tie in ties if tie.source != tie.target))


def _flows_that_name(flows: Sequence[FlowRow]) -> list[FlowRow]:
    conditions = not_deleted()
    conditions.add("f.source LIKE ANY(%s)", [f"%{escape_like(flow.flow_id)}%" for flow in flows])
    conditions.add("f.source LIKE '%%flowId%%'")
    rows, _ = search_flows(conditions, order=(), offset=0, size=MOST)
    return rows


def _named(value: Any, own_namespace: str) -> Iterator[Key]:
    if isinstance(value, list):
        for item in value:
            yield from _named(item, own_namespace)
    elif isinstance(value, dict):
        namespace, flow_id = value.get("namespace"), value.get("flowId")
        if isinstance(namespace, str) and isinstance(flow_id, str):
            namespace = own_namespace if namespace.replace(" ", "") == "{{flow.namespace}}" else namespace
            if "{" not in namespace + flow_id:
                yield namespace, flow_id
        yield from _named(list(value.values()), own_namespace)


def _key(flow: FlowRow) -> Key:
    return flow.namespace, flow.flow_id
