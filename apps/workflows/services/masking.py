"""Masking: values that are secret replaced, wherever a tree of values holds them."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, quote_plus

from apps.workflows.engine.decision import Decision
from apps.workflows.engine.frontier import NOT_LOADED, ExecutionRow, Frame
from apps.workflows.services.encrypted_values import ENCRYPTED

MASK: Final = "********"
"""What stands for a secret, whatever its length."""
SHORTEST_IN_OUTPUTS: Final = 4
"""Shorter secrets stay in outputs: they would be found in numbers and words."""


def masked_outputs(value: Any, secrets: Collection[str]) -> Any:
    """Outputs without these secrets, in whatever form; an encrypted text stays, it shows nothing."""
    hidden = longest_first(secret for secret in secrets if len(secret) >= SHORTEST_IN_OUTPUTS)
    return _without(value, hidden) if hidden else value


def masked_text(text: str, secrets: Sequence[str]) -> str:
    """A text without these secrets, which come longest first: one may lie inside another."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def longest_first(secrets: Iterable[str]) -> list[str]:
    """Secrets with their forms, in the order in which ``masked_text`` wants them; without the empty text, which occurs
    everywhere."""
    return sorted({form for secret in secrets if secret for form in forms_of(secret)}, key=len, reverse=True)


def forms_of(secret: str) -> set[str]:
    """The texts that show a secret: itself, and as JSON, addresses, forms and headers (base64) carry it.

    Of a very short one only itself: its forms would be found in other words.
    """
    if len(secret) < SHORTEST_IN_OUTPUTS:
        return {secret}
    written = secret.encode("utf-8", "surrogatepass")
    coded = base64.b64encode(written).decode()
    safe = base64.urlsafe_b64encode(written).decode()
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(written),
        quote(written, safe=""),
        quote_plus(written),
        quote_plus(written, safe="*").replace("~", "%7E"),  # the filter urlencode, which writes as Java does
        coded,
        coded.rstrip("="),
        safe,
        safe.rstrip("="),
    }


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
