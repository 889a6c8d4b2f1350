"""HttpCall: what all HTTP calls have in common: address, method, body, headers, options."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from typing import Any

import httpx
from pydantic import Field

from apps.workflows.builtin_plugins.http.options import HttpOptions, SslOptions
from apps.workflows.builtin_plugins.http.request_body import MULTIPART, request_body
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.run_context import RunContext

SHOWN_BODY = 2000
"""Characters of a failed call's body that its error shows."""


class HttpMethod(StrEnum):
    """The methods of HTTP; CUSTOM is kept for old flows and sent as it is."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"
    TRACE = "TRACE"
    CONNECT = "CONNECT"
    CUSTOM = "CUSTOM"


class HttpCall(PluginModel):
    """The properties of a call, and the request they make."""

    uri: str = Field(title="The address; rendered.")
    method: HttpMethod = Field(default=HttpMethod.GET, title="The method.")
    body: str | None = Field(default=None, title="The body; rendered.")
    form_data: dict[str, Any] | None = Field(
        default=None, title="The fields of a form; rendered. With `contentType: multipart/form-data` also files."
    )
    content_type: str | None = Field(default=None, title="The type of the body; rendered.")
    headers: dict[str, str] = Field(default_factory=dict, title="Headers; the values are rendered.")
    options: HttpOptions = Field(default_factory=HttpOptions, title="Time-outs, size, proxy, sign-in.")
    ssl_options: SslOptions = Field(default_factory=SslOptions, title="Options of TLS.")

    def check(self) -> list[str]:
        return self.options.check()

    def request(self, context: RunContext, files: ExitStack) -> httpx.Request:
        """The request, rendered; files it sends stay open until ``files`` is closed. TaskFailed for no address."""
        content_type = None if self.content_type is None else context.render(self.content_type)
        body = request_body(context, files, self.body, self.form_data, content_type)
        headers = {"User-Agent": "kestra-ee", "Accept": "*/*"}
        headers |= {name: context.render(value) for name, value in self.headers.items()}
        if content_type is not None and not content_type.startswith(MULTIPART):
            headers["Content-Type"] = content_type
        address = context.render(self.uri)
        try:
            request = httpx.Request(self.method.value, address, headers=headers, **body.arguments())
        except (httpx.InvalidURL, UnicodeEncodeError, ValueError, TypeError) as error:
            raise TaskFailed(f"Cannot make a request to `{address}`: {error}") from error
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise TaskFailed(f"`{address}` is no address of a web server, write it as in https://host/path")
        return request


def all_headers(headers: httpx.Headers) -> dict[str, list[str]]:
    """Every header with all its values; names in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in headers.multi_items():
        found.setdefault(name.lower(), []).append(value)
    return found
