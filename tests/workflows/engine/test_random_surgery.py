"""Random flows restarted or replayed end as if nothing had happened."""

from __future__ import annotations

import random

import pytest

from apps.workflows.plugin_api.state import State
from tests.workflows.engine.chaos import Chances, play
from tests.workflows.engine.operating import replay_world, restart_world
from tests.workflows.engine.reference import Reference
from tests.workflows.engine.trees import TreeMaker, ends_from
from tests.workflows.engine.world import World


def make(seed: int, limit: int, *, fail: bool) -> World:
    flow = TreeMaker(random.Random(seed), plain=True).flow()
    world = World(flow, seed=seed, limit=limit, eager=seed % 2 == 0)
    give_ends(world, seed, fail=fail)
    return world


def give_ends(world: World, seed: int, *, fail: bool) -> None:
    ends = ends_for(seed, fail=fail)
    child_ends = ends_for(seed + 1, fail=fail)
    world.outcome = lambda run, number: ends(run.task_id, run.loop_key, number)
    runs = world.store.runs
    world.child_state = lambda child: child_ends(
        runs[child.run_id].task_id, runs[child.run_id].loop_key, len(runs[child.run_id].attempts) + 1
    )


def ends_for(seed: int, *, fail: bool):  # type: ignore[no-untyped-def]
    plain = ends_from(seed)

    def ends(task_id: str, key: bytes, number: int) -> State:
        state = plain(task_id, key, number)
        return State.SUCCESS if state is State.FAILED and not fail else state

    return ends


def check_against_reference(world: World, seed: int) -> None:
    reference = Reference(ends_for(seed, fail=False), ends_for(seed + 1, fail=False))
    state = reference.flow(world.compiled.flow)  # type: ignore[arg-type]
    actual = {(run.task_id, run.loop_key): run.state for run in world.store.runs.values()}
    assert len(actual) == len(world.store.runs)
    assert actual == reference.found.states
    assert world.state is state
    world.store.check_frames()


def failed_in_finally(world: World) -> bool:
    """A failure there stays as it is: like errors runs, runs of a finally are no reason to restart what ended well."""
    runs = world.store.runs
    return any(
        run.state is State.FAILED and any(runs[each].branch == "f" for each in (*run.ancestors, run.id))
        for run in runs.values()
    )


@pytest.mark.parametrize("limit", [200, 2])
def test_a_random_tree_restarted_with_its_cause_gone_ends_as_if_it_had_never_failed(limit: int) -> None:
    played = 0
    for seed in range(200):
        world = make(seed, limit, fail=True)
        try:
            play(world, Chances(holds=0))
            if world.state is not State.FAILED or failed_in_finally(world):
                continue
            played += 1
            world.zombies.clear()
            give_ends(world, seed, fail=False)
            restart_world(world)
            play(world, Chances(holds=0))
            check_against_reference(world, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}, slice {limit}") from error
    assert played > 40


@pytest.mark.parametrize("limit", [200, 2])
def test_a_random_tree_replayed_from_anywhere_ends_as_before(limit: int) -> None:
    for seed in range(200):
        world = make(seed, limit, fail=False)
        try:
            play(world, Chances(holds=0))
            runs = [run.id for run in world.store.runs.values() if not world.store.in_listeners(run)]
            if not runs:
                continue
            fresh = replay_world(world, random.Random(seed).choice(runs), seed)
            give_ends(fresh, seed, fail=False)
            play(fresh, Chances(holds=0))
            check_against_reference(fresh, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}, slice {limit}") from error
