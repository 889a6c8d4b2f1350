"""A stored flow as a tree of plain values: what the API shows of it, parsed once per source and process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.source import InvalidFlow, parse_flow
from apps.workflows.plugin_api.task import Task
from apps.workflows.selectors.flows import FlowRow
from apps.workflows.services.flows import all_tasks

CACHED_SOURCES = 2000
"""Sources whose documents are kept in a process."""


def flow_document(flow: FlowRow, *, with_source: bool = False) -> dict[str, Any]:
    """The flow's JSON: properties that are null or have their default are left out. A new map, its parts are shared.

    A source that can no longer be parsed (its plugin was removed) gives ``exception`` in place of its tasks.
    """
    parsed, problem = _parsed(flow.source)
    document: dict[str, Any] = {"id": flow.flow_id, "namespace": flow.namespace, "revision": flow.revision}
    if parsed is None:
        document |= {"tasks": [], "exception": problem}
    else:
        document |= {name: value for name, value in parsed.items() if name not in document}
    document |= {"disabled": flow.disabled, "deleted": flow.deleted, "updated": flow.updated}
    if with_source:
        document["source"] = flow.source
    return document


def flow_for_execution(flow: FlowRow) -> dict[str, Any]:
    """What somebody sees of a flow who may start it but not read it: ids and types of its tasks, and its inputs."""
    parsed, problem = _parsed(flow.source)
    document: dict[str, Any] = {"id": flow.flow_id, "namespace": flow.namespace, "revision": flow.revision}
    if parsed is None:
        document |= {"tasks": [], "exception": problem}
    else:
        named = ("description", "labels", "inputs", "variables")
        document |= {name: parsed[name] for name in named if name in parsed}
        for holder in ("tasks", "errors", "finally", "afterExecution", "triggers"):
            if holder in parsed:
                document[holder] = [_outline(node) for node in parsed[holder]]
    document |= {"disabled": flow.disabled, "deleted": flow.deleted}
    return document


def find_task(flow: FlowRow, task_id: str) -> Task | None:
    """A task of a stored flow, also a nested one. InvalidFlow when the source cannot be parsed any more."""
    return next((task for task in all_tasks(parse_flow(flow.source, strict=False)) if task.id == task_id), None)


def definition_document(definition: FlowDefinition) -> dict[str, Any]:
    """A definition as plain values."""
    return definition.to_json()


@lru_cache(maxsize=CACHED_SOURCES)
def _parsed(source: str) -> tuple[dict[str, Any] | None, str]:
    try:
        return definition_document(parse_flow(source, strict=False)), ""
    except InvalidFlow as error:
        return None, error.message


def _outline(node: Any) -> Any:
    """The ids and types of a node and of the tasks in it, nothing else of them."""
    if not isinstance(node, dict):
        return node
    kept = {name: node[name] for name in ("id", "type", "description", "disabled") if name in node}
    for name, value in node.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) and "type" in item for item in value):
            kept[name] = [_outline(item) for item in value]
        elif isinstance(value, dict) and name in {"cases", "then", "else", "defaults"}:
            kept[name] = {key: [_outline(i) for i in item] for key, item in value.items() if isinstance(item, list)}
    return kept
