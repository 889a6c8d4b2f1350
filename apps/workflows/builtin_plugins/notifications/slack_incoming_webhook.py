"""SlackIncomingWebhook: posts a message to Slack."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.notifications.webhook import IncomingWebhook
from apps.workflows.plugin_api.documented import Example


class SlackIncomingWebhook(IncomingWebhook):
    """Post a message to Slack.

    The message is JSON as Slack wants it. A status of 400 or more fails the task.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell why an execution has failed.",
            """
id: tell_slack
namespace: company.team
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: Something went wrong
errors:
  - id: alert
    type: io.kestra.plugin.slack.SlackIncomingWebhook
    url: "{{ secret('WEBHOOK') }}"
    payload: |
      {
        "text": {{ ('Execution ' ~ execution.id ~ ': ' ~ errorLogs()[0]['message']) | toJson }}
      }
""",
        ),
    )
