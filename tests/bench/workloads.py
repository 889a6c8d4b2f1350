"""The workloads: each saves its flow, starts executions over the API, and measures until they have ended."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from tests.bench.app_forms import apps_at_once
from tests.bench.chain import celery_chain
from tests.bench.figures import LOG, RETURN, Figure, lasted, median_of, save, start, wait
from tests.bench.followers import followers
from tests.bench.large import w6_large
from tests.bench.machine import slow_commits
from tests.bench.rates import w4_paced, w4_rate
from tests.bench.schedules import due_minute, idle_schedules
from tests.bench.sleepers import sleepers
from tests.support.product import Server


def w1_sequence(server: Server, commit: float) -> list[Figure]:
    """40 sequential light tasks."""
    save(server, "w1", "".join(f"  - {{id: t{n}, type: {LOG}, message: line {n}}}\n" for n in range(40)))
    per_task = median_of(server, "w1", 9) / 40 * 1000
    return [Figure("W1 40 light tasks in sequence, per task", per_task, "ms", per_task / commit)]


def w1_slow_commit(server: Server, commit: float) -> list[Figure]:
    """The same where a durable commit takes a millisecond more, as with disks of a cloud: one commit a task shows."""
    with slow_commits(server.database_url) as slow:
        (figure,) = w1_sequence(server, slow)
    return [
        Figure("durable commit of one row, made slow", slow, "ms"),
        Figure("W1 with slow commits, per task (at most 4)", figure.value, "ms", figure.per_commit),
    ]


def w3_fan_out(server: Server, commit: float) -> list[Figure]:
    """A Parallel of 100."""
    tasks = "".join(f"      - {{id: p{n}, type: {RETURN}, format: x}}\n" for n in range(100))
    save(server, "w3", f"  - id: all\n    type: io.kestra.plugin.core.flow.Parallel\n    tasks:\n{tasks}")
    seconds = median_of(server, "w3", 5)
    return [Figure("W3 fan-out of 100", seconds * 1000, "ms", seconds * 1000 / 101 / commit)]


def single(server: Server, commit: float) -> list[Figure]:
    """One task on an idle system."""
    save(server, "one", f"  - {{id: only, type: {RETURN}, format: x}}\n")
    times = []
    for _ in range(21):
        times.append(lasted(wait(server.client, start(server.client, "one"))) * 1000)
    value = statistics.median(times[1:])
    return [Figure("one task on an idle system, p50", value, "ms", value / commit)]


def w6_loops(server: Server, commit: float) -> list[Figure]:
    """One ForEach of 100, 1,000 and 10,000 iterations: the cost of an iteration must stay flat."""
    figures = []
    for count in (100, 1_000, 10_000):
        values = f"{{{{ range(1, {count}) }}}}"
        save(
            server,
            f"w6-{count}",
            "  - id: loop\n    type: io.kestra.plugin.core.flow.ForEach\n"
            f'    values: "{values}"\n    tasks:\n'
            f'      - {{id: x, type: {RETURN}, format: "{{{{ taskrun.value }}}}"}}\n',
        )
        per = median_of(server, f"w6-{count}", 3 if count < 10_000 else 1) / count * 1000
        figures.append(Figure(f"W6 ForEach of {count:,}, per iteration", per, "ms", per / commit))
    ratio = figures[-1].value / figures[0].value
    return [*figures, Figure("W6 iteration at 10,000 against 100", ratio, "x")]


WORKLOADS: dict[str, Callable[[Server, float], list[Figure]]] = {
    "one": single,
    "w1": w1_sequence,
    "w3": w3_fan_out,
    "w4": w4_rate,
    "w4-paced": w4_paced,
    "w6": w6_loops,
    "w6-large": w6_large,
    "sleepers": sleepers,
    "chain": lambda server, commit: celery_chain(server, commit, w1_sequence),
    "slow-commit": w1_slow_commit,
    "schedules": due_minute,
    "idle-schedules": idle_schedules,
    "followers": followers,
    "apps": apps_at_once,
}

USUAL = tuple(
    name for name in WORKLOADS if name not in {"w6-large", "sleepers", "chain", "slow-commit", "schedules", "followers"}
)
"""Without a name: what takes minutes, needs Redis or changes the database's settings is asked for by its name."""
