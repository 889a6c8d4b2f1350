"""SlackExecution: tells Slack how an execution has ended."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.notifications.execution_news import ExecutionNews, ExecutionProperties
from apps.workflows.builtin_plugins.notifications.webhook import Webhook
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext


class SlackExecution(ExecutionProperties, Webhook):
    """Tell Slack how an execution has ended.

    The message has the flow, the state, the task that failed, how long it took, and the address of its page.

    As a task of `errors` it tells of its own execution. In a flow with a Flow trigger, `executionId` names the one that
    was followed.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell of each execution of a namespace that fails.",
            """
id: slack_alerts
namespace: system
tasks:
  - id: send
    type: io.kestra.plugin.slack.SlackExecution
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

    channel: Property[str] | None = Field(
        default=None, title="The channel, where the address allows another one; rendered."
    )
    username: Property[str] | None = Field(default=None, title="The name the message comes from; rendered.")
    icon_url: Property[str] | None = Field(default=None, title="The picture of who it comes from; rendered.")
    icon_emoji: Property[str] | None = Field(default=None, title="An emoji in place of the picture; rendered.")
    template_render_map: Property[dict[str, Any]] | None = Field(
        default=None, title="Entries of the message to add or replace; rendered."
    )

    def run(self, context: RunContext) -> None:
        self.post(context, json.dumps(self._message(context, self.news(context)), ensure_ascii=False))

    def _message(self, context: RunContext, news: ExecutionNews) -> dict[str, Any]:
        said = f"*{news.title}* {news.outcome}"
        blocks: list[dict[str, Any]] = []
        if news.message:
            blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": news.message}})
        blocks.append(
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": f"> {said}"},
                "accessory": {
                    "type": "button",
                    "text": {"type": "plain_text", "text": "Details"},
                    "value": "details",
                    "url": news.summary.link,
                    "action_id": "button-action",
                },
            }
        )
        fields = [{"title": name, "value": value, "short": True} for name, value in news.facts]
        attachment = {"color": news.color, "fields": fields, "ts": int(news.when.timestamp())}
        made: dict[str, Any] = {"text": f"{news.title} {news.outcome}", "blocks": blocks, "attachments": [attachment]}
        if self.template_render_map is not None:
            made |= self.template_render_map.value(context)
        own = {
            "channel": self.channel,
            "username": self.username,
            "icon_url": self.icon_url,
            "icon_emoji": self.icon_emoji,
        }
        return made | {name: held.value(context) for name, held in own.items() if held is not None}
