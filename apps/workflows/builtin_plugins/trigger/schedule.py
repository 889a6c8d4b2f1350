"""Schedule: starts the flow at the dates of a cron expression."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.trigger.cron import Cron, InvalidCron, parse_cron
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.temporal import find_zone
from apps.workflows.plugin_api.condition import AnyCondition, Condition
from apps.workflows.plugin_api.documented import DEPRECATED, Documented, Example
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.run_context import Renderer
from apps.workflows.plugin_api.trigger import TimeTrigger


class Schedule(TimeTrigger, Documented):
    """Start the flow at the dates of a cron expression.

    An execution knows its date as `trigger.date`, and those around it as `trigger.previous` and `trigger.next`. The
    next date starts the flow only when the execution of the one before has ended.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Each quarter of an hour.",
            """
id: often
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "It is {{ trigger.date }}"
triggers:
  - id: quarter
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "*/15 * * * *"
""",
        ),
        Example(
            "The first Monday of each month at eleven, in Paris.",
            """
id: monthly
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "A new month"
triggers:
  - id: first_monday
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 11 * * MON"
    timezone: Europe/Paris
    conditions:
      - type: io.kestra.plugin.core.condition.DayWeekInMonth
        date: "{{ trigger.date }}"
        dayOfWeek: MONDAY
        dayInMonth: FIRST
""",
        ),
    )

    cron: str = Field(title="Minute, hour, day of month, month, day of week; or a nickname such as @daily.")
    with_seconds: bool = Field(default=False, title="Whether the expression begins with a field for seconds.")
    timezone: str | None = Field(default=None, title="The zone of the dates; that of the server when not given.")
    late_maximum_delay: Duration | None = Field(
        default=None, title="A date that is later than this does not start the flow any more."
    )
    schedule_conditions: list[AnyCondition] = Field(
        default_factory=list, json_schema_extra=DEPRECATED, title="As `conditions`."
    )
    backfill: dict[str, Any] | None = Field(
        default=None, json_schema_extra=DEPRECATED, title="Without effect; start a backfill of the trigger instead."
    )

    def check(self) -> list[str]:
        found = []
        try:
            parse_cron(self.cron, with_seconds=self.with_seconds)
        except InvalidCron as error:
            found.append(str(error))
        try:
            self.zone  # noqa: B018 - computed here, so that it is known to be computable
        except Failure:
            found.append(f"timezone '({self.timezone})' is not a valid time-zone ID")
        found += [
            f"conditions of type {condition.type} cannot be asked about a date"
            for condition in self.all_conditions()
            if not condition.on_schedule
        ]
        return found

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of the dates."""
        return UTC if self.timezone is None else find_zone(self.timezone)

    @cached_property
    def _cron(self) -> Cron:
        return parse_cron(self.cron, with_seconds=self.with_seconds)

    @property
    def longest_delay(self) -> timedelta | None:
        return self.late_maximum_delay

    def all_conditions(self) -> list[Condition]:
        return [*self.conditions, *self.schedule_conditions]

    def next_date(self, after: datetime, renderer: Renderer) -> datetime | None:
        return self._cron.next(after, self.zone)

    def previous_date(self, before: datetime, renderer: Renderer) -> datetime | None:
        return self._cron.previous(before, self.zone)

    def variables(self, date: datetime, before: datetime | None, after: datetime | None) -> dict[str, Any]:
        dates = {"date": date, "next": after, "previous": before}
        return {name: zoned(held, self.zone) for name, held in dates.items() if held is not None}


def zoned(moment: datetime, zone: tzinfo) -> str:
    """``2026-03-29T03:30:00+02:00``, ``…Z`` in UTC."""
    text = moment.astimezone(zone).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
