"""Flows as the API shows and takes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from apps.common.json_values import Shape
from apps.workflows.schemas.executions import LabelShape
from apps.workflows.services.flow_checks import FlowCheck


class FlowShape(Shape):
    """A flow; properties that are null or have their default are left out."""

    id: str
    namespace: str
    revision: int
    description: str | None = None
    labels: list[LabelShape] | None = None
    inputs: list[dict[str, Any]] | None = None
    variables: dict[str, Any] | None = None
    tasks: list[dict[str, Any]]
    errors: list[dict[str, Any]] | None = None
    finally_: list[dict[str, Any]] | None = Field(default=None, alias="finally")
    triggers: list[dict[str, Any]] | None = None
    plugin_defaults: list[dict[str, Any]] | None = None
    concurrency: dict[str, Any] | None = None
    outputs: list[dict[str, Any]] | None = None
    sla: list[dict[str, Any]] | None = None
    retry: dict[str, Any] | None = None
    disabled: bool
    deleted: bool
    exception: str | None = None


class FlowWithSourceShape(FlowShape):
    """A flow and the YAML it was written as. ``warnings`` come with the answer of a save alone."""

    source: str
    warnings: list[str] | None = None


class FlowPageShape(Shape):
    """A page of flows."""

    results: list[FlowShape]
    total: int


class SourceHitShape(Shape):
    """A flow whose source holds the text, and the lines with it."""

    model: FlowShape
    fragments: list[str]


class SourceHitPageShape(Shape):
    """A page of hits."""

    results: list[SourceHitShape]
    total: int


class FlowKeyShape(Shape):
    """Names one flow in a bulk action."""

    namespace: str
    id: str


class BulkShape(Shape):
    """How many were changed."""

    count: int


class InvalidShape(Shape):
    """Why one of several does not qualify."""

    message: str
    path: str
    invalid_value: str


class BulkErrorShape(Shape):
    """Nothing was done, since some do not qualify."""

    message: str
    invalids: list[InvalidShape]


class FlowCheckShape(Shape):
    """What a check of one flow, task or trigger found; without ``constraints`` it is valid."""

    flow: str | None = None
    namespace: str | None = None
    index: int
    constraints: str | None = None
    outdated: bool
    deprecation_paths: list[str] | None = None
    warnings: list[str] | None = None
    infos: list[str] | None = None


def check_json(found: FlowCheck) -> dict[str, Any]:
    """One object of the answers of /validate. Beside the text, ``violations`` say where to underline."""
    made: dict[str, Any] = {
        "flow": found.flow,
        "namespace": found.namespace,
        "index": found.index,
        "constraints": found.constraints,
        "outdated": found.outdated,
        "deprecationPaths": list(found.deprecation_paths),
        "warnings": list(found.warnings),
        "infos": list(found.infos),
        "violations": [
            {
                "message": violation.message,
                "path": violation.path,
                "line": violation.line or None,
                "column": violation.column or None,
                "suggestion": violation.suggestion,
            }
            for violation in found.violations
        ]
        or None,
    }
    return {name: value for name, value in made.items() if value is not None}


def bulk_error_json(message: str, invalids: Iterable[tuple[str, str]], path: str) -> dict[str, Any]:
    """``invalids`` are (id, why)."""
    return {
        "message": message,
        "invalids": [{"message": why, "path": path, "invalidValue": name} for name, why in invalids],
    }
