"""Webhooks: the flow whose address is called, and the execution that the call starts."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.common.clock import now as read_clock
from apps.common.errors import IllegalState, NotFound
from apps.common.ids import new_id
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.trigger import WebhookTrigger
from apps.workflows.selectors.flow_sources import FlowSource, find_source
from apps.workflows.services.definitions import LoadedFlow, load_flow
from apps.workflows.services.quotas import check_execution_quota
from apps.workflows.services.trigger_evaluations import ask, log_of_trigger, record_evaluation
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS, flow_scope
from apps.workflows.services.trigger_starts import TriggeredFlow, TriggerStart, start_triggered, trigger_labels

Outcome = TriggerEvaluation.Outcome


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """What was sent. ``body`` is parsed JSON, else text, else None."""

    key: str
    body: Any
    headers: dict[str, list[str]]
    parameters: dict[str, list[str]]


def call_webhook(*, namespace: str, flow_id: str, call: WebhookCall) -> str | None:
    """Start the flow for a call; answers the execution's id, None when the webhook's conditions do not hold.

    NotFound for a flow that is not there and for a key that is of none of its webhooks; IllegalState when the flow is
    disabled (told only to those who know a key).
    """
    source = find_source(namespace, flow_id)
    if source is None or source.deleted:
        raise NotFound("Flow not found")
    try:
        flow = load_flow(source.flow_ref, source.revision)
    except InvalidFlow as error:
        raise IllegalState(f"The flow can no longer be read: {error}") from error
    now = read_clock()
    trigger = _called(source, flow, call.key, now)
    if trigger is None:
        raise NotFound("Webhook not found")
    if source.disabled:
        raise IllegalState("Cannot execute a disabled flow")
    with transaction.atomic():
        return _start(TriggeredFlow(source, flow, trigger), call, now)


def _called(source: FlowSource, flow: LoadedFlow, key: str, now: datetime) -> WebhookTrigger | None:
    """The webhook with this key. All are compared, each in constant time: the answer's time tells nothing."""
    found: WebhookTrigger | None = None
    for trigger in flow.definition.triggers:
        if not isinstance(trigger, WebhookTrigger) or trigger.disabled:
            continue
        scope = flow_scope(source, flow, new_id(), {"id": trigger.id, "type": trigger.type}, now)
        try:
            own = scope.render(trigger.key)
        except EVALUATION_ERRORS as error:
            row = _row(source, trigger.id)
            if row is not None:
                log_of_trigger(row, Level.ERROR, scope.mask(f"The key cannot be rendered: {error}"), now)
            continue
        if own and hmac.compare_digest(own.encode(), key.encode()):
            found = trigger
    return found


def _start(of: TriggeredFlow, call: WebhookCall, now: datetime) -> str | None:
    row = _row(of.source, of.trigger.id)
    if row is not None and row.disabled:
        raise NotFound("Webhook not found")
    execution_id = new_id(now)
    variables = {"body": call.body, "headers": call.headers, "parameters": call.parameters}
    shown = {"id": of.trigger.id, "type": of.trigger.type, "variables": variables}
    scope = flow_scope(of.source, of.flow, execution_id, shown, now)
    asked = Asked(scope, scope.variables, of.source.namespace, of.source.flow_id)
    answers = ask(of.trigger.all_conditions(), asked, scope)
    if not answers.held:
        if row is not None:
            record_evaluation(row, Outcome.CONDITIONS, now, conditions=answers.reports)
        return None
    check_execution_quota(now)
    try:
        labels = trigger_labels(of, scope)
    except EVALUATION_ERRORS as error:
        raise IllegalState(scope.mask(f"A label of the webhook cannot be rendered: {error}")) from error
    kept = {name: value for name, value in variables.items() if value is not None}
    start_triggered(of, TriggerStart(execution_id, kept, labels=labels), now)
    if row is not None:
        record_evaluation(row, Outcome.STARTED, now, conditions=answers.reports, execution_id=execution_id)
    return execution_id


def _row(source: FlowSource, trigger_id: str) -> TriggerState | None:
    return TriggerState.objects.filter(flow_ref=source.flow_ref, trigger_id=trigger_id).first()
