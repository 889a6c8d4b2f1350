"""Expressions in the declarations of inputs: defaults, conditions and choices, before there is an execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.workflows.expressions.environment import render, render_typed


class FlowInputRenderer:
    """Knows the flow's name and the inputs that were read so far."""

    def __init__(self, namespace: str, flow_id: str) -> None:
        self._flow = {"namespace": namespace, "id": flow_id}

    def render(self, template: str, inputs: Mapping[str, Any]) -> str:
        """The template's text."""
        return render(template, self._variables(inputs))

    def render_typed(self, template: str, inputs: Mapping[str, Any]) -> Any:
        """The object itself when the template is one expression."""
        return render_typed(template, self._variables(inputs))

    def _variables(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"inputs": inputs, "flow": self._flow}
