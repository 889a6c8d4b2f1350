"""Why a trigger did or did not start its flow: every condition with what it saw, kept for the last evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.workflows.execution_store.json_text import clean
from apps.workflows.models import LogEntry, TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.task import Level
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS, TriggerScope

KEPT: Final = 20
"""Evaluations of a trigger that are kept."""
MOST_SEEN: Final = 500
"""Characters of what a condition saw."""
Outcome = TriggerEvaluation.Outcome


@dataclass(slots=True)
class Answers:
    """What conditions said: ``held`` when all hold. ``error`` is the first that could not be told."""

    held: bool = True
    error: str | None = None
    reports: list[dict[str, Any]] = field(default_factory=list)


def ask(conditions: Sequence[Condition], asked: Asked, scope: TriggerScope) -> Answers:
    """Ask each of the conditions, also after one that does not hold: a person wants to see them all."""
    answers = Answers()
    for condition in conditions:
        report = report_on(condition, asked, scope)
        answers.reports.append(report)
        answers.held = answers.held and report["holds"]
        answers.error = answers.error or report.get("error")
    return answers


def report_on(condition: Condition, asked: Asked, scope: TriggerScope) -> dict[str, Any]:
    """Whether it holds, what it looked at, and the same of its parts. One that cannot be told does not hold."""
    report: dict[str, Any] = {"type": condition.type}
    if parts := condition.parts():
        report["conditions"] = [report_on(part, asked, scope) for part in parts]
    try:
        report["holds"] = condition.holds(asked)
        seen = scope.mask(condition.seen(asked))
    except EVALUATION_ERRORS as error:
        return report | {"holds": False, "error": scope.mask(str(error))[:MOST_SEEN]}
    return report | ({"seen": seen[:MOST_SEEN]} if seen else {})


def record_evaluation(
    row: TriggerState,
    outcome: TriggerEvaluation.Outcome,
    at: datetime,
    *,
    date: datetime | None = None,
    message: str = "",
    conditions: Sequence[dict[str, Any]] = (),
    source_id: str | None = None,
    execution_id: str | None = None,
) -> None:
    """Keep an evaluation, in the caller's transaction, and forget the oldest ones."""
    TriggerEvaluation.objects.create(
        trigger=row,
        at=at,
        date=date,
        outcome=outcome,
        message=message,
        conditions=clean(list(conditions)),
        source_id=source_id,
        execution_id=execution_id,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM trigger_evaluation WHERE id IN (SELECT id FROM trigger_evaluation WHERE trigger_id = %s"
            " ORDER BY id DESC OFFSET %s FOR UPDATE SKIP LOCKED)",
            [row.pk, KEPT],
        )


def was_told(row: TriggerState, outcome: TriggerEvaluation.Outcome, date: datetime | None) -> bool:
    """Whether the last evaluation said the same about the same date."""
    last = TriggerEvaluation.objects.filter(trigger=row).order_by("-id").first()
    return last is not None and last.outcome == outcome and last.date == date


def log_of_trigger(row: TriggerState, level: Level, message: str, now: datetime) -> None:
    """A line in the log of the trigger, which belongs to no execution."""
    LogEntry.objects.create(
        flow_ref=row.flow_ref, trigger_id=row.trigger_id, ts=now, level=level.rank, message=clean(message)
    )
