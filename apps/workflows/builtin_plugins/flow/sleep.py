"""Sleep: waits, without a worker."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.task import TimedTask


class Sleep(TimedTask, Documented):
    """Wait for a time.

    It is a timer: no worker is held while it waits, and a kill ends it at once.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Wait five seconds.",
            """
id: wait
namespace: company.team
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT5S
""",
        ),
    )

    duration: Property[Duration] = Field(title="How long to wait, as in `PT30S`.")

    def wait_for(self) -> Property[Duration]:
        return self.duration
