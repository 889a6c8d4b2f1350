"""What an App shows where its YAML says nothing: never a blank page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from apps.userapps.language.definition import AppDefinition
from apps.workflows.plugin_api.app_block import AppBlock, AppEvent
from apps.workflows.plugin_api.registry import plugin_class

_CORE = "io.kestra.plugin.ee.apps.core.blocks."
_EXECUTION = "io.kestra.plugin.ee.apps.execution.blocks."
_DEFAULTS: Mapping[AppEvent, Sequence[Mapping[str, Any]]] = {
    AppEvent.OPEN: (
        {"type": _EXECUTION + "CreateExecutionForm"},
        {"type": _EXECUTION + "CreateExecutionButton", "text": "Submit", "style": "INFO"},
    ),
    AppEvent.CREATED: (
        {"type": _CORE + "Markdown", "content": "Thank you, your request was received. It starts in a moment."},
    ),
    AppEvent.RUNNING: (
        {"type": _CORE + "Markdown", "content": "Your request is being worked on."},
        {"type": _CORE + "Loading"},
    ),
    AppEvent.PAUSE: ({"type": _CORE + "Markdown", "content": "Your request waits for a decision."},),
    AppEvent.RESUME: ({"type": _CORE + "Markdown", "content": "Thank you. The request goes on."},),
    AppEvent.SUCCESS: (
        {"type": _CORE + "Alert", "style": "SUCCESS", "showIcon": True, "content": "Done."},
        {"type": _EXECUTION + "Outputs"},
    ),
    AppEvent.FAILURE: (
        {
            "type": _CORE + "Alert",
            "style": "ERROR",
            "showIcon": True,
            "content": "This did not work. Try again, or ask the people who run this App.",
        },
    ),
    AppEvent.ERROR: (
        {
            "type": _CORE + "Alert",
            "style": "ERROR",
            "showIcon": True,
            "content": "The page could not be shown. Try again in a moment.",
        },
    ),
    AppEvent.FALLBACK: (
        {"type": _CORE + "Alert", "style": "INFO", "showIcon": True, "content": "There is nothing to show right now."},
    ),
}


def blocks_for(app: AppDefinition, event: AppEvent) -> list[AppBlock]:
    """The blocks of an event: its own; for RESUME without an entry those of RUNNING; FALLBACK's; the plain default."""
    own = app.blocks_on(event)
    if own is None and event is AppEvent.RESUME:
        own = app.blocks_on(AppEvent.RUNNING)
    if own is None:
        own = app.blocks_on(AppEvent.FALLBACK)
    return own if own is not None else default_blocks(event)


@cache
def _made(event: AppEvent) -> tuple[AppBlock, ...]:
    made = []
    for block in _DEFAULTS[event]:
        found = plugin_class(str(block["type"])).model_validate(block)
        assert isinstance(found, AppBlock)  # noqa: S101 - a type of ours
        made.append(found)
    return tuple(made)


def default_blocks(event: AppEvent) -> list[AppBlock]:
    """The plain default of an event."""
    return list(_made(event))
