"""StateTask: what the tasks on states share, above all the key a state is kept under."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.kv.key import check_key
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import RunnableTask

_UNFIT = re.compile(r"[^a-zA-Z0-9.-]+")


class StateTask(RunnableTask):
    """Base of the tasks on states. A state is a map in a KV pair of the flow's namespace."""

    light: ClassVar[bool] = True

    name: str = Field(default="default", title="The name of the state; rendered.")
    namespace: bool = Field(default=False, title="Whether all flows of the namespace share it.")
    taskrun_value: bool = Field(default=True, title="Whether, inside a loop, each value has its own.")

    def key(self, context: RunContext) -> str:
        """The key of the KV pair. TaskFailed when the name does not fit into one."""
        parts = [] if self.namespace else [_UNFIT.sub("-", context.flow_id).strip("-.").lower()]
        parts += ["states", f"tasks-states_{context.render(self.name)}"]
        value = context.render_typed("{{ taskrun.value ?? null }}") if self.taskrun_value else None
        if value is not None:
            parts.append(hashlib.sha256(str(value).encode()).hexdigest()[:32])
        return check_key("_".join(parts))

    def read(self, context: RunContext, key: str) -> dict[str, Any] | None:
        """The state; None when there is none."""
        try:
            found = context.kv().get(key)
        except KeyError:
            return None
        return dict(found) if isinstance(found, Mapping) else {}


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``old`` with what is ``new``; maps of the same key are merged too, all else is replaced."""
    answer = dict(old)
    for key, value in new.items():
        held = answer.get(key)
        answer[key] = merged(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return answer
