"""PublicHoliday: whether a date is a public holiday of a country."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import ClassVar, Final

import holidays
from pydantic import Field

from apps.workflows.builtin_plugins.condition.date_condition import DateCondition
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.documented import Documented, Example

DEFAULT_COUNTRY: Final = "US"
"""Servers run with an American locale unless they are told otherwise."""


class PublicHoliday(DateCondition, Documented):
    """Whether a date is a public holiday of a country."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Not on the public holidays of France.",
            """
id: public_holiday
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: daily
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 9 * * *"
    conditions:
      - type: io.kestra.plugin.core.condition.Not
        conditions:
          - type: io.kestra.plugin.core.condition.PublicHoliday
            country: FR
""",
        ),
    )

    country: str | None = Field(
        default=None, title="Two letters of the country, as in FR; US when not given. Rendered."
    )
    sub_division: str | None = Field(default=None, title="A part of the country, as in BY; rendered.")

    def holds(self, asked: Asked) -> bool:
        return self._name(asked) is not None

    def seen(self, asked: Asked) -> str:
        return self._name(asked) or super().seen(asked)

    def _name(self, asked: Asked) -> str | None:
        render = asked.renderer.render
        country = DEFAULT_COUNTRY if self.country is None else render(self.country).strip().upper()
        part = None if self.sub_division is None else render(self.sub_division).strip()
        moment = self.moment(asked)
        return _holidays(country, part, moment.year).get(moment.date())


@lru_cache(maxsize=256)
def _holidays(country: str, part: str | None, year: int) -> dict[date, str]:
    try:
        return dict(holidays.country_holidays(country, subdiv=part, years=year).items())
    except NotImplementedError as error:
        where = country if part is None else f"{country}, {part}"
        raise ValueError(f"The public holidays of `{where}` are not known: {error}") from error
