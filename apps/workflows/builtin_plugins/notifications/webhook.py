"""Webhook: posts JSON to the address a chat has given."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
from pydantic import Field

from apps.workflows.builtin_plugins.http.exchange import exchange, read_body
from apps.workflows.builtin_plugins.http.options import HttpOptions, SslOptions
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, RunnableTask

SHOWN_BODY = 2000
"""Characters of a refusal that the error shows."""


class WebhookOptions(PluginModel):
    """Options of the call."""

    connect_timeout: Property[Duration] | None = Field(default=None, title="How long connecting may take.")
    read_timeout: Property[Duration] | None = Field(default=None, title="How long the answer may pause; ten seconds.")
    read_idle_timeout: Property[Duration] | None = Field(default=None, title="Accepted for old flows.")
    connection_pool_idle_timeout: Property[Duration] | None = Field(default=None, title="Accepted for old flows.")
    max_content_length: Property[int] | None = Field(default=None, title="The most bytes of an answer; ten million.")
    default_charset: Property[str] | None = Field(default=None, title="Accepted for old flows; UTF-8 is sent.")

    def rendered(self, context: RunContext) -> HttpOptions:
        """As HTTP calls have them."""
        found: dict[str, timedelta | int] = {}
        for name in ("connect_timeout", "read_timeout", "max_content_length"):
            if (held := getattr(self, name)) is not None:
                found[name] = held.value(context)
        return HttpOptions.model_validate(found)


class Webhook(RunnableTask, Documented):
    """Base of the tasks that post to a chat's address."""

    url: str = Field(title="The address the chat has given; rendered. Keep it as a secret.")
    options: WebhookOptions = Field(default_factory=WebhookOptions, title="Time-outs and size.")

    def post(self, context: RunContext, text: str) -> None:
        """Send JSON. TaskFailed for a status of 400 or more, without the address: it is as good as a password."""
        address = context.render(self.url).strip()
        options = self.options.rendered(context)
        try:
            request = httpx.Request(
                "POST", address, content=text.encode(), headers={"Content-Type": "application/json; charset=utf-8"}
            )
            host = request.url.host
        except (httpx.InvalidURL, UnicodeEncodeError, TypeError, ValueError) as error:
            raise TaskFailed("`url` is no address of a web server") from error
        if request.url.scheme not in ("http", "https") or not host:
            raise TaskFailed("`url` is no address of a web server, write it as in https://host/path")
        try:
            with exchange(context, request, options, SslOptions()) as answer:
                body = read_body(answer, options.max_content_length).decode("utf-8", "replace")
        except TaskFailed as error:
            # An error shows the path, which is the secret part of such an address.
            raise TaskFailed(
                str(error).replace(str(request.url.copy_with(username=None, password=None, query=None)), f"{host}/…")
            ) from error
        if answer.status_code >= 400:
            shown = f": {body[:SHOWN_BODY]}" if body.strip() else ""
            raise TaskFailed(f"{host} answered with status {answer.status_code}{shown}")
        context.log(Level.DEBUG, f"{host} answered {answer.status_code}")


class IncomingWebhook(Webhook):
    """Base of the tasks whose message is written in the flow."""

    payload: Property[str] | None = Field(default=None, title="The message, JSON as the chat wants it; rendered.")

    def check(self) -> list[str]:
        return [] if self.payload is not None else ["`payload` must not be null"]

    def run(self, context: RunContext) -> None:
        text = "" if self.payload is None else self.payload.value(context)
        try:
            json.loads(text)
        except ValueError as error:
            context.log(
                Level.WARN,
                f"`payload` is no JSON ({error}); text with quotes or line breaks goes into it as {{{{ … | toJson }}}}",
            )
        self.post(context, text)
