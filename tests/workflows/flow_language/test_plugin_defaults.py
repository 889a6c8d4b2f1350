"""Plugin defaults: which nodes they reach, and who wins."""

from __future__ import annotations

from typing import Any

import pytest

from apps.workflows.flow_language.plugin_defaults import read_layer
from apps.workflows.flow_language.source import parse_flow

LOG = "io.kestra.plugin.core.log.Log"


def first_task(own: str = "", *, flow: str = "[]", around: tuple[list[dict[str, Any]], ...] = ()) -> dict[str, Any]:
    source = f"id: a\nnamespace: b\npluginDefaults: {flow}\ntasks: [{{id: t, type: {LOG}, message: m{own}}}]\n"
    parsed = parse_flow(source, plugin_defaults=[read_layer(layer) for layer in around])
    return parsed.tasks[0].to_json()


def entry(values: dict[str, Any], *, name: str = LOG, forced: bool = False) -> dict[str, Any]:
    return {"type": name, "values": values, "forced": forced}


def test_a_default_fills_what_is_absent() -> None:
    assert first_task(flow=f"[{{type: {LOG}, values: {{level: WARN}}}}]")["level"] == "WARN"


def test_the_task_wins_over_a_default() -> None:
    assert first_task(", level: ERROR", flow=f"[{{type: {LOG}, values: {{level: WARN}}}}]")["level"] == "ERROR"


def test_a_forced_default_wins_over_the_task() -> None:
    assert first_task(", level: ERROR", around=([entry({"level": "WARN"}, forced=True)],))["level"] == "WARN"


@pytest.mark.parametrize("forced", [False, True])
def test_the_nearest_layer_wins(forced: bool) -> None:
    around = ([entry({"level": "DEBUG"}, forced=forced)], [entry({"level": "TRACE", "logToFile": True}, forced=forced)])
    task = first_task(around=around)
    assert (task["level"], task["logToFile"]) == ("DEBUG", True)


def test_the_first_listed_wins_within_a_layer() -> None:
    assert first_task(around=([entry({"level": "DEBUG"}), entry({"level": "TRACE"})],))["level"] == "DEBUG"


@pytest.mark.parametrize("name", [LOG, "io.kestra.plugin.core.log", "io.kestra", "io.kestra.core.tasks.log.Log"])
def test_types_match_by_name_alias_and_prefix(name: str) -> None:
    assert first_task(around=([entry({"level": "WARN"}, name=name)],))["level"] == "WARN"


@pytest.mark.parametrize("name", ["io.kestra.plugin.core.debug.Return", "io.kestra.plugin.core.log.Logger", "x"])
def test_other_types_are_left_alone(name: str) -> None:
    assert "level" not in first_task(around=([entry({"level": "WARN"}, name=name)],))


def test_maps_merge_deeply_and_lists_do_not() -> None:
    source = """
id: a
namespace: b
pluginDefaults:
  - type: io.kestra.plugin.core.http.Request
    values: {uri: "http://x", options: {readTimeout: PT1S, maxContentLength: 5}, headers: {A: a, B: b}}
  - type: io.kestra.plugin.core.http.Request
    forced: true
    values: {options: {maxContentLength: 9}}
tasks:
  - id: t
    type: io.kestra.plugin.core.http.Request
    options: {readTimeout: PT2S}
    headers: {B: own}
"""
    task = parse_flow(source).tasks[0].to_json()
    assert task["options"] == {"readTimeout": "PT2S", "maxContentLength": 9}
    assert task["headers"] == {"B": "own", "A": "a"}
    assert task["uri"] == "http://x"


def test_defaults_reach_nested_tasks_errors_and_runners() -> None:
    source = """
id: a
namespace: b
tasks:
  - id: block
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - id: sh
        type: io.kestra.plugin.scripts.shell.Commands
        commands: [ls]
        taskRunner: {type: io.kestra.plugin.core.runner.Process}
errors:
  - {id: failed, type: io.kestra.plugin.core.log.Log, message: m}
"""
    layer = read_layer(
        [
            entry({"limits": {"memory": "1GB"}}, name="io.kestra.plugin.core.runner.Process"),
            entry({"level": "WARN"}),
            entry({"failFast": False}, name="io.kestra.plugin.scripts."),
        ]
    )
    flow = parse_flow(source, plugin_defaults=[layer]).to_json()
    shell = flow["tasks"][0]["tasks"][0]
    assert shell["taskRunner"]["limits"] == {"memory": 1024**3}
    assert shell["failFast"] is False
    assert flow["errors"][0]["level"] == "WARN"


def test_a_required_property_may_come_from_a_default() -> None:
    source = f"id: a\nnamespace: b\ntasks: [{{id: t, type: {LOG}}}]\n"
    layer = read_layer([entry({"message": 1.5})])
    assert parse_flow(source, plugin_defaults=[layer]).tasks[0].to_json()["message"] == "1.5"


def test_entries_without_type_or_values_are_left_out() -> None:
    assert read_layer([{"type": "x"}, {"values": {"a": 1}}, "text", {"type": "x", "values": {"a": 1}}]) == read_layer(
        [{"type": "x", "values": {"a": 1}}]
    )
    assert read_layer(None) == []
