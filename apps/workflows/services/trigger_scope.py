"""The expressions of a trigger: what it may name before there is an execution."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.expressions.environment import render, render_tree, render_typed
from apps.workflows.expressions.errors import ExpressionError, Failure
from apps.workflows.plugin_api.labels import SYSTEM_PREFIX
from apps.workflows.selectors.flow_sources import FlowSource
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.masking import longest_first, masked_text
from apps.workflows.services.variables import ExpressionSource

MASK: Final = "********"
EVALUATION_ERRORS: Final = (ExpressionError, Failure, ValueError, LookupError, OverflowError, TypeError)
"""What rendering and evaluating what users wrote may raise."""


class TriggerScope:
    """A Renderer with the variables of a flow and of one of its triggers. Secrets it reads are masked by ``mask``."""

    def __init__(self, variables: Mapping[str, Any], facts: ExecutionFacts) -> None:
        self.variables = variables
        self._secrets: list[str] = []
        self._functions = StoreFunctions(facts, now=read_clock, masks=self._secrets.append)

    def render(self, template: str) -> str:
        """The template's text."""
        return render(template, self.variables, self._functions)

    def render_typed(self, template: str) -> Any:
        """The object itself when the template is one expression."""
        return render_typed(template, self.variables, self._functions)

    def render_tree(self, value: Any) -> Any:
        """Every string in a tree rendered."""
        return render_tree(value, self.variables, self._functions)

    def mask(self, text: str) -> str:
        """The text without the secrets that were read so far."""
        return masked_text(text, longest_first(self._secrets))


def flow_scope(
    source: FlowSource, flow: LoadedFlow, execution_id: str, trigger: dict[str, Any], now: datetime
) -> TriggerScope:
    """The scope of a trigger whose execution, if it comes to be, has this id. ``trigger`` as its execution keeps it."""
    labels = flow_labels(flow)
    facts = ExecutionFacts(
        id=execution_id,
        namespace=source.namespace,
        flow_id=source.flow_id,
        flow_revision=source.revision,
        flow_ref=source.flow_ref,
        inputs={},
        variables={},
        trigger=trigger,
        labels=labels,
        start_date=now,
        original_id=None,
    )
    expressions = ExpressionSource(lambda: facts, flow, execution_id, require_tenant(), {}, labels=lambda: labels)
    return TriggerScope(expressions.variables(None), facts)


def upstream_scope(
    facts: ExecutionFacts, flow: LoadedFlow, target: FlowSource, outputs: dict[str, Any] | None, state: str
) -> TriggerScope:
    """The scope of a Flow trigger of ``target``: the execution it looks at, its outputs, and ``trigger`` about it."""
    labels = facts.labels
    expressions = ExpressionSource(lambda: facts, flow, facts.id, require_tenant(), {}, labels=lambda: labels)
    own = {
        "id": target.flow_id,
        "namespace": target.namespace,
        "revision": target.revision,
        "tenantId": require_tenant(),
    }
    extra = {"flow": own, "trigger": upstream_variables(facts, state) | {"outputs": outputs or {}}}
    return TriggerScope(expressions.variables(None, extra), facts)


def upstream_variables(facts: ExecutionFacts, state: str) -> dict[str, Any]:
    """What the execution that a Flow trigger starts keeps of the one it followed."""
    return {
        "executionId": facts.id,
        "namespace": facts.namespace,
        "flowId": facts.flow_id,
        "flowRevision": facts.flow_revision,
        "state": state,
    }


def flow_labels(flow: LoadedFlow) -> list[tuple[str, str]]:
    """The labels a flow gives its executions."""
    labels = flow.definition.labels
    return [(label.key, label.value) for label in labels if not label.key.startswith(SYSTEM_PREFIX)]
