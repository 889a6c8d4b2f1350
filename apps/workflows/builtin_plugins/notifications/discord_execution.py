"""DiscordExecution: tells Discord how an execution has ended."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.notifications.execution_news import ExecutionNews, ExecutionProperties
from apps.workflows.builtin_plugins.notifications.webhook import Webhook
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext

_COLORS = {"good": 0x2EB67D, "warning": 0xECB22E, "danger": 0xE01E5A}
MOST_FIELDS = 25
"""Fields of an embed, beyond which Discord refuses the message."""


class Embed(PluginModel):
    """A box below the message."""

    title: str | None = Field(default=None, title="Its title; rendered.")
    website_url: str | None = Field(default=None, title="Where the title leads; rendered.")
    description: str | None = Field(default=None, title="Its text; rendered.")
    thumbnail: str | None = Field(default=None, title="The address of a small picture; rendered.")
    author_name: str | None = Field(default=None, title="Who it is from; rendered.")
    color: list[int] | None = Field(default=None, min_length=3, max_length=3, title="Red, green and blue, 0 to 255.")
    footer: str | None = Field(default=None, title="The line at its end; rendered.")

    def message(self, context: RunContext) -> dict[str, Any]:
        """As Discord wants it."""
        made: dict[str, Any] = {}
        for name, text in (("title", self.title), ("url", self.website_url), ("description", self.description)):
            if text is not None:
                made[name] = context.render(text)
        if self.thumbnail is not None:
            made["thumbnail"] = {"url": context.render(self.thumbnail)}
        if self.author_name is not None:
            made["author"] = {"name": context.render(self.author_name)}
        if self.color is not None:
            red, green, blue = self.color
            made["color"] = (red << 16) + (green << 8) + blue
        if self.footer is not None:
            made["footer"] = {"text": context.render(self.footer)}
        return made


class DiscordExecution(ExecutionProperties, Webhook):
    """Tell Discord how an execution has ended.

    The message has the flow, the state, the task that failed, how long it took, and the address of its page.

    As a task of `errors` it tells of its own execution. In a flow with a Flow trigger, `executionId` names the one that
    was followed.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell of each execution of a namespace that fails.",
            """
id: discord_alerts
namespace: system
tasks:
  - id: send
    type: io.kestra.plugin.discord.DiscordExecution
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

    username: Property[str] | None = Field(default=None, title="The name the message comes from; rendered.")
    avatar_url: Property[str] | None = Field(default=None, title="The picture of who it comes from; rendered.")
    content: Property[str] | None = Field(
        default=None, title="The text, in place of what the execution tells; rendered."
    )
    embed_list: list[Embed] = Field(default_factory=list, title="Boxes to add below.")

    def run(self, context: RunContext) -> None:
        self.post(context, json.dumps(self._message(context, self.news(context)), ensure_ascii=False))

    def _message(self, context: RunContext, news: ExecutionNews) -> dict[str, Any]:
        facts = [{"name": name, "value": value or "-", "inline": True} for name, value in news.facts]
        box: dict[str, Any] = {
            "title": news.title,
            "url": news.summary.link,
            "description": news.outcome,
            "color": _COLORS[news.color],
            "fields": facts[:MOST_FIELDS],
            "timestamp": news.when.isoformat(),
        }
        text = self.content.value(context) if self.content is not None else news.message
        made: dict[str, Any] = {"embeds": [box, *(embed.message(context) for embed in self.embed_list)]}
        own = {"content": text or f"{news.title} {news.outcome}"}
        for name, held in (("username", self.username), ("avatar_url", self.avatar_url)):
            if held is not None:
                own[name] = held.value(context)
        return own | made
