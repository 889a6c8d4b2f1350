"""DiscordIncomingWebhook: posts a message to Discord."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.notifications.webhook import IncomingWebhook
from apps.workflows.plugin_api.documented import Example


class DiscordIncomingWebhook(IncomingWebhook):
    """Post a message to Discord.

    The message is JSON as Discord wants it. A status of 400 or more fails the task.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell why an execution has failed.",
            """
id: tell_discord
namespace: company.team
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: Something went wrong
errors:
  - id: alert
    type: io.kestra.plugin.discord.DiscordIncomingWebhook
    url: "{{ secret('WEBHOOK') }}"
    payload: |
      {
        "content": {{ ('Execution ' ~ execution.id ~ ': ' ~ errorLogs()[0]['message']) | toJson }}
      }
""",
        ),
    )
