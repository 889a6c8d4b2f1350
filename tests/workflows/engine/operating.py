"""Surgery on a world: applies what ``surgery`` worked out, as the store's SQL does."""

from __future__ import annotations

from dataclasses import replace

from apps.workflows.engine.events import Restarted
from apps.workflows.engine.frontier import NOT_LOADED, Change, ExecutionRow
from apps.workflows.engine.surgery import Surgery, replay, restart, set_state
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.memory_store import copy_execution, copy_run
from tests.workflows.engine.world import World


def restart_world(world: World) -> Surgery:
    """Restart the execution; its step Restarted is sent."""
    execution, runs = headers(world)
    surgery = restart(world.compiled, execution, runs, world.now)
    return _carry_out(world, execution, surgery)


def set_state_in_world(world: World, run_id: str, state: State) -> Surgery:
    """Set a run's state; the step Restarted is sent."""
    execution, runs = headers(world)
    surgery = set_state(world.compiled, execution, runs, run_id, state, world.now)
    return _carry_out(world, execution, surgery)


def replay_world(world: World, run_id: str, seed: int = 0) -> World:
    """A new world with the replay of this one from a run; its step Restarted is sent."""
    fresh = World(world.compiled.flow, outcome=world.outcome, seed=seed, limit=world.limit, eager=world.eager)  # type: ignore[arg-type]
    fresh.now = world.now
    fresh.ids.count = 5_000_000
    old, runs = headers(world)
    execution = ExecutionRow("copy", "ns", "flow", 1, State.CREATED, [Change(State.CREATED, fresh.now)])
    made = replay(world.compiled, execution, old, runs, run_id, fresh.now, fresh.ids)
    fresh.store.execution = copy_execution(execution)
    for run in made.runs:
        fresh.store._write(run)
    for new, source in made.sources.items():
        if source in world.store.outputs:
            fresh.store.outputs[new] = world.store.outputs[source]
        if source in world.store.loop_values:
            fresh.store.loop_values[new] = world.store.loop_values[source]
    fresh.store.check_frames()
    fresh.messages.append(Restarted())
    fresh.store.timers["watch", ""] = fresh.now
    return fresh


def headers(world: World) -> tuple[ExecutionRow, list]:  # type: ignore[type-arg]
    runs = [replace(copy_run(run), outputs=NOT_LOADED) for run in world.store.runs.values()]
    return copy_execution(world.store.execution), runs


def _carry_out(world: World, execution: ExecutionRow, surgery: Surgery) -> Surgery:
    store = world.store
    for run_id in surgery.deleted:
        store._delete_below([run_id])
        store._delete(run_id)
    store._delete_below(surgery.emptied)
    for run in surgery.updated.values():
        assert run.id in store.runs
        store._write(run)
    store.execution = copy_execution(execution)
    store.swept = False
    store.check_frames()
    world.messages.append(Restarted())
    store.timers["watch", ""] = world.now
    return surgery
