"""A plugin of the tests: a stream whose events, failures and end a test says, and tells what it acknowledged."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import pytest

from apps.workflows.plugin_api import registry
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.trigger import RealtimeTrigger, StreamEvent

TYPE = "io.kestra.tests.Ticker"


class Ticker(RealtimeTrigger):
    """Yields what the test puts; an exception is raised, None ends the stream."""

    source: ClassVar[queue.Queue[StreamEvent | Exception | None]] = queue.Queue()
    acknowledged: ClassVar[list[Any]] = []
    opened: ClassVar[list[str]] = []
    closed: ClassVar[list[str]] = []

    note: str = ""

    def stream(self, context: RunContext) -> Iterator[StreamEvent]:
        note = context.render(self.note)
        self.opened.append(note)
        context.log(Level.INFO, f"listening {note}")
        context.log(Level.DEBUG, "not kept")
        try:
            while not context.cancellation.cancelled():
                try:
                    event = self.source.get(timeout=0.05)
                except queue.Empty:
                    continue
                if event is None:
                    return
                if isinstance(event, Exception):
                    raise event
                yield event
                self.acknowledged.append(event.variables["n"])
        finally:
            self.closed.append(note)

    @classmethod
    def forget(cls) -> None:
        """Begin anew."""
        cls.source = queue.Queue()
        for held in (cls.acknowledged, cls.opened, cls.closed):
            held.clear()


def register_ticker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let flows of this test use it, by the same door as anyone's plugin."""
    entries = dict(registry._entries())
    entries[TYPE] = EntryPoint(TYPE, "tests.support.ticker:Ticker", registry.GROUP)
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    Ticker.forget()
