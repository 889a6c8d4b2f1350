"""The dates of a trigger of dates: when it is evaluated, and which of them its conditions let pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apps.common.ids import derived_id
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.trigger import TimeTrigger, Trigger
from apps.workflows.selectors.flow_sources import FlowSource
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS, TriggerScope, flow_scope

LOOKED_THROUGH: Final = 400
"""Dates that are tried for the next one that conditions let pass."""
FARTHEST: Final = timedelta(days=366 * 10)


class Dates:
    """The dates of one trigger of a flow. Methods raise EVALUATION_ERRORS for what a user wrote."""

    def __init__(self, source: FlowSource, flow: LoadedFlow, trigger: Trigger) -> None:
        self.source = source
        self.flow = flow
        self.trigger = trigger
        self._plain: TriggerScope | None = None

    @property
    def time_trigger(self) -> TimeTrigger:
        """The trigger, as one of dates. TypeError when it is none."""
        if not isinstance(self.trigger, TimeTrigger):
            raise TypeError(f"Trigger {self.trigger.id} is of type {self.trigger.type}, which has no dates")
        return self.trigger

    def scope(self, variables: dict[str, Any], execution_id: str = "", at: datetime | None = None) -> TriggerScope:
        """The expressions of the trigger for one date, whose variables these are."""
        trigger = {"id": self.trigger.id, "type": self.trigger.type, "variables": variables}
        name = execution_id or self.execution_id(at or _LONG_AGO)
        return flow_scope(self.source, self.flow, name, trigger, at or _LONG_AGO)

    def execution_id(self, date: datetime, *marks: str) -> str:
        """The id of the execution of a date, always the same."""
        parts = (self.source.namespace, self.source.flow_id, self.trigger.id, date.timestamp(), *marks)
        return derived_id("schedule", *map(str, parts), at=date)

    def following(self, after: datetime) -> datetime | None:
        """The first date after a moment, whatever the conditions say."""
        return self.time_trigger.next_date(after, self._between_dates(after))

    def after(self, moment: datetime) -> tuple[datetime | None, datetime | None]:
        """(the next date to evaluate, the next one that conditions let pass). The latter is the former when it is not
        found among the LOOKED_THROUGH dates that come first.
        """
        first = self.following(moment)
        if first is None:
            return None, None
        return first, self._passing(first, forward=True) or first

    def neighbours(self, date: datetime) -> dict[str, Any]:
        """The variables of a date: itself and the dates before and after it that conditions let pass."""
        scope = self._between_dates(date)
        later = self.time_trigger.next_date(date, scope)
        earlier = self.time_trigger.previous_date(date, scope)
        if self.time_trigger.all_conditions():
            later = None if later is None else self._passing(later, forward=True) or later
            earlier = None if earlier is None else self._passing(earlier, forward=False) or earlier
        return self.time_trigger.variables(date, earlier, later)

    def _between_dates(self, at: datetime) -> TriggerScope:
        """Expressions that belong to no date: those which the dates themselves are made of. Made once."""
        if self._plain is None:
            self._plain = self.scope({}, at=at)
        return self._plain

    def _passing(self, first: datetime, *, forward: bool) -> datetime | None:
        trigger = self.time_trigger
        if not trigger.all_conditions():
            return first
        found: datetime | None = first
        for _ in range(LOOKED_THROUGH):
            if found is None or abs(found - first) > FARTHEST:
                return None
            if self._lets_pass(found):
                return found
            scope = self._between_dates(found)
            found = trigger.next_date(found, scope) if forward else trigger.previous_date(found, scope)
        return None

    def _lets_pass(self, date: datetime) -> bool:
        scope = self.scope(self.time_trigger.variables(date, None, None), at=date)
        asked = Asked(scope, scope.variables, self.source.namespace, self.source.flow_id)
        try:
            return all(condition.holds(asked) for condition in self.time_trigger.all_conditions())
        except EVALUATION_ERRORS:
            return True  # it is told when the date has come


_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
