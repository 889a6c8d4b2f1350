"""A flow as a picture: tasks as boxes, flowable tasks as boxes around boxes, with the states of an execution if asked.

`draw_flow(graph)` gives what `templates/components/topology.html` shows, and the same as a nested list for those who
read. More than MOST_NODES boxes are not drawn: inner groups are closed first, each with a link to see it by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.workflows.flow_language.graph import FlowGraph, GraphNode, NodeKind, Relation
from apps.workflows.views.graph_layout import Layout, Point, Size, curve, lay_out

MOST_NODES: Final = 400
BOX: Final = Size(176, 44)
_HEAD, _PAD, _EDGE = 30, 14, 16
_TEXT: Final = 19
"""Letters that fit into a box."""


@dataclass(frozen=True, slots=True)
class TaskMark:
    """What an execution says of a task: its state, a word on the right (a duration, `3 of 5`), and where it leads."""

    state: str
    note: str = ""
    href: str = ""


@dataclass(slots=True)
class Item:
    """A task, a trigger, or a group of them. `kind` is task, trigger, group, errors, finally, after or more."""

    uid: str
    task_id: str
    kind: str
    type: str = ""
    about: str = ""
    entry: str = ""
    """The case of a choice by which it is entered."""
    disabled: bool = False
    items: list[Item] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False
    mark: TaskMark | None = None
    href: str = ""
    """Where it leads, when that is not the mark's."""

    @property
    def target(self) -> str:
        return self.mark.href if self.mark and self.mark.href else self.href

    def count(self) -> int:
        """Boxes that are drawn for it."""
        return 1 if self.closed or not self.items else sum(one.count() for one in self.items)

    def walk(self) -> Iterator[Item]:
        """Itself and all in it."""
        yield self
        for one in self.items:
            yield from one.walk()

    @property
    def short_type(self) -> str:
        return ".".join(self.type.rsplit(".", 2)[-2:])

    @property
    def title(self) -> str:
        return _cut(self.task_id, _TEXT - (len(self.mark.note) if self.mark else 0))

    @property
    def subtitle(self) -> str:
        if self.closed:
            return f"{sum(1 for one in self.walk()) - 1} tasks inside"
        return _cut(f"{self.entry}: {self.short_type}" if self.entry else self.short_type, _TEXT + 5)

    @property
    def heading(self) -> str:
        """Above a group."""
        return " · ".join(word for word in (self.task_id, self.about) if word)

    @property
    def spoken(self) -> str:
        """For those who cannot see it."""
        words = [self.task_id, self.short_type, self.about, f"when {self.entry}" if self.entry else ""]
        words += [self.mark.state.lower(), self.mark.note] if self.mark else []
        return ", ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Placed:
    """An item and where it stands."""

    item: Item
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A way from one item to another."""

    path: str
    soft: bool


@dataclass(slots=True)
class Drawing:
    """All that is drawn, outer groups first; `root` is the same as a tree. `hidden` tasks are not shown."""

    root: Item
    width: float = 0
    height: float = 0
    groups: list[Placed] = field(default_factory=list)
    boxes: list[Placed] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    hidden: int = 0
    focused: bool = False


def draw_flow(
    graph: FlowGraph, marks: Mapping[str, TaskMark] | None = None, *, across: bool = True, focus: str = ""
) -> Drawing:
    """The picture of a flow. `marks` by task id; `focus` the uid of a group that is drawn alone."""
    root = _tree(graph)
    for one in root.walk():
        one.mark = (marks or {}).get(one.task_id)
    chosen = next((one for one in root.walk() if one.uid == focus and one.items), root) if focus else root
    drawing = draw(chosen, across=across)
    drawing.focused = chosen is not root
    return drawing


def draw(root: Item, *, across: bool = True) -> Drawing:
    """The picture of a tree of items: from left to right or from top to bottom; inside groups always downwards."""
    drawing = Drawing(root)
    drawing.hidden = _limit(root)
    size, inner = _measure(root, across=across)
    drawing.width, drawing.height = size.width + 2 * _EDGE, size.height + 2 * _EDGE
    _put(root, inner, Point(_EDGE, _EDGE), drawing)
    return drawing


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _limit(root: Item) -> int:
    """Close groups, the innermost first, until few enough boxes are left; then leave out the last ones."""
    groups = sorted(
        ((depth, one) for depth, one in _with_depth(root, 0) if one.items and depth), key=lambda pair: -pair[0]
    )
    for _, group in groups:
        if root.count() <= MOST_NODES:
            return 0
        group.closed = True
    left = root.items[MOST_NODES:]
    if left:
        root.items = root.items[:MOST_NODES]
        kept = {one.uid for one in root.items}
        root.lines = [line for line in root.lines if line[0] in kept and line[1] in kept]
    return len(left)


def _with_depth(item: Item, depth: int) -> Iterator[tuple[int, Item]]:
    yield depth, item
    for one in item.items:
        yield from _with_depth(one, depth + 1)


@dataclass(slots=True)
class _Inner:
    """Sizes and places inside a group: its main part, and what stands below it."""

    main: Layout
    below: list[tuple[Item, Point]]
    parts: dict[str, tuple[Size, _Inner | None]]
    inset: Point
    across: bool


def _measure(item: Item, *, across: bool) -> tuple[Size, _Inner]:
    parts: dict[str, tuple[Size, _Inner | None]] = {}
    for one in item.items:
        parts[one.uid] = (BOX, None) if one.closed or not one.items else _measure(one, across=False)
    below = [one for one in item.items if one.kind == "errors"]
    aside = {one.uid for one in below}
    main = {one.uid: parts[one.uid][0] for one in item.items if one.uid not in aside}
    lines = [line for line in item.lines if line[0] in main and line[1] in main]
    layout = lay_out(main, lines, across=across)
    width, height = layout.size.width, layout.size.height
    places: list[tuple[Item, Point]] = []
    for one in below:
        size = parts[one.uid][0]
        top = height + (20 if height else 0)
        places.append((one, Point(0, top)))
        width, height = max(width, size.width), top + size.height
    framed = item.kind != "root"
    inset = Point(_PAD, _HEAD) if framed else Point(0, 0)
    if framed:
        width, height = max(width + 2 * _PAD, min(7 * len(item.heading) + 28, 420)), height + _HEAD + _PAD
    return Size(width, height), _Inner(layout, places, parts, inset, across)


def _put(item: Item, inner: _Inner, corner: Point, drawing: Drawing) -> None:
    base = Point(corner.x + inner.inset.x, corner.y + inner.inset.y)
    places = {**inner.main.corners, **{one.uid: place for one, place in inner.below}}
    for (source, target), bends in inner.main.bends.items():
        moved = [Point(base.x + bend.x, base.y + bend.y) for bend in bends]
        drawing.lines.append(Line(curve(moved, across=inner.across), soft=_soft(item, source, target)))
    for one in item.items:
        place = places[one.uid]
        at = Point(base.x + place.x, base.y + place.y)
        size, deeper = inner.parts[one.uid]
        if deeper is None:
            drawing.boxes.append(Placed(one, at.x, at.y, size.width, size.height))
        else:
            drawing.groups.append(Placed(one, at.x, at.y, size.width, size.height))
            _put(one, deeper, at, drawing)


def _soft(item: Item, source: str, target: str) -> bool:
    kinds = {one.uid: one.kind for one in item.items if one.uid in (source, target)}
    return kinds.get(source) == "trigger" or kinds.get(target) in ("finally", "after")


# From the graph of the language to a tree of items


class _Tree:
    def __init__(self, graph: FlowGraph) -> None:
        self.graph = graph
        self.root = Item("root", "", "root")
        self.items: dict[str, Item] = {"root": self.root}
        self.chains: dict[str, list[str]] = {}
        self.nodes = {node.uid: node for node in graph.nodes}
        self.after = self._after_execution()

    def _after_execution(self) -> set[str]:
        found = {edge.target for edge in self.graph.edges if edge.relation is Relation.AFTER_EXECUTION}
        size = -1
        while len(found) != size:
            size = len(found)
            found |= {edge.target for edge in self.graph.edges if edge.source in found}
        return found

    def build(self) -> Item:
        around: dict[str, list[str]] = {}
        of_cluster: dict[str, str] = {}
        for cluster in self.graph.clusters:
            if cluster.task is None:
                continue
            uid = cluster.start.removesuffix("#start")
            of_cluster[cluster.uid] = uid
            for name in cluster.nodes:
                around.setdefault(name, []).append(uid)
        groups = set(of_cluster.values())
        for node in self.graph.nodes:
            if node.kind in (NodeKind.START, NodeKind.END):
                owner = node.uid.rpartition("#")[0]
                self.chains[node.uid] = [] if owner not in groups else self.chains.get(owner, [])
                continue
            outer = [uid for uid in around.get(node.uid, []) if uid != node.uid]
            parent = self._parent(outer[-1] if outer else "root", node)
            item = self._item(node, is_group=node.uid in groups)
            parent.items.append(item)
            self.items[node.uid] = item
            self.chains[node.uid] = [*self.chains.get(parent.uid, []), node.uid]
        self._connect()
        return self.root

    def _parent(self, uid: str, node: GraphNode) -> Item:
        """The group itself, or its part for errors, for what runs at the end, for what runs after it."""
        parent = self.items[uid]
        holder = self.nodes.get(uid)
        branch = node.branch if holder is None or holder.branch is not node.branch else None
        kind, about = (
            {
                Relation.ERROR: ("errors", "when a task fails"),
                Relation.FINALLY: ("finally", "at the end, always"),
            }.get(branch, ("", ""))
            if branch
            else ("", "")
        )
        if uid == "root" and node.uid in self.after:
            kind, about = "after", "when the execution has ended"
        if not kind:
            return parent
        part = f"{uid}#{kind}"
        if part not in self.items:
            made = Item(part, {"after": "afterExecution"}.get(kind, kind), kind, about=about)
            parent.items.append(made)
            self.items[part] = made
            self.chains[part] = [*self.chains.get(uid, []), part]
        return self.items[part]

    def _item(self, node: GraphNode, *, is_group: bool) -> Item:
        if node.trigger is not None:
            return Item(node.uid, node.trigger.id, "trigger", node.trigger.type, disabled=node.trigger.disabled)
        assert node.task is not None  # noqa: S101  # START and END are no items
        about = node.task.type.rsplit(".", 1)[-1] if is_group else ""
        kind = "group" if is_group else "task"
        return Item(node.uid, node.task.id, kind, node.task.type, about=about, disabled=node.task.disabled)

    def _connect(self) -> None:
        for edge in self.graph.edges:
            # Starts and ends stand for the whole group, and so does the task that holds it.
            one, two = self.chains.get(self._whole(edge.source), []), self.chains.get(self._whole(edge.target), [])
            same = 0
            while same < min(len(one), len(two)) and one[same] == two[same]:
                same += 1
            if edge.value is not None and len(two) > same:
                self.items[two[same]].entry = edge.value
            if same == len(one) or same == len(two):
                continue
            scope = self.items[one[same - 1]] if same else self.root
            line = (one[same], two[same])
            if line not in scope.lines:
                scope.lines.append(line)
        self._enter()

    def _whole(self, uid: str) -> str:
        return uid.rpartition("#")[0] or uid if "#" in uid and uid.rpartition("#")[0] in self.items else uid

    def _enter(self) -> None:
        """Triggers lead to what comes first, and what runs after the execution follows what comes last."""
        targets = {target for _, target in self.root.lines}
        sources = {source for source, _ in self.root.lines}
        main = [one for one in self.root.items if one.kind not in ("trigger", "errors", "after")]
        first = [one.uid for one in main if one.uid not in targets]
        last = [one.uid for one in main if one.uid not in sources]
        triggers = [one.uid for one in self.root.items if one.kind == "trigger"]
        self.root.lines = [line for line in self.root.lines if line[0] not in triggers]
        self.root.lines += [(trigger, uid) for trigger in triggers for uid in first[:1] or []]
        self.root.lines += [(uid, one.uid) for one in self.root.items if one.kind == "after" for uid in last]


def _tree(graph: FlowGraph) -> Item:
    return _Tree(graph).build()
