"""JSON of Apps."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from apps.common.json_values import Shape
from apps.userapps.models import UserApp
from apps.userapps.services.pages import AppPage, NamedValue, ShownBlock
from apps.workflows.plugin_api.duration import format_duration
from apps.workflows.schemas.logs import log_json


class AppShape(Shape):
    """An App in a list."""

    uid: str
    id: str
    name: str
    type: str = "io.kestra.plugin.ee.apps.Execution"
    namespace: str
    description: str = ""
    flow_id: str = ""
    tags: list[str]
    enabled: bool
    public: bool


class AppSourceShape(Shape):
    """An App with what was written."""

    uid: str
    name: str
    namespace: str
    tags: list[str]
    disabled: bool
    source: str
    revision: int
    created: datetime
    updated: datetime


class AppTagsShape(Shape):
    """Tags in use."""

    tags: list[str]


class AppResponseShape(Shape):
    """What an App shows now, what a form of it is sent to, and the stream of its changes."""

    dispatch: str
    stream: str | None = None
    event: str
    execution_id: str | None = None
    layout: dict[str, Any]


class EmbedHosts(Shape):
    """The hosts whose pages may show an App in a frame."""

    hosts: list[str]


class AppPreview(Shape):
    """What the builder asks for: a source, an event, and a past execution whose data fill the blocks."""

    source: str
    event: str = "OPEN"
    execution_id: str | None = None


def app_json(app: UserApp) -> AppShape:
    return AppShape(
        uid=app.uid,
        id=app.app_id,
        name=app.display_name,
        namespace=app.namespace,
        description=app.description,
        flow_id=app.flow_id,
        tags=app.tags,
        enabled=not app.disabled,
        public=app.is_public,
    )


def app_source_json(app: UserApp) -> AppSourceShape:
    return AppSourceShape(
        uid=app.uid,
        name=app.display_name,
        namespace=app.namespace,
        tags=app.tags,
        disabled=app.disabled,
        source=app.source,
        revision=app.revision,
        created=app.created,
        updated=app.updated,
    )


def page_json(page: AppPage, *, dispatch: str, stream: str | None) -> AppResponseShape:
    """The page as clients build their own from it."""
    return AppResponseShape(
        dispatch=dispatch,
        stream=stream,
        event=page.event.value,
        execution_id=None if page.execution is None else page.execution.id,
        layout={"blocks": [_block_json(block) for block in page.blocks], "resolved": True},
    )


def _block_json(shown: ShownBlock) -> dict[str, Any]:
    found = shown.block.to_api(shown.texts)
    if shown.problem:
        return {**found, "error": shown.problem}
    match shown.kind:
        case "create_form" | "resume_form":
            found["inputs"] = shown.data
        case "inputs" | "outputs" | "task_outputs":
            found["values"] = [_value_json(one) for one in shown.data]
        case "logs":
            found["logs"] = [log_json(line) for line in shown.data]
        case "loading" if shown.data is not None:
            found["done"], found["total"] = shown.data
        case "table":
            found["columns"], found["rows"], found["omitted"] = shown.data
    return {key: _plain(value) for key, value in found.items()}


def _value_json(one: NamedValue) -> dict[str, Any]:
    return {
        "id": one.id,
        "displayName": one.label,
        "type": one.kind,
        "value": one.value,
        "description": one.description or None,
        "error": one.problem or None,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return format_duration(value)
    return value.value if isinstance(value, Enum) else value
