"""Masking: values that are secret replaced, wherever a tree of values holds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from apps.workflows.engine.decision import Decision
from apps.workflows.engine.frontier import NOT_LOADED, ExecutionRow, Frame
from apps.workflows.services.encrypted_values import ENCRYPTED

MASK: Final = "********"
"""What stands for a secret, whatever its length."""
SHORTEST_IN_OUTPUTS: Final = 4
"""Shorter secrets stay in outputs: they would be found in numbers and words."""


def masked_outputs(value: Any, secrets: Collection[str]) -> Any:
    """Outputs without these secrets; an encrypted text stays, it shows nothing."""
    hidden = [secret for secret in longest_first(secrets) if len(secret) >= SHORTEST_IN_OUTPUTS]
    return _without(value, hidden) if hidden else value


def masked_text(text: str, secrets: Sequence[str]) -> str:
    """A text without these secrets, which come longest first: one may lie inside another."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def longest_first(secrets: Collection[str]) -> list[str]:
    """The order in which ``masked_text`` wants them; without the empty text, which occurs everywhere."""
    return sorted(filter(None, secrets), key=len, reverse=True)


def hide_secrets(decision: Decision, execution: ExecutionRow, secrets: Collection[str]) -> None:
    """Take secrets that a step's expressions have read out of what the step writes: its outputs and its log lines."""
    if not secrets:
        return
    ordered = longest_first(secrets)
    decision.logs = [replace(line, message=masked_text(line.message, ordered)) for line in decision.logs]
    rows: list[Frame] = [execution, *decision.inserted, *decision.updated]
    for row in rows:
        if row.outputs is not NOT_LOADED:
            row.outputs = masked_outputs(row.outputs, secrets)


def _without(value: Any, secrets: Sequence[str]) -> Any:
    match value:
        case str():
            return masked_text(value, secrets)
        case Mapping():
            if value.get("type") == ENCRYPTED:
                return value
            return {_without(key, secrets): _without(item, secrets) for key, item in value.items()}
        case list():
            return [_without(item, secrets) for item in value]
    return value
