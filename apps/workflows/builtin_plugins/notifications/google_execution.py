"""GoogleChatExecution: tells Google Chat how an execution has ended."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.notifications.execution_news import ExecutionNews, ExecutionProperties
from apps.workflows.builtin_plugins.notifications.webhook import Webhook
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext


class GoogleChatExecution(ExecutionProperties, Webhook):
    """Tell Google Chat how an execution has ended.

    The message has the flow, the state, the task that failed, how long it took, and the address of its page.

    As a task of `errors` it tells of its own execution. In a flow with a Flow trigger, `executionId` names the one that
    was followed.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell of each execution of a namespace that fails.",
            """
id: google_alerts
namespace: system
tasks:
  - id: send
    type: io.kestra.plugin.google.GoogleChatExecution
    url: "{{ secret('WEBHOOK') }}"
    executionId: "{{ trigger.executionId }}"
triggers:
  - id: failed
    type: io.kestra.plugin.core.trigger.Flow
    states: [FAILED, WARNING]
    preconditions:
      id: team
      where:
        - id: namespace
          filters:
            - field: NAMESPACE
              type: STARTS_WITH
              value: company
""",
        ),
    )

    text: Property[str] | None = Field(default=None, title="The text, in place of what the execution tells; rendered.")

    def run(self, context: RunContext) -> None:
        self.post(context, json.dumps(self._message(context, self.news(context)), ensure_ascii=False))

    def _message(self, context: RunContext, news: ExecutionNews) -> dict[str, Any]:
        if self.text is not None:
            return {"text": self.text.value(context)}
        lines = [news.message] if news.message else []
        lines += [f"*{news.title}* {news.outcome}", *(f"{name}: {value}" for name, value in news.facts)]
        return {"text": "\n".join([*lines, f"<{news.summary.link}|Details>"])}
