"""News of an execution's state: its own trigger is released, and Flow triggers that follow it start their flows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.ids import derived_id
from apps.isolation.selectors import denials
from apps.timers.services import take_timer
from apps.workflows.execution_store.attempts import list_attempts
from apps.workflows.execution_store.claims import ExecutionFacts, read_facts
from apps.workflows.execution_store.news import NEWS_TIMER
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import TriggerEvaluation, TriggerState, TriggerWindow
from apps.workflows.plugin_api.condition import Asked, AskedExecution
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.time_window import Gathered
from apps.workflows.plugin_api.trigger import FlowListener
from apps.workflows.selectors.executions import ExecutionRow, find_execution
from apps.workflows.services.definitions import FlowRevisionGone, LoadedFlow, load_flow
from apps.workflows.services.encrypted_values import decrypt_values
from apps.workflows.services.namespace_access import NamespaceNotAllowed, check_namespace
from apps.workflows.services.quotas import refusal_of_execution
from apps.workflows.services.stored_outputs import open_flow_outputs
from apps.workflows.services.trigger_chains import LONGEST_CHAIN, chain_length
from apps.workflows.services.trigger_evaluations import ask, log_of_trigger, record_evaluation, report_on
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS, TriggerScope, upstream_scope, upstream_variables
from apps.workflows.services.trigger_starts import (
    TriggeredFlow,
    TriggerStart,
    find_triggered,
    start_triggered,
    trigger_labels,
)
from apps.workflows.services.trigger_states import release, set_trigger_timer

log = structlog.get_logger(__name__)
Outcome = TriggerEvaluation.Outcome
SHOWN: Final = 300


def tell_triggers(execution_id: str, number: int) -> None:
    """Handle one piece of news, once: the state at this place of the execution's history.

    All of it is one transaction with taking the news' timer, so that a doubled message finds nothing to do.
    BackendDenied, with nothing kept, when a condition or an input needs a backend that this process may not reach.
    """
    with transaction.atomic():
        if not take_timer(require_tenant(), NEWS_TIMER, f"{execution_id}:{number}"):
            return
        held, facts = find_execution(execution_id), read_facts(execution_id)
        if held is None or facts is None or len(held.histories) <= number:
            return
        entry = held.histories[number]
        news = _News(held, facts, State(entry["state"]), datetime.fromisoformat(entry["date"]), number)
        if news.state.ended:
            _release_own(news)
        with denials() as denied:
            _tell_listeners(news)
        if denied:
            raise denied[0]


@dataclass(frozen=True, slots=True)
class _News:
    held: ExecutionRow
    facts: ExecutionFacts
    state: State
    moment: datetime
    number: int


def _release_own(news: _News) -> None:
    """The trigger that started the execution need not wait for it any longer, and may switch itself off."""
    trigger = news.held.trigger or {}
    row = (
        TriggerState.objects.select_for_update()
        .filter(
            namespace=news.held.namespace,
            flow_id=news.held.flow_id,
            trigger_id=trigger.get("id") or "",
            type=trigger.get("type") or "",
        )
        .first()
    )
    if row is None or row.execution_id not in (None, news.held.id):
        return
    now = read_clock()
    release(row, news.state, now)
    row.save()
    set_trigger_timer(row, now)


def _tell_listeners(news: _News) -> None:
    rows = (
        TriggerState.objects.filter(listens__gt=0, states__contains=[news.state.value])
        .exclude(namespace=news.held.namespace, flow_id=news.held.flow_id)
        .order_by("id")
    )
    flow: LoadedFlow | None = None
    for row in rows:
        try:
            found = find_triggered(row.namespace, row.flow_id, row.trigger_id)
            flow = flow or load_flow(news.held.flow_ref, news.held.flow_revision)
        except (InvalidFlow, FlowRevisionGone) as error:
            record_evaluation(row, Outcome.FAILED, read_clock(), message=str(error), source_id=news.held.id)
            continue
        if found is None or found.source.disabled or not isinstance(found.trigger, FlowListener):
            continue
        if not found.trigger.may_follow(news.held.namespace, news.held.flow_id):
            continue
        try:
            check_namespace(news.held.namespace, used_by=row.namespace)
        except NamespaceNotAllowed as error:
            record_evaluation(row, Outcome.CONDITIONS, read_clock(), message=str(error), source_id=news.held.id)
            continue
        _Listening(row, found, found.trigger, flow, news).run()


@dataclass(slots=True)
class _Listening:
    """One Flow trigger and one state of one execution."""

    row: TriggerState
    of: TriggeredFlow
    trigger: FlowListener
    flow: LoadedFlow
    news: _News

    def run(self) -> None:
        """Ask, gather, and start the flow when all that is asked for has come true."""
        held = self.news.held
        outputs = decrypt_values(open_flow_outputs(held.id, held.outputs), lambda value: None) if held.outputs else None
        scope = upstream_scope(self.news.facts, self.flow, self.of.source, outputs, self.news.state.value)
        asked = self._asked(scope)
        answers = ask(self.trigger.plain_conditions(), asked, scope)
        reports = list(answers.reports)
        if not answers.held:
            if answers.error is not None:
                log_of_trigger(self.row, Level.WARN, f"A condition cannot be told: {answers.error}", read_clock())
            self._record(Outcome.CONDITIONS, conditions=reports)
            return
        complete, touched = True, False
        windows: list[TriggerWindow] = []
        groups = self.trigger.gathered()
        for group in groups:
            window, met, contributed = self._gather(group, asked, scope, reports)
            complete, touched = complete and met, touched or contributed
            if group.reset_on_success and window is not None:
                windows.append(window)
        if groups and not touched:
            self._record(Outcome.CONDITIONS, conditions=reports)
            return
        if not complete:
            self._record(Outcome.WAITING, conditions=reports)
            return
        for window in windows:
            window.delete()
        self._start(scope, reports)

    def _asked(self, scope: TriggerScope) -> Asked:
        facts = self.news.facts
        execution = AskedExecution(
            facts.id, facts.namespace, facts.flow_id, self.news.state, facts.labels, lambda: list_attempts(facts.id)
        )
        return Asked(scope, scope.variables, self.of.source.namespace, self.of.source.flow_id, execution)

    def _gather(
        self, group: Gathered, asked: Asked, scope: TriggerScope, reports: list[dict[str, Any]]
    ) -> tuple[TriggerWindow | None, bool, bool]:
        """(what is gathered, whether it is complete, whether this execution added to it or met a part of it)."""
        moment = self.news.moment
        start, end = group.time_window.span(moment, timezone.get_default_timezone())
        report: dict[str, Any] = {"id": group.id, "type": str(group.time_window.type), "conditions": []}
        reports.append(report)
        if not start <= moment < end:
            report |= {"holds": False, "seen": f"{moment.isoformat()} is outside its window"}
            return None, False, False
        TriggerWindow.objects.bulk_create(
            [TriggerWindow(trigger=self.row, window_id=group.id, ends_at=end)], ignore_conflicts=True
        )
        window = TriggerWindow.objects.select_for_update().get(trigger=self.row, window_id=group.id)
        results = {
            name: at
            for name, at in window.results.items()
            if name in group.conditions and datetime.fromisoformat(at) >= start
        }
        contributed = False
        for name, condition in group.conditions.items():
            answer = report_on(condition, asked, scope) | {"id": name}
            if answer["holds"]:
                contributed = True
                results[name] = moment.isoformat()
            elif name in results:
                answer |= {"holds": True, "seen": f"held at {results[name]}"}
            report["conditions"].append(answer)
        if results != window.results or window.ends_at != end:
            window.results, window.ends_at = results, end
            window.save(update_fields=["results", "ends_at"])
        report["holds"] = len(results) == len(group.conditions)
        return window, report["holds"], contributed

    def _start(self, scope: TriggerScope, reports: list[dict[str, Any]]) -> None:
        now = read_clock()
        upstream = self.news.held
        variables = upstream_variables(self.news.facts, self.news.state.value)
        length = chain_length(upstream)
        if length >= LONGEST_CHAIN:
            message = (
                f"Not started after {upstream.id}: {length} executions already led to one another by Flow triggers;"
                " narrow the trigger so that its flow does not start itself again"
            )
            log.warning("a chain of flow triggers is stopped", trigger=str(self.row), execution=upstream.id)
            log_of_trigger(self.row, Level.ERROR, message, now)
            self._record(Outcome.FAILED, conditions=reports, message=message)
            return
        if refusal := refusal_of_execution(now):
            log_of_trigger(self.row, Level.WARN, f"Not started after {upstream.id}: {refusal}", now)
            self._record(Outcome.QUOTA, conditions=reports, message=refusal)
            return
        execution_id = derived_id("flow", str(self.row.pk), upstream.id, str(self.news.number), at=self.news.moment)
        try:
            given = scope.render_tree(self.trigger.inputs or {})
            labels = trigger_labels(self.of, scope)
        except EVALUATION_ERRORS as error:
            message = scope.mask(f"The inputs or labels cannot be rendered: {error}")
            log_of_trigger(self.row, Level.WARN, message, now)
            self._record(Outcome.FAILED, conditions=reports, message=message)
            return
        start_triggered(self.of, TriggerStart(execution_id, variables, given, labels), now)
        TriggerState.objects.filter(pk=self.row.pk).update(date=self.news.moment, updated=now)
        self._record(Outcome.STARTED, conditions=reports, execution_id=execution_id)

    def _record(self, outcome: TriggerEvaluation.Outcome, **more: Any) -> None:
        record_evaluation(self.row, outcome, read_clock(), date=self.news.moment, source_id=self.news.held.id, **more)
