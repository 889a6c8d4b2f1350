"""The body of an HTTP request: a text, a form, or parts with files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

MULTIPART = "multipart/form-data"


@dataclass(slots=True)
class RequestBody:
    """What httpx is given: at most one of the three."""

    content: bytes | None = None
    form: dict[str, Any] | None = None
    parts: list[tuple[str, Any]] = field(default_factory=list)

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of an httpx request."""
        if self.parts:
            return {"files": self.parts}
        if self.form is not None:
            return {"data": self.form}
        return {} if self.content is None else {"content": self.content}


def request_body(
    context: RunContext, files: ExitStack, body: str | None, form: Mapping[str, Any] | None, content_type: str | None
) -> RequestBody:
    """The body of a request; a form wins over a text. Files of internal storage stay open until ``files`` is closed."""
    if form:
        rendered = context.render_tree(dict(form))
        if content_type is not None and content_type.startswith(MULTIPART):
            return RequestBody(parts=[_part(context, files, name, value) for name, value in rendered.items()])
        return RequestBody(form={name: _text(value) for name, value in rendered.items()})
    if body is None:
        return RequestBody()
    try:
        return RequestBody(content=context.render(body).encode())
    except UnicodeEncodeError as error:
        raise TaskFailed(f"Illegal unicode code point in request body: {error.reason}") from error


def _part(context: RunContext, files: ExitStack, name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, str) and value.startswith("kestra://"):
        return name, (PurePosixPath(value).name, _open(context, files, value))
    if isinstance(value, dict) and set(value) >= {"name", "content"}:
        return name, (str(value["name"]), _open(context, files, str(value["content"])))
    return name, (None, _text(value))


def _open(context: RunContext, files: ExitStack, address: str) -> Any:
    try:
        return files.enter_context(context.storage.open(address))
    except (FileNotFoundError, PermissionError) as error:
        raise TaskFailed(f"Cannot read `{address}`: {error}") from error


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
