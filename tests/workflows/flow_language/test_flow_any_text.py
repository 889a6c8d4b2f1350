"""Whatever is written, it is told what is wrong: reading a flow never breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.graph import flow_graph
from apps.workflows.flow_language.properties import accepted_names
from apps.workflows.flow_language.source import inspect_flow
from apps.workflows.plugin_api.registry import type_names

FOLDER = Path(__file__).resolve().parents[2] / "flows"
SOURCES = [path.read_text() for path in sorted(FOLDER.glob("*.yaml")) if not path.name.endswith(".expected.yaml")]
WORDS = sorted(
    {*accepted_names(FlowDefinition), "type", "tasks", "values", "cases", "task", "dependsOn", "retry", "conditions"}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([*type_names(), "constant", "INT", "MAX_DURATION", "PT5S", "{{ a", "system.x", "kestra:///a"]),
    st.text(max_size=8),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)),
    max_leaves=25,
)


def check(source: str) -> None:
    report = inspect_flow(source)
    assert (report.flow is None) == bool(report.violations)
    for one in (*report.violations, *report.warnings):
        assert one.message
        assert one.line <= source.count("\n") + 2
    if report.flow is not None:
        json.dumps(report.flow.to_json(), allow_nan=False)
        flow_graph(report.flow).to_json()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(accepted_names(FlowDefinition))), TREES, max_size=8))
def test_any_tree(tree: dict[str, Any]) -> None:
    check(yaml.safe_dump(tree, allow_unicode=True))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SOURCES), st.data())
def test_any_flow_with_a_part_replaced(source: str, data: st.DataObject) -> None:
    tree = yaml.safe_load(source)
    node = tree
    for _ in range(data.draw(st.integers(0, 5))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key]:
            node[key] = data.draw(TREES)
            break
        node = node[key]
    check(yaml.safe_dump(tree, allow_unicode=True))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SOURCES), st.integers(0, 2000), st.text(alphabet="{}[]:,-&*!|>'\"\n\t ~<#%@a1", max_size=5))
def test_any_flow_with_a_text_put_in(source: str, place: int, text: str) -> None:
    place = min(place, len(source))
    check(source[:place] + text + source[place:])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)
