"""Flow definitions, parsed once per revision and process, and compiled for the engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from apps.common.current_tenant import require_tenant
from apps.namespaces.selectors import inherited
from apps.tenants.selectors import get_open_tenant
from apps.workflows.dispatch import DEFAULT_GROUP
from apps.workflows.engine.compiled_flow import CompiledFlow, CompiledTask, compile_flow
from apps.workflows.flow_language.document import read_document
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.plugin_defaults import Layer, read_layer
from apps.workflows.flow_language.source import parse_flow
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.task import WorkerGroup
from apps.workflows.selectors.flow_sources import FlowSource, read_source

CACHED_FLOWS = 1000
"""Definitions kept in a process; one takes some tens of kilobytes."""


@dataclass(frozen=True, slots=True)
class LoadedFlow:
    """One revision of a flow: as it was written, and as the engine runs it."""

    definition: FlowDefinition
    compiled: CompiledFlow
    groups: frozenset[str]
    """Worker groups that its tasks ask for."""
    default_group: WorkerGroup | None = None
    """The one of tasks and triggers that name none."""

    def tasks_of(self, groups: frozenset[str]) -> list[str] | None:
        """Ids of the tasks that ask for one of these groups; None when all of them do."""
        if self.groups <= groups:
            return None
        return [item.task.id for item in self.compiled.tasks if worker_group(item) in groups]


def worker_group(item: CompiledTask) -> str:
    """Key of the group of workers that a task asks for."""
    return DEFAULT_GROUP if item.group is None else item.group.key


class FlowRevisionGone(LookupError):
    """An execution names a flow revision that is no longer stored."""

    def __init__(self, flow_ref: int, revision: int) -> None:
        super().__init__(
            f"Revision {revision} of flow number {flow_ref} is no longer stored; the execution cannot go on"
        )


def default_layers(namespace: str) -> list[Layer]:
    """The plugin defaults around a flow of a namespace, nearest first; those of the installation come last."""
    layers = [read_layer(entries) for _, entries in inherited(namespace).plugin_defaults]
    return [*layers, read_layer(settings.KESTRA_PLUGIN_DEFAULTS)]


def default_group(namespace: str) -> WorkerGroup | None:
    """The worker group of what names none: that of the nearest namespace that has one, else the tenant's.

    At most five seconds old for namespaces, thirty for the tenant.
    """
    found = inherited(namespace).worker_group or get_open_tenant(require_tenant()).worker_group
    return WorkerGroup.model_validate(found) if found else None


def layers_for(source: str) -> list[Layer]:
    """The same for a source that is being written; the installation's alone when it names no namespace."""
    try:
        value = read_document(source).value
    except InvalidFlow:
        return []
    namespace = value.get("namespace") if isinstance(value, dict) else None
    return default_layers(namespace if isinstance(namespace, str) else "")


def load_flow(flow_ref: int, revision: int) -> LoadedFlow:
    """The flow that an execution of the open tenant runs.

    A revision never changes, so this is cached until what its place gives to it changes: the plugin defaults of its
    namespace or of one above it, or the default worker group. FlowRevisionGone, or InvalidFlow when a stored source can
    no longer be parsed (say its plugin was removed).
    """
    tenant = require_tenant()
    namespace = _namespace_of(tenant, flow_ref, revision)
    return _load(tenant, flow_ref, revision, inherited(namespace).version, default_group(namespace))


@lru_cache(maxsize=CACHED_FLOWS * 10)
def _namespace_of(tenant: str, flow_ref: int, revision: int) -> str:
    return _source(flow_ref, revision).namespace


@lru_cache(maxsize=CACHED_FLOWS)
def _load(tenant: str, flow_ref: int, revision: int, defaults_version: str, group: WorkerGroup | None) -> LoadedFlow:
    found = _source(flow_ref, revision)
    definition = parse_flow(found.source, strict=False, plugin_defaults=default_layers(found.namespace))
    compiled = compile_flow(definition, group)
    return LoadedFlow(definition, compiled, frozenset(worker_group(item) for item in compiled.tasks), group)


def _source(flow_ref: int, revision: int) -> FlowSource:
    found = read_source(flow_ref, revision)
    if found is None:
        raise FlowRevisionGone(flow_ref, revision)
    return found
