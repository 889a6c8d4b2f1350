"""Flow definitions, parsed once per revision and process, and compiled for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

from django.conf import settings

from apps.common.current_tenant import require_tenant
from apps.namespaces.selectors import inherited
from apps.tenants.selectors import get_open_tenant
from apps.workflows.dispatch import DEFAULT_GROUP
from apps.workflows.engine.compiled_flow import CompiledFlow, CompiledTask, compile_flow
from apps.workflows.flow_language.document import read_document
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.nodes import models
from apps.workflows.flow_language.plugin_defaults import Layer, read_layer
from apps.workflows.flow_language.source import parse_flow
from apps.workflows.flow_language.template import include_templates, parse_template
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.task import IncludingTask, WorkerGroup
from apps.workflows.selectors.flow_sources import FlowSource, read_source
from apps.workflows.selectors.templates import Name, TemplateSource, newest_templates, templates_of
from apps.workflows.services.namespace_access import check_namespace

MOST_TEMPLATES = 100
"""Templates one flow may take in."""
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
    includes: bool = False
    """Whether it takes in templates."""
    templates: Mapping[Name, TemplateSource] = field(default_factory=dict)
    """Those it has taken in, or could."""

    @property
    def pins(self) -> list[tuple[int, int]]:
        """The templates by number and revision, for the execution that is created now."""
        return [(one.ref, one.revision) for one in self.templates.values()]

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


def load_flow(flow_ref: int, revision: int, execution_id: str | None = None) -> LoadedFlow:
    """The flow that an execution of the open tenant runs.

    With templates in it these are at the revisions that the execution was created with, else (``execution_id`` None, or
    an execution that has none written) at the newest: a query, or one for each level of them.

    A revision never changes, so this is cached until what its place gives to it changes: the plugin defaults of its
    namespace or of one above it, or the default worker group. FlowRevisionGone, or InvalidFlow when a stored source can
    no longer be parsed (say its plugin was removed).
    """
    tenant = require_tenant()
    namespace = _namespace_of(tenant, flow_ref, revision)
    place = (tenant, flow_ref, revision, inherited(namespace).version, default_group(namespace))
    flow = _load(*place, None)
    if not flow.includes:
        return flow
    pins = {} if execution_id is None else templates_of(execution_id)
    return _load(*place, _Pins(pins or _newest_pins(flow.definition)))


@lru_cache(maxsize=CACHED_FLOWS * 10)
def _namespace_of(tenant: str, flow_ref: int, revision: int) -> str:
    return _source(flow_ref, revision).namespace


@lru_cache(maxsize=CACHED_FLOWS)
def _load(
    tenant: str, flow_ref: int, revision: int, defaults_version: str, group: WorkerGroup | None, pins: _Pins | None
) -> LoadedFlow:
    found = _source(flow_ref, revision)
    layers = default_layers(found.namespace)
    definition = parse_flow(found.source, strict=False, plugin_defaults=layers)
    includes = any(isinstance(model, IncludingTask) for _, model in models(definition))
    if includes:
        include_templates(definition, partial(_template_source, found.namespace, pins or _Pins({})), layers)
    compiled = compile_flow(definition, group)
    groups = frozenset(worker_group(item) for item in compiled.tasks)
    return LoadedFlow(definition, compiled, groups, group, includes, {} if pins is None else pins.sources)


@dataclass(frozen=True, eq=False)
class _Pins:
    """Templates at their revisions, as a key of a cache."""

    sources: Mapping[Name, TemplateSource]

    @property
    def _key(self) -> tuple[tuple[int, int], ...]:
        return tuple(sorted((one.ref, one.revision) for one in self.sources.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pins) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _newest_pins(flow: FlowDefinition) -> dict[Name, TemplateSource]:
    """What the flow takes in as it is now, through templates in templates."""
    found: dict[Name, TemplateSource] = {}
    names = {task.template_name() for _, task in models(flow) if isinstance(task, IncludingTask)}
    while names and settings.KESTRA_TEMPLATES:
        newest = newest_templates(names)
        found |= newest
        names = {name for one in newest.values() for name in _names_in(one.source)} - found.keys()
        names -= {name for name in names if len(found) >= MOST_TEMPLATES}
    return found


def _names_in(source: str) -> set[Name]:
    try:
        template = parse_template(source, strict=False)
    except InvalidFlow:
        return set()
    return {task.template_name() for _, task in models(template) if isinstance(task, IncludingTask)}


def _template_source(used_by: str, pins: _Pins, namespace: str, template_id: str) -> str | None:
    if not settings.KESTRA_TEMPLATES:
        raise PermissionError("Templates are disabled, please check your configuration: KESTRA_EE_TEMPLATES is not set")
    check_namespace(namespace, used_by=used_by)
    found = pins.sources.get((namespace, template_id))
    return None if found is None else found.source


def _source(flow_ref: int, revision: int) -> FlowSource:
    found = read_source(flow_ref, revision)
    if found is None:
        raise FlowRevisionGone(flow_ref, revision)
    return found
