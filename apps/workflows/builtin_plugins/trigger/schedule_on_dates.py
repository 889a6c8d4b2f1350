"""ScheduleOnDates: starts the flow at dates that are listed."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import ClassVar

from pydantic import Field

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.temporal import find_zone
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import Renderer
from apps.workflows.plugin_api.trigger import TimeTrigger


class ScheduleOnDates(TimeTrigger, Documented):
    """Start the flow at each of the listed dates."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "On two days.",
            """
id: on_days
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Today"
triggers:
  - id: days
    type: io.kestra.plugin.core.trigger.ScheduleOnDates
    timezone: Europe/Berlin
    dates:
      - 2026-12-24T18:00:00+01:00
      - 2026-12-31T18:00:00+01:00
""",
        ),
    )

    dates: Property[list[datetime]] = Field(title="The dates; rendered.")
    timezone: str | None = Field(
        default=None, title="The zone of dates that are written without one; UTC when not given. Rendered."
    )

    def _listed(self, renderer: Renderer) -> list[datetime]:
        zone: tzinfo = UTC
        if self.timezone is not None:
            try:
                zone = find_zone(renderer.render(self.timezone))
            except Failure as error:
                raise ValueError(f"`timezone`: {error.message}") from error
        found = self.dates.value(renderer)
        return sorted((one if one.tzinfo else one.replace(tzinfo=zone)).astimezone(UTC) for one in found)

    def next_date(self, after: datetime, renderer: Renderer) -> datetime | None:
        return next((one for one in self._listed(renderer) if one > after), None)

    def previous_date(self, before: datetime, renderer: Renderer) -> datetime | None:
        return next((one for one in reversed(self._listed(renderer)) if one < before), None)
