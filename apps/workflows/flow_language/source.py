"""Source: the YAML text of a flow, read into a FlowDefinition with every mistake told at its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from apps.workflows.flow_language import validate
from apps.workflows.flow_language.document import Document, read_document
from apps.workflows.flow_language.explain import EMPTY, explain
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.plugin_defaults import FLOW_KEYS, Layer, inject, read_layer
from apps.workflows.flow_language.scalars import settle
from apps.workflows.flow_language.violations import InvalidFlow, Violation

__all__ = ["FlowReport", "InvalidFlow", "Violation", "clean_source", "inspect_flow", "parse_flow", "split_flows"]

_SEPARATOR = re.compile(r"^---[ \t]*(?:#.*)?$", re.MULTILINE)
_REVISION = re.compile(r"^revision[ \t]*:[ \t]*\d+[ \t]*(?:#.*)?(?:\r?\n|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FlowReport:
    """All there is to say about a source: ``flow`` is None when there are violations."""

    flow: FlowDefinition | None
    violations: tuple[Violation, ...]
    warnings: tuple[Violation, ...] = ()
    deprecation_paths: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


def parse_flow(source: str, *, strict: bool = True, plugin_defaults: Sequence[Layer] = ()) -> FlowDefinition:
    """The flow of a YAML text, the flow's own plugin defaults and those of ``plugin_defaults`` filled in.

    ``plugin_defaults`` holds the layers around the flow, nearest first: its namespace, the parents, the instance
    (``read_layer`` makes one of a list of maps). Not ``strict``: unknown properties are left out and nothing is
    checked beyond shapes, for a flow that was accepted once.
    InvalidFlow, with every violation, when the flow cannot be accepted.
    """
    document = read_document(source)
    flow, violations = _parse(document, plugin_defaults, strict=strict)
    if flow is None or violations:
        raise InvalidFlow(violations)
    return flow


def inspect_flow(source: str, *, plugin_defaults: Sequence[Layer] = ()) -> FlowReport:
    """What an editor shows beside a flow. Never raises for what stands in the source."""
    try:
        document = read_document(source)
    except InvalidFlow as error:
        return FlowReport(None, error.violations)
    flow, violations = _parse(document, plugin_defaults, strict=True)
    if flow is None:
        return FlowReport(None, tuple(violations))
    return FlowReport(
        None if violations else flow,
        tuple(violations),
        tuple(validate.warnings(flow, document)),
        tuple(validate.deprecations(flow)),
        tuple(validate.replaced_types(flow)),
    )


def _parse(
    document: Document, around: Sequence[Layer], *, strict: bool
) -> tuple[FlowDefinition | None, list[Violation]]:
    if not isinstance(document.value, dict):
        message = EMPTY if document.value is None else "A flow must be a map with `id`, `namespace` and `tasks`"
        return None, [Violation(message, line=document.place.line, column=document.place.column)]
    found = [*document.duplicates, *validate.check_tree(document)] if strict else []
    own = [read_layer(document.value.get(key)) for key in FLOW_KEYS]
    tree = inject(document.value, [*own, *around])
    extra: Literal["forbid", "ignore"] = "forbid" if strict else "ignore"
    try:
        flow = FlowDefinition.model_validate(
            tree, context={"by_name": False, "extra": extra}, by_name=False, extra=extra
        )
    except ValidationError as error:
        return None, _in_order([*found, *explain(error.errors(include_url=False), document, FlowDefinition)])
    flow = settle(flow)
    if strict:
        found += validate.check_flow(flow, document)
    return flow, _in_order(found)


def _in_order(violations: Sequence[Violation]) -> list[Violation]:
    return sorted(violations, key=lambda one: (one.line == 0, one.line, one.column))


def split_flows(source: str) -> list[str]:
    """The documents of a text that holds several flows, cut at lines of ``---``; empty ones are left out."""
    return [part for part in _SEPARATOR.split(source) if part.strip()]


def clean_source(source: str) -> str:
    """The source without the revision, which the server counts."""
    return _REVISION.sub("", source)
