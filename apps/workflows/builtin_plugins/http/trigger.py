"""Trigger: calls an address again and again, and starts the flow when the answer meets a condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.http.call import HttpCall
from apps.workflows.builtin_plugins.http.request import Request
from apps.workflows.expressions.environment import is_truthy
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.trigger import PollingTrigger


class Trigger(HttpCall, PollingTrigger, Documented):
    """Call an address again and again; start the flow when the answer meets a condition.

    The answer is seen as `response.statusCode`, `response.body` and `response.headers` in the condition, and as the
    outputs of `http.Request` in `trigger` of the execution.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Start when a service says that it has something.",
            """
id: watch
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.body }}"
triggers:
  - id: ready
    type: io.kestra.plugin.core.http.Trigger
    uri: https://api.example.com/status
    responseCondition: "{{ json(response.body).ready }}"
    interval: PT30S
""",
        ),
    )

    response_condition: str = Field(
        default="{{ response.statusCode < 400 }}", title="The flow starts when this is true."
    )
    encrypt_body: bool = Field(default=False, title="Whether the body is stored encrypted.")

    def poll(self, context: RunContext) -> Mapping[str, Any] | None:
        call = Request(
            id=self.id,
            type="io.kestra.plugin.core.http.Request",
            uri=self.uri,
            method=self.method,
            body=self.body,
            form_data=self.form_data,
            content_type=self.content_type,
            headers=self.headers,
            options=self.options,
            ssl_options=self.ssl_options,
            allow_failed=True,
        )
        answer = call.run(context)
        response = {"statusCode": answer.code, "body": answer.body or "", "headers": answer.headers}
        if not is_truthy(context.with_variables({"response": response}).render(self.response_condition)):
            return None
        output = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
        if self.encrypt_body:
            output["encryptedBody"] = context.encrypt(output.pop("body", ""))
        return output
