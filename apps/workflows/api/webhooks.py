"""The address of a webhook: whoever knows its key starts the flow."""

from __future__ import annotations

import json
from typing import Any, Final

from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from apps.common.access import public
from apps.common.api import query_flag
from apps.common.errors import IllegalArgument, NotFound
from apps.workflows.api.describe import describe, flag
from apps.workflows.api.execution_start import end_of, execution_url, read_with_url
from apps.workflows.api.reading import answer_json, raw_request, tenant_of
from apps.workflows.schemas.executions import ExecutionShape
from apps.workflows.services.webhooks import WebhookCall, call_webhook

MOST_BYTES: Final = 10 * 1024 * 1024
NEVER_KEPT: Final = frozenset({"Cookie"})
"""The session of a person who calls from a browser is no business of those who read the execution."""
OF_A_PERSON: Final = frozenset({"Authorization", "X-Csrftoken"})
"""Not kept either when they sign the caller in here."""


@describe(ExecutionShape, query=(flag("wait", "Answer when the execution has ended."),), tag="Executions")
@public
def call(request: Request, namespace: str, flow_id: str, key: str) -> HttpResponse | StreamingHttpResponse:
    """Start a flow by its webhook: 200 with the execution, 204 when the webhook's conditions do not hold."""
    raw = raw_request(request)
    if getattr(raw, "tenant", None) is None:
        raise NotFound("Flow not found")
    content = raw.body
    if len(content) > MOST_BYTES:
        raise IllegalArgument(f"The body of a webhook's call may have {MOST_BYTES // 1024 // 1024} MiB.")
    dropped = NEVER_KEPT | (OF_A_PERSON if getattr(raw.user, "is_authenticated", False) else frozenset())
    execution_id = call_webhook(
        namespace=namespace,
        flow_id=flow_id,
        call=WebhookCall(
            key,
            read_webhook_body(content),
            {name: [value] for name, value in raw.headers.items() if name not in dropped},
            {name: [str(value) for value in values] for name, values in raw.GET.lists()},
        ),
    )
    if execution_id is None:
        return HttpResponse(status=204)
    tenant = tenant_of(request)
    url = execution_url(tenant, namespace, flow_id, execution_id)
    if query_flag(request.query_params, "wait"):
        close_old_connections()
        return StreamingHttpResponse(end_of(tenant, execution_id, url), content_type="application/json")
    return answer_json(read_with_url(execution_id, url))


def read_webhook_body(content: bytes) -> Any:
    """A JSON object or list as such, anything else as text, nothing as None."""
    if not content:
        return None
    text = content.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, dict | list) else text
