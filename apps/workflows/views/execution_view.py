"""An execution as pages show it: its dates, duration, labels and trigger from the stored columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from apps.storage.internal_storage import SCHEME
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import ExecutionRow

SHORT_ID: Final = 8
HIDDEN: Final = ("system.", "internal.")
LONGEST_LINE: Final = 80
LONGEST_PREFILL: Final = 500
"""Longer values would not fit an address."""


@dataclass(frozen=True)
class ExecutionView:
    """Wraps a row; `row` has the rest. `named` are labels that the list asks for, shown also when they are hidden."""

    row: ExecutionRow
    named: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def short_id(self) -> str:
        return self.row.id[:SHORT_ID]

    @property
    def state(self) -> str:
        return self.row.state

    @property
    def ended(self) -> bool:
        return State(self.row.state).ended

    @cached_property
    def changes(self) -> list[tuple[str, datetime]]:
        """(state, when it was entered), oldest first."""
        return [(entry["state"], datetime.fromisoformat(entry["date"])) for entry in self.row.histories]

    @property
    def started(self) -> datetime:
        return self.row.start_date

    @property
    def end(self) -> datetime | None:
        """When it ended; None while it goes on."""
        return self.changes[-1][1] if self.ended and self.changes else None

    @property
    def duration(self) -> timedelta | None:
        end = self.end
        return None if end is None else end - self.started

    @property
    def duration_ms(self) -> float | None:
        taken = self.duration
        return None if taken is None else taken.total_seconds() * 1000

    @property
    def history(self) -> list[tuple[str, datetime, timedelta | None]]:
        """(state, entered, how long it lasted); None for the state it is in."""
        following = [moment for _, moment in self.changes[1:]]
        lengths = [after - moment for (_, moment), after in zip(self.changes, following, strict=False)]
        return [
            (state, moment, lengths[number] if number < len(lengths) else None)
            for number, (state, moment) in enumerate(self.changes)
        ]

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Without those of the system and of the platform, unless the list asks for them."""
        return [
            (label["key"], label["value"])
            for label in self.row.labels
            if label["key"] in self.named or not label["key"].startswith(HIDDEN)
        ]

    @property
    def inputs_line(self) -> str:
        """The beginning of its inputs, on one line; secrets are stored encrypted and left out."""
        plain = {key: value for key, value in (self.row.inputs or {}).items() if not isinstance(value, dict)}
        text = ", ".join(f"{key}: {value}" for key, value in plain.items())
        return text[:LONGEST_LINE]

    @property
    def trigger_word(self) -> str:
        """What started it: Manual, or the last word of the trigger's type."""
        trigger: dict[str, Any] = self.row.trigger or {}
        return str(trigger.get("type") or "Manual").rsplit(".", 1)[-1]

    def again_address(self, execute_url: str) -> str:
        """The form that starts the flow again, filled with this execution's plain inputs and its labels.

        Secrets, files and nested values are left out: they are given anew.
        """
        plain = {
            f"inputs.{key}": ("true" if value else "false") if isinstance(value, bool) else str(value)
            for key, value in (self.row.inputs or {}).items()
            if isinstance(value, str | int | float | bool) and not str(value).startswith(SCHEME)
        }
        pairs = [(key, value) for key, value in plain.items() if len(value) <= LONGEST_PREFILL]
        if self.labels:
            pairs.append(("labels", ", ".join(f"{key}:{value}" for key, value in self.labels)))
        return f"{execute_url}?{urlencode(pairs)}" if pairs else execute_url

    @property
    def route(self) -> dict[str, str]:
        """Arguments of its page's address."""
        return {"namespace": self.row.namespace, "flow_id": self.row.flow_id, "execution_id": self.row.id}
