"""Where boxes of a graph stand and how its lines run: layers by longest path, order by what each is tied to.

Sizes and places are in pixels. The same boxes and lines always give the same picture. Cost: lines times layers crossed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

GAP_MAIN: Final = 36
"""Between two layers, where lines run."""
GAP_CROSS: Final = 16
"""Between two boxes of one layer."""
SWEEPS: Final = 4
_LANE: Final = 6


@dataclass(frozen=True, slots=True)
class Size:
    """Of a box, along x and y."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Point:
    """The upper left corner of a box, or a bend of a line."""

    x: float
    y: float


@dataclass(slots=True)
class Layout:
    """Corners of the boxes, bends of the lines from box to box, and the size of all."""

    corners: dict[str, Point] = field(default_factory=dict)
    bends: dict[tuple[str, str], list[Point]] = field(default_factory=dict)
    size: Size = field(default_factory=lambda: Size(0, 0))


def lay_out(sizes: Mapping[str, Size], lines: Sequence[tuple[str, str]], *, across: bool) -> Layout:
    """Layers from left to right (``across``) or from top to bottom. Lines that close a circle may run backwards."""
    if not sizes:
        return Layout()
    forward = _without_circles(list(sizes), lines)
    rank = _ranks(list(sizes), forward)
    layers, chains = _layers(rank, forward)
    _order(layers, chains)
    return _place(layers, chains, sizes, lines, across=across)


def _without_circles(names: Sequence[str], lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    following: dict[str, list[str]] = defaultdict(list)
    for source, target in lines:
        if source != target:
            following[source].append(target)
    state: dict[str, int] = {}
    kept: list[tuple[str, str]] = []
    for root in names:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(following[root]))]
        while stack:
            name, targets = stack[-1]
            target = next(targets, "")
            if not target:
                state[name] = 2
                stack.pop()
            elif state.get(target) == 1:
                kept.append((target, name))  # turned round, so that the two still stand apart
            else:
                kept.append((name, target))
                if target not in state:
                    state[target] = 1
                    stack.append((target, iter(following[target])))
    return list(dict.fromkeys(kept))


def _ranks(names: Sequence[str], lines: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Layer of each: one behind the last of what leads to it."""
    following: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(names, 0)
    for source, target in lines:
        following[source].append(target)
        waiting[target] += 1
    rank = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    for name in ready:
        for target in following[name]:
            rank[target] = max(rank[target], rank[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return rank


Chains = dict[tuple[str, str], list[str]]
"""For each line the boxes it goes through: its ends, and a lane of its own in each layer between."""


def _layers(rank: Mapping[str, int], lines: Sequence[tuple[str, str]]) -> tuple[list[list[str]], Chains]:
    layers: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for name, at in rank.items():
        layers[at].append(name)
    chains: Chains = {}
    for source, target in lines:
        lanes = [f"{source}\n{target}\n{at}" for at in range(rank[source] + 1, rank[target])]
        for at, lane in enumerate(lanes, rank[source] + 1):
            layers[at].append(lane)
        chains[source, target] = [source, *lanes, target]
    return layers, chains


def _order(layers: list[list[str]], chains: Chains) -> None:
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for chain in chains.values():
        for one, next_one in pairwise(chain):
            before[next_one].append(one)
            after[one].append(next_one)
    for sweep in range(SWEEPS):
        neighbours, walk = (before, layers[1:]) if sweep % 2 == 0 else (after, layers[-2::-1])
        place = {name: at / max(len(layer), 1) for layer in layers for at, name in enumerate(layer)}
        for layer in walk:
            middle = {
                name: sum(place[one] for one in neighbours[name]) / len(neighbours[name])
                if neighbours[name]
                else place[name]
                for name in layer
            }
            layer.sort(key=middle.__getitem__)
            place |= {name: at / max(len(layer), 1) for at, name in enumerate(layer)}


def _place(
    layers: list[list[str]],
    chains: Chains,
    sizes: Mapping[str, Size],
    lines: Sequence[tuple[str, str]],
    *,
    across: bool,
) -> Layout:
    def main(name: str) -> float:
        return (sizes[name].width if across else sizes[name].height) if name in sizes else 0

    def cross(name: str) -> float:
        return (sizes[name].height if across else sizes[name].width) if name in sizes else _LANE

    widths = [sum(cross(name) for name in layer) + GAP_CROSS * (len(layer) - 1) for layer in layers]
    whole = max(widths)
    made = Layout()
    middle: dict[str, tuple[float, float, float]] = {}
    offset = 0.0
    for layer, width in zip(layers, widths, strict=True):
        thick = max(main(name) for name in layer)
        at = (whole - width) / 2
        for name in layer:
            along = main(name) if name in sizes else thick
            begin = offset + (thick - along) / 2
            middle[name] = (begin, begin + along, at + cross(name) / 2)
            if name in sizes:
                made.corners[name] = Point(begin, at) if across else Point(at, begin)
            at += cross(name) + GAP_CROSS
        offset += thick + GAP_MAIN
    long = offset - GAP_MAIN
    made.size = Size(long, whole) if across else Size(whole, long)
    for source, target in dict.fromkeys(lines):
        if source == target:
            continue
        turned = (source, target) not in chains
        chain = chains[(target, source) if turned else (source, target)]
        points = [(middle[chain[0]][1], middle[chain[0]][2])]
        points += [(end, middle[lane][2]) for lane in chain[1:-1] for end in middle[lane][:2]]
        points.append((middle[chain[-1]][0], middle[chain[-1]][2]))
        shown = [Point(*point) if across else Point(point[1], point[0]) for point in points]
        made.bends[source, target] = shown[::-1] if turned else shown
    return made


def curve(points: Sequence[Point], *, across: bool) -> str:
    """The path of a line through its bends, as SVG writes it; it leaves and enters boxes straight."""
    said = f"M{points[0].x:.0f} {points[0].y:.0f}"
    for one, two in pairwise(points):
        if across:
            half = (one.x + two.x) / 2
            said += f"C{half:.0f} {one.y:.0f} {half:.0f} {two.y:.0f} {two.x:.0f} {two.y:.0f}"
        else:
            half = (one.y + two.y) / 2
            said += f"C{one.x:.0f} {half:.0f} {two.x:.0f} {half:.0f} {two.x:.0f} {two.y:.0f}"
    return said
