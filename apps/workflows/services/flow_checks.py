"""Checking flows, tasks and triggers without saving them: what an editor shows beside the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.workflows.engine.compiled_flow import compile_flow
from apps.workflows.flow_language.document import read_document
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.source import FlowReport, InvalidFlow, inspect_flow, split_flows
from apps.workflows.flow_language.violations import Violation
from apps.workflows.selectors.flows import find_flows
from apps.workflows.services.definitions import layers_for
from apps.workflows.services.trigger_chains import chain_warning
from apps.workflows.services.worker_groups import check_worker_groups

MAX_FLOWS: Final = 1000
"""Most flows in one text."""
_HEAD: Final = "id: checked\nnamespace: checked\n"
_OTHER_TASK: Final = "tasks:\n  - {id: other-task, type: io.kestra.plugin.core.log.Log, message: hello}\n"


@dataclass(frozen=True, slots=True)
class FlowCheck:
    """What was found about the flow at ``index`` of a text. ``outdated``: a newer revision is stored."""

    index: int
    namespace: str | None
    flow: str | None
    violations: Sequence[Violation]
    warnings: Sequence[str]
    deprecation_paths: Sequence[str]
    infos: Sequence[str]
    outdated: bool = False

    @property
    def constraints(self) -> str | None:
        """All violations in one text; None when there are none."""
        return "\n".join(_sentence(violation) for violation in self.violations) or None


def check_flows(text: str) -> list[FlowCheck]:
    """One check per flow of a text that may hold several, cut at lines of ``---``.

    One query, and for flows with a Flow trigger a few more about those they may lead to.
    """
    parts = [part.lstrip("\r\n") for part in split_flows(text)[:MAX_FLOWS]]
    if not parts:
        return [_check(0, text, None)]
    heads = [_head(part) for part in parts]
    stored = {
        (flow.namespace, flow.flow_id): flow.revision
        for flow in find_flows([(head.namespace, head.flow_id) for head in heads if head.namespace and head.flow_id])
    }
    return [
        _check(index, part, head, outdated=_outdated(head, stored))
        for index, (part, head) in enumerate(zip(parts, heads, strict=True))
    ]


def save_warnings(definition: FlowDefinition) -> list[str]:
    """What is worth telling about a flow that was saved: chains by which its executions may start one another."""
    warning = chain_warning(definition)
    return [] if warning is None else [warning]


def check_task(text: str) -> FlowCheck:
    """A check of one task, written as YAML or JSON."""
    return _check_part(text, _HEAD + "tasks:\n  -\n", "tasks[0]")


def check_trigger(text: str) -> FlowCheck:
    """A check of one trigger, written as YAML or JSON."""
    return _check_part(text, _HEAD + _OTHER_TASK + "triggers:\n  -\n", "triggers[0]")


@dataclass(frozen=True, slots=True)
class _Head:
    namespace: str | None = None
    flow_id: str | None = None
    revision: int | None = None


def _head(source: str) -> _Head:
    """What a source calls itself, as far as it can be read."""
    try:
        value = read_document(source).value
    except InvalidFlow:
        return _Head()
    if not isinstance(value, dict):
        return _Head()
    revision = str(value.get("revision") or "")
    return _Head(_text(value.get("namespace")), _text(value.get("id")), int(revision) if revision.isdecimal() else None)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) else None


def _outdated(head: _Head, stored: dict[tuple[str, str], int]) -> bool:
    if head.revision is None or head.namespace is None or head.flow_id is None:
        return False
    return head.revision < stored.get((head.namespace, head.flow_id), 0)


def _check(index: int, source: str, head: _Head | None, *, outdated: bool = False) -> FlowCheck:
    report = inspect_flow(source, plugin_defaults=layers_for(source))
    head = head or _head(source)
    return FlowCheck(
        index=index,
        namespace=head.namespace,
        flow=head.flow_id,
        violations=report.violations or _uncompilable(report),
        warnings=[_sentence(warning) for warning in report.warnings] + _chains(report),
        deprecation_paths=report.deprecation_paths,
        infos=report.infos,
        outdated=outdated,
    )


def _chains(report: FlowReport) -> list[str]:
    return [] if report.flow is None else save_warnings(report.flow)


def _uncompilable(report: FlowReport) -> Sequence[Violation]:
    if report.flow is None:
        return ()
    try:
        compile_flow(report.flow)
        check_worker_groups(report.flow)
    except InvalidFlow as error:
        return error.violations
    except TypeError as error:
        return (Violation(str(error), "tasks"),)
    return ()


def _check_part(text: str, before: str, path: str) -> FlowCheck:
    lines = [line for line in text.splitlines() if line.strip() != "---"]
    made = _check(0, before + "".join(f"    {line}\n" for line in lines), None)
    shift = before.count("\n")
    found = [
        Violation(
            violation.message,
            violation.path.removeprefix(path).lstrip("."),
            max(violation.line - shift, 0),
            max(violation.column - 4, 0),
            violation.suggestion,
        )
        for violation in made.violations
    ]
    return FlowCheck(
        0,
        None,
        None,
        found,
        [warning.replace(f"{path}.", "").replace(f"{path}: ", "") for warning in made.warnings],
        [part.removeprefix(path).lstrip(".") for part in made.deprecation_paths],
        made.infos,
    )


def _sentence(violation: Violation) -> str:
    if violation.suggestion and violation.suggestion not in violation.message:
        return f"{violation}; did you mean `{violation.suggestion}`?"
    return str(violation)
