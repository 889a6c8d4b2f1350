"""Plays a world at random: any order, lost and doubled messages, workers that die, persons who pause."""

from __future__ import annotations

from dataclasses import dataclass

from apps.workflows.engine.commands import AnnounceEnd
from apps.workflows.engine.events import (
    Continue,
    Created,
    KillRequested,
    PauseRequested,
    ResumeRequested,
    TaskRunEnded,
)
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.world import World

MOST_MOVES = 60_000


@dataclass(frozen=True)
class Chances:
    """How bad the world is."""

    lost: float = 0.3
    doubled: float = 0.3
    deaths: float = 0.1
    holds: float = 0.02
    kill_at: int | None = None


def play(world: World, chances: Chances) -> None:
    """Move until the execution has ended and nobody is at work for it."""
    rng = world.rng
    world.store.timers["watch", ""] = world.now
    world.messages.append(Created())
    for move in range(MOST_MOVES):
        if move == chances.kill_at:
            world.step(KillRequested())
        if _is_over(world):
            return
        if world.messages and rng.random() < 0.6:
            _deliver_one(world, chances)
        elif world.finishable() and rng.random() < 0.7:
            _work_one(world, chances)
        elif world.zombies and rng.random() < 0.3:
            run_id, token, state = world.zombies.pop(rng.randrange(len(world.zombies)))
            world.step(TaskRunEnded(run_id, token, state, None, world.now))
        elif rng.random() < chances.holds:
            world.step(PauseRequested())
        elif not _person_moves(world) and rng.random() < 0.4:
            world.advance(rng.choice([0.5, 3, 20, 40]))
    raise AssertionError(f"Not over after {MOST_MOVES} moves: {world.state} {world.summary()} {world.store.timers}")


def _is_over(world: World) -> bool:
    idle = not world.messages and not world.store.open_left() and not world.store.execution.pending
    return world.state.ended and idle


def _deliver_one(world: World, chances: Chances) -> None:
    rng = world.rng
    message = world.messages.pop(rng.randrange(len(world.messages)))
    if isinstance(message, AnnounceEnd):
        world.announced.append(message)
        return
    if rng.random() < chances.lost:
        return
    if rng.random() < chances.doubled:
        world.messages.append(message)
    if isinstance(message, Continue):
        world.step(message)
    else:
        world.deliver(message)


def _work_one(world: World, chances: Chances) -> None:
    run_id = world.rng.choice(world.finishable())
    if world.rng.random() < chances.deaths:
        world.die(run_id)
    else:
        world.finish(run_id)


def _person_moves(world: World) -> bool:
    rng = world.rng
    children = [child for child in world.store.children.values() if not child.state.ended]
    if children and rng.random() < 0.5:
        world.end_child(rng.choice(children))
        return True
    execution = world.store.execution
    if execution.hold and rng.random() < 0.3:
        world.step(ResumeRequested())
        return True
    if execution.state is State.PAUSED and not execution.hold and rng.random() < 0.3:
        paused = [run.id for run in world.store.runs.values() if run.state is State.PAUSED]
        world.step(ResumeRequested(rng.choice([*paused, None])))
        return True
    return False
