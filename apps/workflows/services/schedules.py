"""Due triggers of dates: which date it is, whether conditions hold, and the execution it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import InterfaceError, OperationalError, transaction

from apps.common.clock import now as read_clock
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.trigger import RecoverMissedSchedules, TimeTrigger
from apps.workflows.selectors.executions import find_head
from apps.workflows.selectors.flow_sources import FlowSource, newest_sources
from apps.workflows.services.backfills import Backfill, finish_backfill
from apps.workflows.services.polling import send_poll
from apps.workflows.services.trigger_batch import TriggerBatch
from apps.workflows.services.trigger_dates import Dates
from apps.workflows.services.trigger_evaluations import ask, log_of_trigger, was_told
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS, TriggerScope
from apps.workflows.services.trigger_starts import (
    TriggeredFlow,
    TriggerStart,
    new_triggered,
    store_failed,
    trigger_labels,
    triggered_by,
)
from apps.workflows.services.trigger_states import Kind, release

log = structlog.get_logger(__name__)

MISSED_AFTER: Final = timedelta(seconds=60)
"""A date that is evaluated later than this was missed; `recoverMissedSchedules` says what becomes of it."""
LOOK_AGAIN: Final = timedelta(seconds=60)
"""When a trigger looks whether the execution it waits for has ended, should it not have been told."""
Outcome = TriggerEvaluation.Outcome
RecoverMissed = RecoverMissedSchedules


def evaluate_due(keys: Sequence[str]) -> None:
    """Evaluate triggers whose timers are due, in one transaction. Twice is harmless: each looks at its row.

    When one of them fails, each is evaluated by itself: the one that fails is logged, and is due again after its grace.
    """
    try:
        _evaluate_all(keys)
    except (OperationalError, InterfaceError):
        raise  # the database itself: the timers are due again
    except Exception:
        # What a plugin or a flow makes of an evaluation must not keep the other triggers from starting theirs.
        if len(keys) == 1:
            log.exception("a trigger's evaluation failed", trigger=keys[0])
            return
        for key in keys:
            evaluate_due([key])


def _evaluate_all(keys: Sequence[str]) -> None:
    now = read_clock()
    with transaction.atomic():
        held = TriggerState.objects.select_for_update().filter(pk__in=[int(key) for key in keys]).order_by("pk")
        rows = {str(row.pk): row for row in held}
        sources = newest_sources([row.flow_ref for row in rows.values()])
        batch = TriggerBatch(now)
        for key in keys:
            row = rows.get(key)
            if row is None or row.sleeps:
                batch.drop_timer(key)
            else:
                _evaluate_one(row, sources.get(row.flow_ref), batch)
        batch.flush()


def _evaluate_one(row: TriggerState, source: FlowSource | None, batch: TriggerBatch) -> None:
    try:
        found = None if source is None else triggered_by(source, row.trigger_id)
    except InvalidFlow as error:
        _give_up(row, f"The flow can no longer be read: {error}", batch)
        return
    if found is None:
        batch.drop_timer(str(row.pk))
    elif not _is_free(row, batch):
        return
    elif row.kind == Kind.POLL:
        send_poll(row, found, batch.now)
    elif row.kind == Kind.TIME and isinstance(found.trigger, TimeTrigger):
        dates = Dates(found.source, found.flow, found.trigger)
        _Evaluation(row, found, found.trigger, batch, dates).run()
    else:
        batch.drop_timer(str(row.pk))


def _is_free(row: TriggerState, batch: TriggerBatch) -> bool:
    """Whether no execution of the trigger is waited for (any more). Its timer is set when one is."""
    if row.execution_id is None:
        return True
    head = find_head(row.execution_id)
    if head is not None and not State(head.state).ended:
        if not was_told(row, Outcome.RUNNING, row.look_at):
            batch.record(row, Outcome.RUNNING, row.look_at, message=f"The execution {row.execution_id} still runs")
        batch.timer(row, batch.now + LOOK_AGAIN)
        return False
    release(row, None if head is None else State(head.state), batch.now)
    batch.save(row)
    if row.sleeps:
        batch.timer(row)
    return not row.sleeps


def _give_up(row: TriggerState, message: str, batch: TriggerBatch) -> None:
    batch.record(row, Outcome.FAILED, row.look_at, message=message)
    log_of_trigger(row, Level.ERROR, message, batch.now)
    batch.drop_timer(str(row.pk))


@dataclass(slots=True)
class _Evaluation:
    """One evaluation of a trigger of dates whose row the transaction holds."""

    row: TriggerState
    of: TriggeredFlow
    trigger: TimeTrigger
    batch: TriggerBatch
    dates: Dates

    @property
    def now(self) -> datetime:
        return self.batch.now

    def run(self) -> None:
        """Evaluate the date that is due, set what comes next, and its timer."""
        backfill = Backfill.of(self.row)
        date = self.row.look_at if backfill is None else backfill.current
        if date is None or date > self.now:
            self.batch.timer(self.row, date)
            return
        try:
            due = date if backfill is not None else self._recovered(date)
            if due is not None:
                self._evaluate(due, backfill)
            self._move_on(self.now if due is None else due, backfill)
        except EVALUATION_ERRORS as error:
            # The dates themselves cannot be told: there is nothing to go on with until the flow changes.
            _give_up(self.row, f"The dates cannot be told: {error}", self.batch)
            return
        self.batch.save(self.row)
        self.batch.timer(self.row, self._next_look() if self.row.execution_id is not None else None)

    def _next_look(self) -> datetime | None:
        """Behind an execution that runs: when the next date comes, but not before a while."""
        if self.row.backfill is not None:
            return self.now + LOOK_AGAIN
        return None if self.row.look_at is None else max(self.row.look_at, self.now + timedelta(seconds=1))

    def _recovered(self, date: datetime) -> datetime | None:
        """Which of the dates from this one to now is evaluated; None: none of them."""
        longest = self.trigger.longest_delay
        if longest is not None and self.now - date > longest:
            self._record(Outcome.LATE, date, message=f"It is {self.now - date} late, more than `lateMaximumDelay`")
            return self._first_in_time(self.now - longest)
        if self.now - date <= MISSED_AFTER or self.trigger.recover_missed_schedules is RecoverMissed.ALL:
            return date
        last = self.trigger.previous_date(self.now + timedelta(microseconds=1), self.dates.scope({}, at=self.now))
        last = date if last is None or last < date else last
        if self.trigger.recover_missed_schedules is RecoverMissed.LAST:
            return last
        if self.now - last <= MISSED_AFTER:
            return last
        self._record(Outcome.MISSED, date, message="`recoverMissedSchedules` is NONE")
        return None

    def _first_in_time(self, earliest: datetime) -> datetime | None:
        found = self.dates.following(earliest - timedelta(microseconds=1))
        if found is None or found > self.now:
            return None
        return self._recovered(found)

    def _evaluate(self, date: datetime, backfill: Backfill | None) -> None:
        dates = self.dates
        marks = () if backfill is None else ("backfill", backfill.mark)
        execution_id = dates.execution_id(date, *marks)
        variables = dates.neighbours(date)
        scope = dates.scope(variables, execution_id, at=self.now)
        asked = Asked(scope, scope.variables, self.of.source.namespace, self.of.source.flow_id)
        answers = ask(self.trigger.all_conditions(), asked, scope)
        start = TriggerStart(
            execution_id,
            variables,
            schedule_date=date,
            top_level={"schedule": variables} if variables else None,
        )
        error = answers.error
        if error is None and not answers.held:
            self._record(Outcome.CONDITIONS, date, conditions=answers.reports)
            return
        if error is None and (refusal := self.batch.refusal()):
            # The date is not made up for: the trigger goes on with the next one.
            log_of_trigger(self.row, Level.WARN, f"Not started: {refusal}", self.now)
            self._record(Outcome.QUOTA, date, conditions=answers.reports, message=refusal)
            return
        if error is None:
            try:
                start = self._rendered(start, scope, backfill)
            except EVALUATION_ERRORS as problem:
                error = scope.mask(str(problem))
        if error is not None:
            # So that it is seen, and not evaluated again and again.
            store_failed(self.of, start, error, self.now)
            outcome = Outcome.FAILED
        else:
            outcome = Outcome.STARTED
            self.batch.start(self.row, new_triggered(self.of, start), self.of.flow.definition)
        self.row.date = date
        self._record(outcome, date, conditions=answers.reports, message=error or "", execution_id=execution_id)

    def _rendered(self, start: TriggerStart, scope: TriggerScope, backfill: Backfill | None) -> TriggerStart:
        given: Any = scope.render_tree(self.trigger.inputs or {})
        labels = trigger_labels(self.of, scope)
        if backfill is not None:
            given, labels = {**given, **backfill.inputs}, [*labels, *backfill.labels]
        return TriggerStart(start.execution_id, start.variables, given, labels, start.schedule_date, start.top_level)

    def _move_on(self, date: datetime, backfill: Backfill | None) -> None:
        row = self.row
        if backfill is None:
            row.look_at = self.dates.following(date)
            if row.look_at is None:
                row.next_date = None
            elif row.next_date is None or row.next_date < row.look_at:
                row.look_at, row.next_date = self.dates.after(row.look_at - timedelta(microseconds=1))
            return
        following = self.dates.following(date)
        if following is None or following > backfill.end:
            finish_backfill(row)
        else:
            row.backfill = backfill.at(following)

    def _record(self, outcome: TriggerEvaluation.Outcome, date: datetime, **more: Any) -> None:
        self.batch.record(self.row, outcome, date, **more)
