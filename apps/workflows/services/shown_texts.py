"""Expressions rendered for people: about an execution, or about a flow before there is one. Secrets are hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.common.ids import is_id
from apps.namespaces.selectors import merged_variables
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts, read_facts
from apps.workflows.execution_store.load import read_run
from apps.workflows.expressions.environment import render, render_typed
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.masking import longest_first, masked_text
from apps.workflows.services.variables import ExpressionSource, nested_labels

MASK: Final = "********"


class Unrenderable(ValueError):
    """An expression could not be read or evaluated; the message holds no secret."""


class ShownTexts:
    """Renders templates with the variables of an execution. Each secret that is read on the way shows as ********.

    ``extra`` are further variables. One object serves one page: what it has read is remembered.
    """

    def __init__(self, facts: ExecutionFacts, extra: Mapping[str, Any] | None = None) -> None:
        self._secrets: set[str] = set()
        flow = load_flow(facts.flow_ref, facts.flow_revision, facts.id)
        self._source = ExpressionSource(lambda: facts, flow, facts.id, require_tenant(), {}, self._secrets.add)
        self._functions = StoreFunctions(facts, now=read_clock, masks=self._secrets.add)
        self._extra = extra
        self._variables: Mapping[str, Any] | None = None

    def text(self, template: str, run: RunRow | None = None) -> str:
        """The template's text. Unrenderable."""
        try:
            return self._masked(render(template, self._known(run), self._functions))
        except ExpressionError as error:
            raise Unrenderable(self._masked(str(error))) from error

    def value(self, template: str) -> Any:
        """The object itself when the template is one expression; texts in it are masked. Unrenderable."""
        try:
            return self._masked_tree(render_typed(template, self._known(None), self._functions))
        except ExpressionError as error:
            raise Unrenderable(self._masked(str(error))) from error

    def _known(self, run: RunRow | None) -> Mapping[str, Any]:
        if run is not None:
            return self._source.variables(run, self._extra)
        if self._variables is None:
            self._variables = self._source.variables(None, self._extra)
        return self._variables

    def _masked(self, text: str) -> str:
        return masked_text(text, longest_first(self._secrets))

    def _masked_tree(self, value: Any) -> Any:
        match value:
            case str():
                return self._masked(value)
            case Mapping():
                return {self._masked(str(key)): self._masked_tree(item) for key, item in value.items()}
            case list() | tuple():
                return [self._masked_tree(item) for item in value]
        return value


class FlowTexts:
    """Renders templates about a flow that was not started yet: `flow`, `labels`, `namespace`, `vars`, and ``extra``."""

    def __init__(self, namespace: str, definition: FlowDefinition | None, extra: Mapping[str, Any]) -> None:
        self._variables: dict[str, Any] = {
            "flow": {"namespace": namespace, "id": definition.id if definition else "", "tenantId": require_tenant()},
            "labels": nested_labels([(label.key, label.value) for label in definition.labels] if definition else []),
            "vars": definition.variables if definition else {},
            "namespace": merged_variables(namespace),
            **extra,
        }

    def text(self, template: str) -> str:
        """The template's text. Unrenderable."""
        try:
            return render(template, self._variables)
        except ExpressionError as error:
            raise Unrenderable(str(error)) from error

    def value(self, template: str) -> Any:
        """The object itself when the template is one expression. Unrenderable."""
        try:
            return render_typed(template, self._variables)
        except ExpressionError as error:
            raise Unrenderable(str(error)) from error


def texts_of(execution_id: str, extra: Mapping[str, Any] | None = None) -> ShownTexts:
    """The texts of an execution. NotFound."""
    facts = read_facts(execution_id)
    if facts is None:
        raise NotFound(f"Execution {execution_id} not found")
    return ShownTexts(facts, extra)


def find_task_run(execution_id: str, task_run_id: str) -> RunRow:
    """A task run of an execution. NotFound."""
    run = read_run(execution_id, task_run_id) if is_id(task_run_id) else None
    if run is None:
        raise NotFound(f"Execution {execution_id} has no task run {task_run_id[:60]}")
    return run
