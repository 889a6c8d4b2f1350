"""Random flows under random delivery end as the recursive evaluator says, whatever is lost, doubled or late."""

from __future__ import annotations

import random

import pytest

from apps.workflows.engine.commands import AnnounceEnd
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.chaos import Chances, play
from tests.workflows.engine.reference import Reference
from tests.workflows.engine.trees import TreeMaker, ends_from, outcome_from
from tests.workflows.engine.world import World

SEEDS = 250
"""Flows per test; the suite stays within seconds. ``ENGINE_SEEDS`` of the bench plays more."""


def make(seed: int, limit: int) -> World:
    flow = TreeMaker(random.Random(seed)).flow()
    world = World(flow, outcome=outcome_from(seed), seed=seed, limit=limit, eager=seed % 2 == 0)
    child_ends = ends_from(seed + 1)

    def child_state(child: object) -> State:
        run = world.store.runs[child.run_id]  # type: ignore[attr-defined]
        return child_ends(run.task_id, run.loop_key, len(run.attempts) + 1)

    world.child_state = child_state
    return world


def compare(world: World, seed: int) -> None:
    reference = Reference(ends_from(seed), ends_from(seed + 1))
    state = reference.flow(world.compiled.flow)  # type: ignore[arg-type]
    expected = reference.found
    actual = {(run.task_id, run.loop_key): run.state for run in world.store.runs.values()}
    assert len(actual) == len(world.store.runs)
    assert world.state is state
    assert expected.certain - actual.keys() == set(), "these must have run"
    assert actual.keys() - expected.states.keys() == set(), "these must not have run"
    assert actual == {key: expected.states[key] for key in actual}


@pytest.mark.parametrize("limit", [200, 2])
@pytest.mark.parametrize("block", range(5))
def test_random_trees_end_as_the_evaluator_says(block: int, limit: int) -> None:
    for seed in range(block * SEEDS // 5, (block + 1) * SEEDS // 5):
        world = make(seed, limit)
        try:
            play(world, Chances())
            compare(world, seed)
            world.store.check_frames()
        except Exception as error:
            raise AssertionError(f"seed {seed}, slice {limit}") from error


@pytest.mark.parametrize("limit", [200, 2])
def test_a_kill_at_any_moment_leaves_nothing_open(limit: int) -> None:
    for seed in range(SEEDS):
        world = make(seed, limit)
        kill_at = random.Random(seed).randint(0, 60)
        try:
            play(world, Chances(kill_at=kill_at))
            assert world.state.ended
            assert world.store.open_left() == []
            if world.state is State.KILLED:
                assert world.entered.count("KILLING") <= 1
                world.run(hours=1)
                assert all(child.state.ended for child in world.store.children.values() if waited(world, child.run_id))
            else:
                compare(world, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}, slice {limit}, kill at {kill_at}") from error


def waited(world: World, run_id: str) -> bool:
    return run_id in world.store.runs and world.store.runs[run_id].state is State.KILLED


def test_an_end_is_announced_once() -> None:
    for seed in range(40):
        world = make(seed, 200)
        play(world, Chances(lost=0.0))
        assert len([end for end in world.announced if isinstance(end, AnnounceEnd)]) == 1
