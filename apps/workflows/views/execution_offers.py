"""Which actions an execution's page offers: not permitted, not there; permitted but not now, there with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.flows import FlowRow

WAITING_TO_RUN: Final = frozenset({State.CREATED, State.QUEUED})
PAUSABLE: Final = frozenset({State.RUNNING, State.RETRYING})
RESTARTABLE: Final = frozenset({State.FAILED, State.WARNING, State.PAUSED})
"""States in which a task run may have failed or be paused."""
_FIRST: Final = frozenset({"restart", "replay"})
"""What stands on top of the menu."""
GONE: Final = "the flow was deleted"


@dataclass(frozen=True)
class ExecutionRights:
    """What the person may do with the execution."""

    execute: bool
    update: bool
    delete: bool
    see_flow: bool


@dataclass(frozen=True)
class Offer:
    """One action. `word` ends the address of its question; `blocked` says why it cannot be done now."""

    word: str
    label: str
    icon: str
    key: str = ""
    blocked: str = ""
    in_bar: bool = False
    style: str = "btn"
    tone: str = ""

    @property
    def route(self) -> str:
        """Name of its page."""
        return "execution_" + self.word.replace("-", "_")

    @property
    def title(self) -> str:
        """For those who hover."""
        return f"{self.label} ({'Shift ' if self.key.isupper() else ''}{self.key.upper()})" if self.key else ""


def list_offers(state: State, rights: ExecutionRights, flow: FlowRow | None) -> list[Offer]:
    """In the order they are shown: those of the bar, then those of the menu."""
    offers = [*_changes(state, flow)] if rights.update else []
    if rights.execute:
        offers.append(_replay(state, flow))
    if rights.delete:
        kill_first = "" if state.ended else "kill it first"
        offers.append(Offer("delete", "Delete", "trash", blocked=kill_first, tone="danger"))
    return sorted(offers, key=lambda offer: (not offer.in_bar, offer.word not in _FIRST))


def _changes(state: State, flow: FlowRow | None) -> Iterator[Offer]:
    if state in PAUSABLE:
        yield Offer("pause", "Pause", "PAUSED", in_bar=True)
    if state is State.PAUSED:
        yield Offer("resume", "Resume", "play", in_bar=True, style="btn btn-primary")
    if not state.ended:
        yield Offer("kill", "Kill", "KILLED", key="K", in_bar=True)
    if state.ended or state is State.PAUSED:
        nothing = "" if state in RESTARTABLE else "no task of it failed, replay it"
        blocked = GONE if flow is None else nothing
        yield Offer("restart", "Restart", "RESTARTED", key="s", blocked=blocked, in_bar=state is State.FAILED)
    if state is State.QUEUED:
        yield Offer("unqueue", "Unqueue", "QUEUED")
    if not state.ended:
        yield Offer("force-run", "Force run", "bolt")
    not_ended = "" if state.ended else "when it has ended"
    yield Offer("state", "Change state", "edit", blocked=not_ended)
    yield Offer("labels", "Change labels", "tag", blocked=not_ended)


def _replay(state: State, flow: FlowRow | None) -> Offer:
    runs = "" if state.ended or state is State.PAUSED else "it still runs"
    return Offer("replay", "Replay", "refresh", key="p", blocked=GONE if flow is None else runs)
