"""Request: makes an HTTP call and gives its answer as output."""

from __future__ import annotations

import codecs
from contextlib import ExitStack
from typing import Any, ClassVar

import httpx
from pydantic import Field

from apps.workflows.builtin_plugins.http.call import SHOWN_BODY, HttpCall, all_headers
from apps.workflows.builtin_plugins.http.exchange import exchange, read_body
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, Output, RunnableTask


class RequestOutput(Output):
    """What Request gives."""

    code: int = Field(title="The status code.")
    uri: str = Field(title="The address that answered, after redirects.")
    headers: dict[str, list[str]] = Field(title="The headers of the answer; names in lower case.")
    body: str | None = Field(default=None, title="The body, as text.")
    encrypted_body: dict[str, Any] | None = Field(
        default=None, title="The body with `encryptBody`: stored encrypted, read in clear by expressions."
    )


class Request(HttpCall, RunnableTask, Documented):
    """Make an HTTP call.

    A status of 400 or more fails the task, unless `allowFailed`. The body of the answer is a text; `json(…)` reads it
    in expressions. For large answers use `http.Download`.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Read an API and use its answer.",
            """
id: call
namespace: company.team
inputs:
  - id: address
    type: STRING
    defaults: http://localhost:8080/orders
tasks:
  - id: orders
    type: io.kestra.plugin.core.http.Request
    uri: "{{ inputs.address }}"
    headers:
      Accept: application/json
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ json(outputs.orders.body) }}"
""",
        ),
        Example(
            "Send JSON with a token that is kept as a secret.",
            """
id: send
namespace: company.team
tasks:
  - id: send
    type: io.kestra.plugin.core.http.Request
    uri: https://api.example.com/orders
    method: POST
    contentType: application/json
    headers:
      Authorization: "Bearer {{ secret('API_TOKEN') }}"
    body: '{"amount": 12}'
""",
        ),
    )

    allow_failed: bool = Field(default=False, title="Whether a status of 400 or more is no failure.")
    encrypt_body: bool = Field(default=False, title="Whether the body is stored encrypted.")

    def run(self, context: RunContext) -> RequestOutput:
        with ExitStack() as files:
            request = self.request(context, files)
            with exchange(context, request, self.options, self.ssl_options) as answer:
                context.log(Level.DEBUG, f"{answer.request.method} {answer.url.host} answered {answer.status_code}")
                body = read_body(answer, self.options.max_content_length)
            tags = {"request.method": self.method.value, "response.code": str(answer.status_code)}
            context.metric("counter", "response.length", len(body), tags)
            text = body.decode(self._charset(answer), errors="replace")
            if answer.status_code >= 400 and not self.allow_failed:
                shown = f": {text[:SHOWN_BODY]}" if text.strip() else ""
                raise TaskFailed(f"The server answered with status {answer.status_code}{shown}")
            return RequestOutput(
                code=answer.status_code,
                uri=str(answer.url),
                headers=all_headers(answer.headers),
                body=None if self.encrypt_body else text,
                encrypted_body=context.encrypt(text) if self.encrypt_body else None,
            )

    def _charset(self, answer: httpx.Response) -> str:
        for name in (answer.charset_encoding, self.options.default_charset):
            try:
                return codecs.lookup(name or "").name
            except LookupError:
                continue  # servers name charsets that do not exist
        return "utf-8"
