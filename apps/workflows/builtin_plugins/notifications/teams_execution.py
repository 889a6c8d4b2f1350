"""TeamsExecution: tells Microsoft Teams how an execution has ended."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.notifications.execution_news import ExecutionNews, ExecutionProperties
from apps.workflows.builtin_plugins.notifications.webhook import Webhook
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext


class TeamsExecution(ExecutionProperties, Webhook):
    """Tell Microsoft Teams how an execution has ended.

    The message has the flow, the state, the task that failed, how long it took, and the address of its page.

    As a task of `errors` it tells of its own execution. In a flow with a Flow trigger, `executionId` names the one that
    was followed.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell of each execution of a namespace that fails.",
            """
id: teams_alerts
namespace: system
tasks:
  - id: send
    type: io.kestra.plugin.teams.TeamsExecution
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

    theme_color: Property[str] | None = Field(default=None, title="The colour of the card, as in `0076D7`; rendered.")
    activity_title: Property[str] | None = Field(default=None, title="The title; rendered.")
    activity_subtitle: Property[str] | None = Field(default=None, title="The line below the title; rendered.")

    def run(self, context: RunContext) -> None:
        self.post(context, json.dumps(self._message(context, self.news(context)), ensure_ascii=False))

    def _message(self, context: RunContext, news: ExecutionNews) -> dict[str, Any]:
        def own(held: Property[str] | None, otherwise: str) -> str:
            return otherwise if held is None else held.value(context)

        section: dict[str, Any] = {
            "activityTitle": own(self.activity_title, news.title),
            "activitySubtitle": own(self.activity_subtitle, news.outcome),
            "facts": [{"name": name, "value": value} for name, value in news.facts],
            "markdown": True,
        }
        if news.message:
            section["text"] = news.message
        target = {"os": "default", "uri": news.summary.link}
        return {
            "@type": "MessageCard",
            "@context": "http://schema.org/extensions",
            "themeColor": own(self.theme_color, "0076D7"),
            "summary": f"{news.title} {news.outcome}",
            "sections": [section],
            "potentialAction": [{"@type": "OpenUri", "name": "Details", "targets": [target]}],
        }
