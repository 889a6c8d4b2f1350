"""Apps as they are used: what one shows, sending its form, following it, its files and log. PUBLIC ones need nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from apps.common.access import access, public
from apps.common.api import dump_json, query_number, read_body, required_query
from apps.common.current_tenant import require_tenant
from apps.common.downloads import download_answer
from apps.common.errors import IllegalArgument, Invalid, NotFound, Problem
from apps.common.json_values import to_json_value
from apps.live.stream import CONTENT_TYPE, HEADERS, sse_message, with_heartbeat
from apps.rbac.decisions import check_can
from apps.rbac.middleware import client_address
from apps.storage.internal_storage import open_storage
from apps.userapps.language.definition import AppDefinition
from apps.userapps.models import UserApp, Verdict
from apps.userapps.schemas import AppPreview, AppResponseShape, page_json
from apps.userapps.services.admission import Visitor, open_app
from apps.userapps.services.apps import check_app_source
from apps.userapps.services.log_files import log_file
from apps.userapps.services.pages import AppPage, open_page, preview_page
from apps.userapps.services.running import decide, submit
from apps.userapps.services.tickets import read_dispatch, read_follow, sign_dispatch, sign_follow
from apps.workflows.api.describe import BYTES, FORM, STREAM, describe, number, text
from apps.workflows.plugin_api.app_block import AppEvent
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import find_head
from apps.workflows.services.file_previews import preview_file
from apps.workflows.services.following import in_tenant, watching

STREAM_QUERY: Final = text("stream", "The `stream` of an answer: the execution that is shown.")
ACTION: Final = "action"
DECISIONS: Final = {"resume": Verdict.RESUMED, "cancel": Verdict.CANCELLED}


def _opened(request: Request, uid: str, action: str = "READ") -> tuple[UserApp, AppDefinition, Visitor]:
    opened = open_app(uid, request.user, address=client_address(request._request), action=action)
    return opened.app, opened.definition, opened.visitor


def _followed(request: Request, app: UserApp) -> str | None:
    given = request.query_params.get("stream") or request.query_params.get("parameters")
    return read_follow(given, app.pk) if given else None


def app_link(app: UserApp) -> str:
    """The address people open."""
    return f"{settings.KESTRA_URL.rstrip('/')}/ui/{require_tenant()}/apps/{app.uid}"


def _answer(page: AppPage, visitor: Visitor) -> AppResponseShape:
    execution_id = "" if page.execution is None else page.execution.id
    return page_json(
        page,
        dispatch=sign_dispatch(page.app.pk, page.event, execution_id, visitor.user_id),
        stream=sign_follow(page.app.pk, execution_id) if execution_id else None,
    )


@describe(AppResponseShape, query=(STREAM_QUERY,), tag="Apps")
@public
def view_app(request: Request, uid: str) -> AppResponseShape:
    """What the App shows now: of an execution with `stream`, else its form."""
    app, definition, visitor = _opened(request, uid)
    execution_id = _followed(request, app)
    page = open_page(app, definition, execution_id=execution_id, url=app_link(app), given={})
    return _answer(page, visitor)


@describe(AppResponseShape, body=FORM, query=(text(ACTION, "create, resume or cancel."), text("comment")), tag="Apps")
@public
def dispatch_app(request: Request, uid: str, dispatch: str) -> AppResponseShape:
    """Send the form that a `dispatch` came with: start the flow, or resume or cancel the execution. Parts of the form
    are named by their inputs."""
    app, definition, visitor = _opened(request, uid, "UPDATE")
    ticket = read_dispatch(dispatch, app_key=app.pk, user_id=visitor.user_id)
    given: dict[str, Any] = _parts(request)
    files = dict(request.FILES.items())
    action = request.query_params.get(ACTION) or ("create" if ticket.event is AppEvent.OPEN else "resume")
    if action == "create":
        execution_id = submit(
            app=app, definition=definition, dispatch=ticket, visitor=visitor, given=given, files=files
        )
    elif action in DECISIONS:
        decide(
            app=app,
            dispatch=ticket,
            visitor=visitor,
            verdict=DECISIONS[action],
            given=given,
            files=files,
            comment=request.query_params.get("comment", ""),
        )
        execution_id = ticket.execution_id
    else:
        raise IllegalArgument(f"There is no action '{action[:40]}'; use create, resume or cancel.")
    return _answer(open_page(app, definition, execution_id=execution_id, url=app_link(app), given={}), visitor)


def _parts(request: Request) -> dict[str, Any]:
    data = request.data
    if not isinstance(data, Mapping):
        return {}
    getlist = getattr(data, "getlist", None)
    if getlist is None:
        return dict(data)
    return {
        key: values[0] if len(values) == 1 else values
        for key in data
        if key not in request.FILES and (values := getlist(key))
    }


@describe(STREAM, tag="Apps")
@public
def stream_app(request: Request, uid: str, stream: str) -> HttpResponseBase:
    """The App's answer now and whenever it changes, until nothing will change by itself."""
    app, _, visitor = _opened(request, uid)
    execution_id = read_follow(stream, app.pk)
    messages = _changes(require_tenant(), uid, execution_id, visitor)
    close_old_connections()
    return StreamingHttpResponse(with_heartbeat(messages), content_type=CONTENT_TYPE, headers=HEADERS)


async def _changes(tenant: str, uid: str, execution_id: str, visitor: Visitor) -> AsyncIterator[bytes]:
    def read() -> bytes:
        # Looked at again each time: an App can be closed, a person lose the right, while somebody watches.
        opened = open_app(uid, visitor.person, address=visitor.address)
        app, definition = opened.app, opened.definition
        page = open_page(app, definition, execution_id=execution_id, url=app_link(app), given={})
        return dump_json(_answer(page, visitor))

    async with watching(tenant, execution_id) as watch:
        while True:
            head = await in_tenant(tenant, find_head, execution_id)
            body = await in_tenant(tenant, read)
            ended = head is None or State(head.state).ended
            yield sse_message(body.decode(), event_id="end" if ended else "progress")
            if ended:
                return
            await watch.wait()
            await asyncio.sleep(0.5)


# Files and log


def _shown_file(request: Request, uid: str) -> str:
    app, definition, _ = _opened(request, uid)
    address = required_query(request.query_params, "path")
    page = open_page(app, definition, execution_id=_followed(request, app), url=app_link(app), given={})
    if address not in page.exposed_files():
        raise NotFound("This file is not part of what the App shows.")
    return address


@describe(dict[str, Any], query=(text("path", required=True), STREAM_QUERY), tag="Apps")
@public
def read_file_meta(request: Request, uid: str) -> dict[str, int]:
    """Bytes of a file that a block shows."""
    return {"size": open_storage().size(_shown_file(request, uid))}


@describe(
    dict[str, Any],
    query=(text("path", required=True), STREAM_QUERY, number("maxRows"), text("encoding")),
    tag="Apps",
)
@public
def read_file_preview(request: Request, uid: str) -> dict[str, Any]:
    """The beginning of a file that a block shows."""
    query = request.query_params
    address = _shown_file(request, uid)
    found = preview_file(address, most_rows=query_number(query, "maxRows"), encoding=query.get("encoding") or "utf-8")
    return dict(to_json_value(found))


@describe(BYTES, query=(text("path", required=True), STREAM_QUERY), tag="Apps")
@public
def download_file(request: Request, uid: str) -> HttpResponseBase:
    """A file that a block shows."""
    address = _shown_file(request, uid)
    storage = open_storage()
    return download_answer(storage.open(address), size=storage.size(address), name=address.rsplit("/", 1)[-1])


@describe(
    BYTES,
    query=(text("executionId", required=True), STREAM_QUERY, text("minLevel"), text("taskIds", many=True)),
    tag="Apps",
)
@public
def download_logs(request: Request, uid: str) -> HttpResponseBase:
    """The lines that the Logs block of the page shows, as text. Not found without such a block."""
    app, definition, _ = _opened(request, uid)
    page = open_page(app, definition, execution_id=_followed(request, app), url=app_link(app), given={})
    block = page.log_block()
    if block is None or page.execution is None:
        raise NotFound("What the App shows holds no log.")
    wanted: Any = block.block
    return StreamingHttpResponse(log_file(page.execution.id, wanted.filter), content_type="text/plain; charset=utf-8")


# The builder


@describe(AppResponseShape, body=AppPreview, tag="Apps")
@access("APP", "READ")
def preview_app(request: Request) -> AppResponseShape:
    """What a source would show at an event, with the data of a past execution when one is named."""
    body = read_body(request, AppPreview)
    definition = check_app_source(body.source)
    check_can(request.user, "APP", "READ", definition.namespace)
    if body.event not in AppEvent.__members__:
        raise Invalid(problems=[Problem(f"'{body.event[:40]}' is no event of an App", "event")])
    if body.execution_id is not None:
        check_can(request.user, "EXECUTION", "READ", definition.namespace)
    app = UserApp(
        uid="preview", namespace=definition.namespace, app_id=definition.id, display_name=definition.display_name
    )
    page = preview_page(app, definition, AppEvent(body.event), execution_id=body.execution_id, url=app_link(app))
    return page_json(page, dispatch="", stream=None)
