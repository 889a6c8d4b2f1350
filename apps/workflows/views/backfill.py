"""Asking for a backfill: a span of time, how many executions that makes, and what they begin with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.clock import now as read_clock
from apps.common.errors import IllegalArgument, IllegalState
from apps.common.htmx import is_fragment, redirect
from apps.common.pages import IN_VIEW
from apps.workflows.services.backfills import BackfillRequest, count_dates, create_backfill
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.lookups import check_readable, readable_flow
from apps.workflows.views.triggers import readable_trigger, triggers_url, views_of


@access("EXECUTION", "CREATE", namespace=IN_VIEW)
def ask_backfill(request: HttpRequest, namespace: str, flow_id: str, trigger_id: str) -> HttpResponse:
    """The form, for the last day."""
    now = read_clock().replace(second=0, microsecond=0)
    typed = {"start": _field(now - timedelta(days=1)), "end": _field(now)}
    return _form(request, namespace, flow_id, trigger_id, typed)


@access("EXECUTION", "CREATE", namespace=IN_VIEW)
def start_backfill(request: HttpRequest, namespace: str, flow_id: str, trigger_id: str) -> HttpResponseBase:
    """Starts it and goes to the triggers; with `count` it only tells how many executions it would make."""
    missing = f"There is no trigger {namespace}.{flow_id}.{trigger_id}."
    user = current_user(request)
    check_readable(user, "EXECUTION", namespace, missing, "UPDATE")
    typed = {name: request.POST.get(name, "").strip() for name in ("start", "end", "inputs", "labels")}
    name = {"namespace": namespace, "flow_id": flow_id, "trigger_id": trigger_id}
    errors: dict[str, str] = {}
    asked = _read(typed, errors)
    if asked is not None:
        try:
            if "count" in request.POST:
                found = count_dates(**name, start=asked.start, end=asked.end or read_clock())
                return _form(request, namespace, flow_id, trigger_id, typed, counted=found)
            create_backfill(acting_user=user, **name, request=asked)
        except (IllegalArgument, IllegalState) as error:
            errors["start"] = error.message
        else:
            messages.success(request, f"The backfill of {trigger_id} has begun.")
            return redirect(request, triggers_url(namespace, flow_id))
    return _form(request, namespace, flow_id, trigger_id, typed, errors=errors, status=422)


def _read(typed: dict[str, str], errors: dict[str, str]) -> BackfillRequest | None:
    start, end = _moment(typed, "start", errors), _moment(typed, "end", errors)
    inputs, labels = _inputs(typed["inputs"], errors), _labels(typed["labels"], errors)
    if start is None and "start" not in errors:
        errors["start"] = "A backfill needs a start."
    return None if errors or start is None else BackfillRequest(start, end, inputs, labels)


def _moment(typed: dict[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    if not typed[name]:
        return None
    try:
        return datetime.fromisoformat(typed[name]).replace(tzinfo=UTC)
    except ValueError:
        errors[name] = f"This is no date: {typed[name][:40]}"
        return None


def _inputs(text: str, errors: dict[str, str]) -> dict[str, Any]:
    try:
        held = yaml.safe_load(text) if text else {}
    except yaml.YAMLError as error:
        errors["inputs"] = f"These lines cannot be read: {str(error).splitlines()[0]}"
        return {}
    if not isinstance(held, dict):
        errors["inputs"] = "Write each input on a line of its own, as name: value."
        return {}
    return {str(key): value.isoformat() if hasattr(value, "isoformat") else value for key, value in held.items()}


def _labels(text: str, errors: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        key, colon, value = part.partition(":")
        if not (colon and key and value):
            errors["labels"] = f"A label is written key:value; got {part[:40]}"
        found.append((key.strip(), value.strip()))
    return found


def _field(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}"


def _form(
    request: HttpRequest,
    namespace: str,
    flow_id: str,
    trigger_id: str,
    typed: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    counted: object = None,
    status: int = 200,
) -> HttpResponse:
    flow, row = readable_flow(request, namespace, flow_id), readable_trigger(request, namespace, flow_id, trigger_id)
    context = {
        **flow_context(request, flow, tab="triggers"),
        "trigger": views_of(current_user(request), [row])[0],
        "typed": typed,
        "errors": {field: [message] for field, message in (errors or {}).items()},
        "counted": counted,
    }
    template = "workflows/triggers/_backfill.html" if is_fragment(request) else "workflows/triggers/backfill.html"
    return render(request, template, context, status=status)
