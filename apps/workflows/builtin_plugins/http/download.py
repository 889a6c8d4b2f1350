"""Download: stores the answer of an HTTP call as a file."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import ClassVar
from urllib.parse import quote, unquote

import httpx
from pydantic import Field

from apps.workflows.builtin_plugins.http.call import SHOWN_BODY, HttpCall, HttpMethod, all_headers
from apps.workflows.builtin_plugins.http.exchange import exchange
from apps.workflows.builtin_plugins.storage.splitting import new_part
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, Output, RunnableTask

PART = 256 * 1024
"""Bytes that are read at once."""
_EXTENDED = re.compile(r"filename\*\s*=\s*([\w-]*)'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN = re.compile(r'filename\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]+)', re.IGNORECASE)


class DownloadOutput(Output):
    """What Download gives."""

    uri: str = Field(title="The address of the file.")
    code: int = Field(title="The status code.")
    length: int = Field(title="The number of bytes.")
    headers: dict[str, list[str]] = Field(title="The headers of the answer; names in lower case.")


class Download(HttpCall, RunnableTask, Documented):
    """Store the answer of an HTTP call as a file.

    The answer goes straight to a file, whatever its size; `options.maxContentLength` does not count. The file is named
    as the server says in `Content-Disposition`, else as the address ends.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Fetch a file and count its lines.",
            """
id: fetch
namespace: company.team
tasks:
  - id: orders
    type: io.kestra.plugin.core.http.Download
    uri: https://example.com/orders.csv
  - id: count
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - wc -l {{ outputs.orders.uri }}
""",
        ),
    )

    fail_on_empty_response: bool = Field(default=True, title="Whether an answer without a body fails the task.")
    allow_failed: bool = Field(default=False, title="Whether a status of 400 or more is no failure.")

    def run(self, context: RunContext) -> DownloadOutput:
        with ExitStack() as files:
            request = self.request(context, files)
            body = files.enter_context(new_part())
            with exchange(context, request, self.options, self.ssl_options) as answer:
                context.log(Level.DEBUG, f"{answer.request.method} {answer.url.host} answered {answer.status_code}")
                if answer.status_code >= 400 and not self.allow_failed:
                    text = next(answer.iter_bytes(SHOWN_BODY), b"").decode("utf-8", "replace")
                    shown = f": {text}" if text.strip() else ""
                    raise TaskFailed(f"The server answered with status {answer.status_code}{shown}")
                length = 0
                for part in answer.iter_bytes(PART):
                    length += len(part)
                    body.write(part)
                self._check_size(answer, length)
            if length == 0 and self.fail_on_empty_response:
                raise TaskFailed("No response from server")
            body.seek(0)
            uri = context.storage.put(body, file_name(answer))
        tags = {"request.method": self.method.value, "response.code": str(answer.status_code)}
        context.metric("counter", "response.length", length, tags)
        return DownloadOutput(uri=uri, code=answer.status_code, length=length, headers=all_headers(answer.headers))

    def _check_size(self, answer: httpx.Response, length: int) -> None:
        said = answer.headers.get("content-length", "")
        # What was packed is longer than was said.
        packed = answer.headers.get("content-encoding", "identity") != "identity"
        if said.isdigit() and not packed and self.method is not HttpMethod.HEAD and int(said) != length:
            raise TaskFailed(f"Invalid size, got {length}, expected {said}")


def file_name(answer: httpx.Response) -> str:
    """The name the server gives, its last part alone; else that of the address."""
    said = answer.headers.get("content-disposition", "")
    found = ""
    if extended := _EXTENDED.search(said):
        try:
            found = unquote(extended[2], encoding=extended[1] or "utf-8", errors="replace")
        except LookupError:
            found = unquote(extended[2])  # servers name charsets that do not exist
    elif plain := _PLAIN.search(said):
        found = re.sub(r"\\(.)", r"\1", plain[1].strip('"'))
    for path in (found.replace("\\", "/"), unquote(answer.url.path)):
        name = PurePosixPath(path).name
        if name.strip(". "):
            return quote(name, safe=" ")[-200:].replace(" ", "+")
    return "download"
