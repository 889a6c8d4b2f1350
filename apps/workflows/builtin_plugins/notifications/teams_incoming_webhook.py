"""TeamsIncomingWebhook: posts a message to Microsoft Teams."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.notifications.webhook import IncomingWebhook
from apps.workflows.plugin_api.documented import Example


class TeamsIncomingWebhook(IncomingWebhook):
    """Post a message to Microsoft Teams.

    The message is JSON as Microsoft Teams wants it. A status of 400 or more fails the task.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell why an execution has failed.",
            """
id: tell_teams
namespace: company.team
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: Something went wrong
errors:
  - id: alert
    type: io.kestra.plugin.teams.TeamsIncomingWebhook
    url: "{{ secret('WEBHOOK') }}"
    payload: |
      {
        "text": {{ ('Execution ' ~ execution.id ~ ': ' ~ errorLogs()[0]['message']) | toJson }}
      }
""",
        ),
    )
