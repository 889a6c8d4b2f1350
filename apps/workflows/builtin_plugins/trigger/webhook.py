"""Webhook: starts the flow when its address is called."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.trigger import WebhookTrigger


class Webhook(WebhookTrigger, Documented):
    """Start the flow when its address is called.

    The address is `/api/v1/{tenant}/executions/webhook/{namespace}/{flow}/{key}`; whoever knows the key may call it,
    with GET, POST or PUT. The execution sees `trigger.body`, `trigger.headers` and `trigger.parameters`.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Start with what was sent.",
            """
id: on_call
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.body }}"
triggers:
  - id: webhook
    type: io.kestra.plugin.core.trigger.Webhook
    key: 4wjtkzwVGBM9yKnjm3yv8r
""",
        ),
    )

    def check(self) -> list[str]:
        return [
            "invalid webhook: conditions of type MultipleCondition are not supported"
            for condition in self.conditions
            if type(condition).__name__ == "MultipleCondition"
        ]
