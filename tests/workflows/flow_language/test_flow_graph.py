"""The graph of a flow, as it is drawn."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.flow_language.graph import FlowGraph, GraphEdge, NodeKind, Relation, flow_graph
from apps.workflows.flow_language.source import inspect_flow, parse_flow

FOLDER = Path(os.environ.get("CONFORMANCE") or Path(__file__).resolve().parents[4] / "shared" / "conformance")
LOG = "{id: %s, type: io.kestra.plugin.core.log.Log, message: m}"


def cases() -> list[Any]:
    if not (FOLDER / "cases.json").is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no conformance cases; set CONFORMANCE"))]
    listed = json.loads((FOLDER / "cases.json").read_text())["cases"]
    return [pytest.param(case, id=case["id"]) for case in listed if case["area"] == "graph"]


@pytest.mark.parametrize("case", cases())
def test_graphs_have_the_known_sizes(case: dict[str, Any]) -> None:
    report = inspect_flow((FOLDER / "flows" / Path(*Path(case["flows"][0]).parts[-2:])).read_text())
    if report.flow is None:
        pytest.skip("it uses types that are not installed")
    shown = flow_graph(report.flow).to_json()
    wanted = case["steps"][0]["http"]["body"]
    for part, count in wanted.items():
        if "$absentOrNull" in count:
            assert part not in shown
        else:
            assert len(shown[part]) == count["$size"], part


def graph(tasks: str, more: str = "") -> FlowGraph:
    return flow_graph(parse_flow(f"id: f\nnamespace: n\ntasks:\n{tasks}\n{more}"))


def ways(found: FlowGraph) -> set[tuple[str, str]]:
    return {(edge.source.removeprefix("root"), edge.target.removeprefix("root")) for edge in found.edges}


def test_a_choice_names_its_cases() -> None:
    found = graph(
        f"  - {{id: s, type: io.kestra.plugin.core.flow.Switch, value: v, cases: {{x: [{LOG % 'a'}]}}, "
        f"defaults: [{LOG % 'b'}]}}"
    )
    assert GraphEdge("root.s", "root.s.a", Relation.CHOICE, "x") in found.edges
    assert GraphEdge("root.s", "root.s.b", Relation.CHOICE, "default") in found.edges
    assert {("#start", ".s#start"), (".s#start", ".s"), (".s.a", ".s#end"), (".s#end", "#end")} <= ways(found)


def test_a_dag_follows_its_dependencies() -> None:
    nodes = ", ".join(
        f"{{task: {LOG % name}, dependsOn: [{needs}]}}" for name, needs in (("c", "a, b"), ("a", ""), ("b", "a"))
    )
    found = graph(f"  - {{id: d, type: io.kestra.plugin.core.flow.Dag, tasks: [{nodes}]}}")
    inner = {way for way in ways(found) if "d" in way[0] and "d" in way[1]}
    assert inner == {
        (".d#start", ".d"),
        (".d", ".d.a"),
        (".d.a", ".d.b"),
        (".d.a", ".d.c"),
        (".d.b", ".d.c"),
        (".d.c", ".d#end"),
        (".d#end", "#end"),
    }


def test_handlers_and_final_tasks_hang_where_they_belong() -> None:
    found = graph(f"  - {LOG % 'a'}", f"errors: [{LOG % 'e'}]\nfinally: [{LOG % 'z'}]\nafterExecution: [{LOG % 'x'}]")
    assert ways(found) == {
        ("#start", ".a"),
        ("#start", ".e"),
        (".a", ".z"),
        (".e", ".z"),
        (".z", "#end"),
        ("#end", ".x"),
    }
    branches = {node.uid: node.branch for node in found.nodes if node.kind is NodeKind.TASK}
    assert branches == {"root.a": None, "root.e": Relation.ERROR, "root.z": Relation.FINALLY, "root.x": None}


def test_clusters_know_what_is_in_them() -> None:
    inner = f"{{id: in, type: io.kestra.plugin.core.flow.Sequential, tasks: [{LOG % 'a'}]}}"
    found = graph(f"  - {{id: out, type: io.kestra.plugin.core.flow.Parallel, tasks: [{inner}, {LOG % 'b'}]}}")
    outer_cluster, inner_cluster = found.clusters
    assert (outer_cluster.uid, outer_cluster.parents) == ("cluster_root.out", ())
    assert (inner_cluster.uid, inner_cluster.parents) == ("cluster_root.out.in", ("cluster_root.out",))
    assert set(inner_cluster.nodes) < set(outer_cluster.nodes)
    uids = [node.uid for node in found.nodes]
    assert len(uids) == len(set(uids))
    assert {end for edge in found.edges for end in (edge.source, edge.target)} <= set(uids)
