"""What a step decided: which rows changed, which timers, what to send. A value; ``services.advance`` carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.workflows.engine.commands import Command, DropTimer, LogLine, SetTimer
from apps.workflows.engine.frontier import RunRow


@dataclass(slots=True)
class Decision:
    """The difference a step makes.

    ``inserted`` and ``updated`` are in an order that satisfies parents first. ``execution_changed`` is false for the
    ordinary step of a task deep inside: then the execution row is not written. ``loop_values`` are written once,
    when a loop opens. ``emptied`` names frames whose children are to be deleted, with everything below them,
    before anything is inserted. ``claimed`` is the run this process
    claimed for itself (it is in inserted or updated, RUNNING, with its token). ``entered`` lists the states the
    execution entered in this step, for the live events.
    """

    execution_changed: bool = False
    entered: list[str] = field(default_factory=list)
    inserted: list[RunRow] = field(default_factory=list)
    updated: list[RunRow] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    loop_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    timers: list[SetTimer | DropTimer] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)
    claimed: RunRow | None = None
