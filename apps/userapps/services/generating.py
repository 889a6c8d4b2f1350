"""An App made from a flow: a form, and an approval where the flow pauses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from apps.common.errors import NotFound
from apps.userapps.services.pages import readable_name
from apps.workflows.plugin_api.task import Task
from apps.workflows.selectors.flow_sources import find_source
from apps.workflows.services.definitions import load_flow

_CORE: Final = "io.kestra.plugin.ee.apps.core.blocks."
_RUN: Final = "io.kestra.plugin.ee.apps.execution.blocks."
_PAUSE: Final = "io.kestra.plugin.core.flow.Pause"
EXAMPLE: Final = f"""\
id: my_app
type: io.kestra.plugin.ee.apps.Execution
displayName: My App
description: What people can ask for here.
namespace: {{namespace}}
flowId: my_flow
access: PRIVATE
layout:
  - on: OPEN
    blocks:
      - type: {_RUN}CreateExecutionForm
      - type: {_RUN}CreateExecutionButton
        text: Send
        style: SUCCESS
"""


def app_for_flow(namespace: str, flow_id: str) -> str:
    """The YAML of an App in front of a flow. NotFound."""
    source = find_source(namespace, flow_id, None)
    if source is None or source.deleted:
        raise NotFound(f"There is no flow {namespace}.{flow_id}")
    flow = load_flow(source.flow_ref, source.revision).definition
    about = (flow.description or "").strip().partition("\n")[0]
    lines = [
        f"id: {flow.id}",
        "type: io.kestra.plugin.ee.apps.Execution",
        f"displayName: {json.dumps(readable_name(flow.id), ensure_ascii=False)}",
        *([f"description: {json.dumps(about, ensure_ascii=False)}"] if about else []),
        f"namespace: {flow.namespace}",
        f"flowId: {flow.id}",
        "access: PRIVATE",
        "layout:",
        *_event("OPEN", _RUN + "CreateExecutionForm", (_RUN + "CreateExecutionButton", "Send", "SUCCESS")),
        *_event("RUNNING", _CORE + "Loading", (_RUN + "CancelExecutionButton", "Cancel", "DEFAULT")),
    ]
    if _pauses(flow.tasks):
        lines += _event(
            "PAUSE",
            _RUN + "Inputs",
            _RUN + "ResumeExecutionForm",
            (_RUN + "ResumeExecutionButton", "Approve", "SUCCESS"),
            (_RUN + "CancelExecutionButton", "Reject", "DEFAULT"),
        )
    lines += ["  - on: SUCCESS", "    blocks:", f"      - type: {_CORE}Alert", "        style: SUCCESS"]
    lines += ["        showIcon: true", "        content: Done."]
    if flow.outputs:
        lines.append(f"      - type: {_RUN}Outputs")
    lines += _event("FAILURE", _RUN + "Inputs", _RUN + "Logs")
    return "\n".join(lines) + "\n"


def _event(name: str, *blocks: str | tuple[str, str, str]) -> list[str]:
    lines = [f"  - on: {name}", "    blocks:"]
    for block in blocks:
        if isinstance(block, str):
            lines.append(f"      - type: {block}")
        else:
            kind, text, style = block
            lines += [f"      - type: {kind}", f"        text: {text}", f"        style: {style}"]
    return lines


def _pauses(tasks: Iterable[Any]) -> bool:
    """Whether a task, or one inside it, waits for a person."""
    for task in tasks:
        if getattr(task, "type", "") == _PAUSE and getattr(task, "delay", None) is None:
            return True
        for name in type(task).model_fields:
            held = getattr(task, name)
            inner = held.values() if isinstance(held, dict) else held if isinstance(held, list | tuple) else [held]
            for value in inner:
                group = value if isinstance(value, list | tuple) else [value]
                if _pauses(one for one in group if isinstance(one, Task)):
                    return True
    return False
