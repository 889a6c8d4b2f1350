"""Flow definitions, parsed once per revision and process, and compiled for the engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from apps.common.current_tenant import require_tenant
from apps.workflows.dispatch import DEFAULT_GROUP
from apps.workflows.engine.compiled_flow import CompiledFlow, compile_flow
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.source import parse_flow
from apps.workflows.plugin_api.task import Task
from apps.workflows.selectors.flow_sources import read_source

CACHED_FLOWS = 1000
"""Definitions kept in a process; one takes some tens of kilobytes."""


@dataclass(frozen=True, slots=True)
class LoadedFlow:
    """One revision of a flow: as it was written, and as the engine runs it."""

    definition: FlowDefinition
    compiled: CompiledFlow
    groups: frozenset[str]
    """Worker groups that its tasks ask for."""

    def tasks_of(self, groups: frozenset[str]) -> list[str] | None:
        """Ids of the tasks that ask for one of these groups; None when all of them do."""
        if self.groups <= groups:
            return None
        return [item.task.id for item in self.compiled.tasks if worker_group(item.task) in groups]


def worker_group(task: Task) -> str:
    """Key of the group of workers that a task asks for."""
    return DEFAULT_GROUP if task.worker_group is None else task.worker_group.key


class FlowRevisionGone(LookupError):
    """An execution names a flow revision that is no longer stored."""

    def __init__(self, flow_ref: int, revision: int) -> None:
        super().__init__(
            f"Revision {revision} of flow number {flow_ref} is no longer stored; the execution cannot go on"
        )


def load_flow(flow_ref: int, revision: int) -> LoadedFlow:
    """The flow that an execution of the open tenant runs.

    A revision never changes, so this is cached without end. FlowRevisionGone, or InvalidFlow when a stored source can
    no longer be parsed (say its plugin was removed).
    """
    return _load(require_tenant(), flow_ref, revision)


@lru_cache(maxsize=CACHED_FLOWS)
def _load(tenant: str, flow_ref: int, revision: int) -> LoadedFlow:
    found = read_source(flow_ref, revision)
    if found is None:
        raise FlowRevisionGone(flow_ref, revision)
    definition = parse_flow(found.source, strict=False)
    compiled = compile_flow(definition)
    return LoadedFlow(definition, compiled, frozenset(worker_group(item.task) for item in compiled.tasks))
