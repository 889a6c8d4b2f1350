"""GoogleChatIncomingWebhook: posts a message to Google Chat."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.notifications.webhook import IncomingWebhook
from apps.workflows.plugin_api.documented import Example


class GoogleChatIncomingWebhook(IncomingWebhook):
    """Post a message to Google Chat.

    The message is JSON as Google Chat wants it. A status of 400 or more fails the task.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell why an execution has failed.",
            """
id: tell_google
namespace: company.team
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: Something went wrong
errors:
  - id: alert
    type: io.kestra.plugin.google.GoogleChatIncomingWebhook
    url: "{{ secret('WEBHOOK') }}"
    payload: |
      {
        "text": {{ ('Execution ' ~ execution.id ~ ': ' ~ errorLogs()[0]['message']) | toJson }}
      }
""",
        ),
    )
