"""The flows of tests/flows parse without mistakes, and what is expected of each is written beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.nodes import models
from apps.workflows.flow_language.source import inspect_flow
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level, Task

FOLDER = Path(__file__).resolve().parents[2] / "flows"
FLOWS = sorted(path for path in FOLDER.glob("*.yaml") if not path.name.endswith(".expected.yaml"))
RUN_KEYS = {"inputs", "state", "outputs", "taskRuns", "logs"}
TASK_RUN_KEYS = {"task", "state", "value", "attempts", "outputs"}
LOG_KEYS = {"task", "level", "message", "contains"}


def parsed(path: Path) -> FlowDefinition:
    report = inspect_flow(path.read_text())
    assert [str(one) for one in (*report.violations, *report.warnings)] == []
    assert report.flow is not None
    return report.flow


def expected(path: Path) -> list[dict[str, Any]]:
    found = yaml.safe_load(path.with_suffix(".expected.yaml").read_text())
    assert isinstance(found, list)
    return found


def test_there_are_flows() -> None:
    assert len(FLOWS) > 20


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flow_is_called_like_its_file_and_has_its_expectation(path: Path) -> None:
    flow = parsed(path)
    assert flow.id == path.stem
    tasks = {node.id for _, node in models(flow) if isinstance(node, Task)}
    inputs = {one.id for one in flow.inputs}
    runs = expected(path)
    assert runs
    for run in runs:
        assert set(run) <= RUN_KEYS
        assert State(run["state"]).ended
        assert set(run["inputs"]) <= inputs
        for task_run in run["taskRuns"]:
            assert set(task_run) <= TASK_RUN_KEYS
            assert task_run["task"] in tasks
            assert State(task_run["state"]).ended
        for line in run.get("logs", []):
            assert set(line) <= LOG_KEYS
            assert line["task"] in tasks
            assert Level(line["level"])
            assert ("message" in line) != ("contains" in line)


def test_every_expectation_has_its_flow() -> None:
    names = {path.name.removesuffix(".expected.yaml") for path in FOLDER.glob("*.expected.yaml")}
    assert names == {path.stem for path in FLOWS}
