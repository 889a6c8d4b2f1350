"""FlowGraph: the flow as nodes, edges and clusters, for drawing; a flowable task is a cluster of its children."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.plugin_api.frame import FrameSpec, Lanes
from apps.workflows.plugin_api.task import FlowableTask, Task
from apps.workflows.plugin_api.trigger import Trigger

_TYPES = "io.kestra.core.models.hierarchies."


class Relation(StrEnum):
    """Why one node follows another."""

    SEQUENTIAL = "SEQUENTIAL"
    CHOICE = "CHOICE"
    PARALLEL = "PARALLEL"
    DYNAMIC = "DYNAMIC"
    ERROR = "ERROR"
    FINALLY = "FINALLY"
    AFTER_EXECUTION = "AFTER_EXECUTION"


class NodeKind(StrEnum):
    """What a node stands for, in the words of the API."""

    TASK = _TYPES + "GraphTask"
    TRIGGER = _TYPES + "GraphTrigger"
    START = _TYPES + "GraphClusterRoot"
    END = _TYPES + "GraphClusterEnd"


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A task, a trigger, or the start or end of a cluster. ``branch`` is ERROR or FINALLY below such a list."""

    uid: str
    kind: NodeKind
    task: Task | None = None
    trigger: Trigger | None = None
    branch: Relation | None = None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A way from one node to another; ``value`` is the case of a choice."""

    source: str
    target: str
    relation: Relation = Relation.SEQUENTIAL
    value: str | None = None


@dataclass(frozen=True, slots=True)
class GraphCluster:
    """What belongs to one flowable task: its nodes, from ``start`` to ``end``; ``parents`` from the outermost in."""

    uid: str
    start: str
    end: str
    nodes: tuple[str, ...]
    parents: tuple[str, ...]
    task: Task | None = None


@dataclass(slots=True)
class FlowGraph:
    """All of a flow that can be drawn."""

    nodes: list[GraphNode] = field(default_factory=list)
    edges: list[GraphEdge] = field(default_factory=list)
    clusters: list[GraphCluster] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The graph as the API shows it; no clusters at all when there are none."""
        shown: dict[str, Any] = {
            "nodes": [_shown_node(node) for node in self.nodes],
            "edges": [_shown_edge(edge) for edge in self.edges],
        }
        if self.clusters:
            shown["clusters"] = [_shown_cluster(cluster) for cluster in self.clusters]
        return shown


def flow_graph(flow: FlowDefinition) -> FlowGraph:
    """The graph of a flow: triggers, tasks, error handlers, and what runs at the end."""
    builder = _Builder()
    start, end = builder.ends("root", None)
    if flow.triggers:
        builder.triggers(flow.triggers, start)
    scope = _Scope("root", ())
    leaves = builder.chain(scope, flow.tasks, [(start, None)], Relation.SEQUENTIAL)
    leaves += builder.errors(scope, flow.errors, start)
    builder.close(scope, leaves, flow.finally_, end)
    builder.chain(scope, flow.after_execution, [(end, None)], Relation.AFTER_EXECUTION)
    return builder.graph


Exits = list[tuple[str, str | None]]
"""Nodes whose next node is not known yet, with the value their edge will carry."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where nodes are being made: the prefix of their ids, the clusters around them, and the special branch."""

    path: str
    parents: tuple[str, ...]
    branch: Relation | None = None


class _Builder:
    def __init__(self) -> None:
        self.graph = FlowGraph()

    def ends(self, path: str, branch: Relation | None) -> tuple[str, str]:
        # `#` is no letter of a task's id, so these can be no task.
        start, end = f"{path}#start", f"{path}#end"
        self.graph.nodes.append(GraphNode(start, NodeKind.START, branch=branch))
        self.graph.nodes.append(GraphNode(end, NodeKind.END, branch=branch))
        return start, end

    def link(self, exits: Exits, target: str, relation: Relation) -> None:
        self.graph.edges += [GraphEdge(source, target, relation, value) for source, value in exits]

    def triggers(self, triggers: Sequence[Trigger], flow_start: str) -> None:
        path = "root.Triggers"
        start, end = self.ends(path, None)
        uids = [f"{path}.{trigger.id}" for trigger in triggers]
        for uid, trigger in zip(uids, triggers, strict=True):
            self.graph.nodes.append(GraphNode(uid, NodeKind.TRIGGER, trigger=trigger))
            self.graph.edges += [GraphEdge(start, uid), GraphEdge(uid, end)]
        self.graph.edges.append(GraphEdge(end, flow_start))
        self.graph.clusters.append(GraphCluster(f"cluster_{path}", start, end, (start, *uids, end), ()))

    def chain(self, scope: _Scope, tasks: Iterable[Task], exits: Exits, first: Relation) -> Exits:
        """Tasks one after another; answers what is left open at the end."""
        relation = first
        for task in tasks:
            entry, leaving = self.task(scope, task)
            self.link(exits, entry, relation)
            exits, relation = [(leaving, None)], Relation.SEQUENTIAL
        return exits

    def errors(self, scope: _Scope, tasks: Sequence[Task], start: str) -> Exits:
        if not tasks:
            return []
        below = _Scope(scope.path, scope.parents, Relation.ERROR)
        return self.chain(below, tasks, [(start, None)], Relation.ERROR)

    def close(self, scope: _Scope, leaves: Exits, finals: Sequence[Task], end: str) -> None:
        below = _Scope(scope.path, scope.parents, Relation.FINALLY)
        relation = Relation.FINALLY if finals else Relation.SEQUENTIAL
        self.link(self.chain(below, finals, leaves, relation), end, Relation.SEQUENTIAL)

    def task(self, scope: _Scope, task: Task) -> tuple[str, str]:
        """Make a task's node, or cluster; answers where it is entered and left."""
        uid = f"{scope.path}.{task.id}"
        if not isinstance(task, FlowableTask):
            self.graph.nodes.append(GraphNode(uid, NodeKind.TASK, task=task, branch=scope.branch))
            return uid, uid
        cluster = f"cluster_{uid}"
        mark = len(self.graph.nodes)
        start, end = self.ends(uid, scope.branch)
        self.graph.nodes.append(GraphNode(uid, NodeKind.TASK, task=task, branch=scope.branch))
        self.link([(start, None)], uid, Relation.SEQUENTIAL)
        inside = _Scope(uid, (*scope.parents, cluster), scope.branch)
        place = len(self.graph.clusters)
        spec = task.frame()
        leaves = self.children(inside, spec, uid) + self.errors(inside, spec.errors, uid)
        self.close(inside, leaves, spec.finals, end)
        nodes = tuple(node.uid for node in self.graph.nodes[mark:])
        # Outer clusters come before those inside them.
        self.graph.clusters.insert(place, GraphCluster(cluster, start, end, nodes, scope.parents, task))
        return start, end

    def children(self, scope: _Scope, spec: FrameSpec, holder: str) -> Exits:
        main = spec.lists.get("main", ())
        match spec.lanes:
            case Lanes.GATED:
                return self.gated(scope, spec, holder)
            case Lanes.PER_TASK | Lanes.PER_VALUE_AND_TASK:
                relation = Relation.PARALLEL if spec.lanes is Lanes.PER_TASK else Relation.DYNAMIC
                branches = [self.chain(scope, [task], [(holder, None)], relation) for task in main]
                return [leaf for branch in branches for leaf in branch] or [(holder, None)]
            case Lanes.PER_VALUE:
                return self.chain(scope, main, [(holder, None)], Relation.DYNAMIC)
        if set(spec.lists) <= {"main"}:
            return self.chain(scope, main, [(holder, None)], Relation.SEQUENTIAL)
        leaves: Exits = []
        for name, tasks in spec.lists.items():
            if tasks:
                leaves += self.chain(scope, tasks, [(holder, name.removeprefix("case:"))], Relation.CHOICE)
        return leaves

    def gated(self, scope: _Scope, spec: FrameSpec, holder: str) -> Exits:
        tasks = spec.lists.get("main", ())
        ways = {task.id: self.task(scope, task) for task in tasks}
        used = {name for names in spec.depends_on.values() for name in names}
        for task in tasks:
            needs = [(ways[name][1], None) for name in spec.depends_on.get(task.id, ()) if name in ways]
            self.link(list(needs) or [(holder, None)], ways[task.id][0], Relation.PARALLEL)
        return [(ways[task.id][1], None) for task in tasks if task.id not in used] or [(holder, None)]


def _shown_node(node: GraphNode) -> dict[str, Any]:
    shown: dict[str, Any] = {"uid": node.uid, "type": node.kind.value}
    if node.branch is not None:
        shown["branchType"] = node.branch.value
    if node.task is not None:
        shown["task"] = {"id": node.task.id, "type": node.task.type, "disabled": node.task.disabled}
    if node.trigger is not None:
        shown["trigger"] = {"id": node.trigger.id, "type": node.trigger.type, "disabled": node.trigger.disabled}
    return shown


def _shown_edge(edge: GraphEdge) -> dict[str, Any]:
    relation: dict[str, Any] = {"relationType": edge.relation.value}
    if edge.value is not None:
        relation["value"] = edge.value
    return {"source": edge.source, "target": edge.target, "relation": relation}


def _shown_cluster(cluster: GraphCluster) -> dict[str, Any]:
    shown: dict[str, Any] = {"uid": cluster.uid, "type": _TYPES + "GraphCluster"}
    if cluster.task is not None:
        shown["taskNode"] = {"task": {"id": cluster.task.id, "type": cluster.task.type}}
    return {
        "cluster": shown,
        "nodes": list(cluster.nodes),
        "parents": list(cluster.parents),
        "start": cluster.start,
        "end": cluster.end,
    }
