"""What a worker found for a trigger, by one look or by listening: the conditions are asked, and the flow starts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.task import Level
from apps.workflows.services.quotas import refusal_of_execution
from apps.workflows.services.trigger_dates import Dates
from apps.workflows.services.trigger_evaluations import ask, log_of_trigger, record_evaluation
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS
from apps.workflows.services.trigger_starts import TriggeredFlow, TriggerStart, start_triggered, trigger_labels

Outcome = TriggerEvaluation.Outcome


def start_found(
    row: TriggerState, of: TriggeredFlow, variables: dict[str, Any], execution_id: str, now: datetime
) -> str | None:
    """Start the flow for what was found, in the caller's transaction; None when conditions, labels or quotas say no.

    The id is answered too when its execution was there already. Each answer is an evaluation.
    """
    scope = Dates(of.source, of.flow, of.trigger).scope(variables, execution_id, at=now)
    asked = Asked(scope, scope.variables, of.source.namespace, of.source.flow_id)
    answers = ask(of.trigger.all_conditions(), asked, scope)
    if not answers.held:
        if answers.error is not None:
            log_of_trigger(row, Level.WARN, f"A condition cannot be told: {answers.error}", now)
        record_evaluation(row, Outcome.CONDITIONS, now, conditions=answers.reports)
        return None
    if refusal := refusal_of_execution(now):
        log_of_trigger(row, Level.WARN, f"What was found starts nothing: {refusal}", now)
        record_evaluation(row, Outcome.QUOTA, now, message=refusal, conditions=answers.reports)
        return None
    try:
        labels = trigger_labels(of, scope)
    except EVALUATION_ERRORS as error:
        message = scope.mask(str(error))
        log_of_trigger(row, Level.WARN, f"A label cannot be rendered: {message}", now)
        record_evaluation(row, Outcome.FAILED, now, message=message, conditions=answers.reports)
        return None
    if start_triggered(of, TriggerStart(execution_id, variables, labels=labels), now):
        record_evaluation(row, Outcome.STARTED, now, conditions=answers.reports, execution_id=execution_id)
    return execution_id
