"""The values of a loop: from what its expression gave to texts, in order and without duplicates."""

from __future__ import annotations

import json
from typing import Any

from apps.workflows.plugin_api.errors import FlowableFailed


def loop_values(control: Any) -> tuple[str, ...]:
    """The texts to loop over.

    ``control`` is a list as written (its texts rendered), or the text of a JSON array. FlowableFailed when it is
    neither, when an element is null, or when a list as written holds what is no text, whole number or map.
    """
    if isinstance(control, list):
        items = control
        for item in items:
            if isinstance(item, bool | float | list):
                raise FlowableFailed(f"Unknown value element type: {_show(item)} is no text, whole number or map")
    else:
        items = _parse(control)
    if missing := sum(item is None for item in items):
        raise FlowableFailed(f"Found '{missing}' null values on Each, with values={_show(items)}")
    return tuple(dict.fromkeys(_as_text(item) for item in items))


def _parse(text: Any) -> list[Any]:
    try:
        items = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise FlowableFailed(f"The values of a loop must be a list or the JSON of one, but are `{text}`") from error
    if not isinstance(items, list):
        raise FlowableFailed(f"The values of a loop must be a list or the JSON of one, but are `{text}`")
    return items


def _as_text(item: Any) -> str:
    if isinstance(item, str):
        return item
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def _show(item: Any) -> str:
    match item:
        case None:
            return "null"
        case bool():
            return "true" if item else "false"
        case list():
            return "[" + ", ".join(_show(one) for one in item) + "]"
        case dict():
            return "{" + ", ".join(f"{key}={_show(value)}" for key, value in item.items()) + "}"
    return str(item)
