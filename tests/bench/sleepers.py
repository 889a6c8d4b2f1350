"""Ten thousand executions that sleep at once: that they hold no worker, and how late each is woken.

One is started over the API and falls asleep; the others are copies of its rows and timers, each due at a time of its
own, as if they had been started one by one and looked after once by their watch.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from apps.common.ids import new_id, to_uuid
from tests.bench.figures import RETURN, Figure, lasted, save, start, wait
from tests.support.product import Server

COUNT = 10_000
SPREAD = 60
"""Seconds over which they wake: 167 a second."""
COPYING = timedelta(seconds=30)
SCHEMA = "t_main"
EXECUTION_COLUMNS = (
    "namespace, flow_id, flow_revision, flow_ref, state, histories, inputs, labels, variables, trigger, cursor,"
    " pending, paused, hold, slot, told, attempt_number, original_created, start_date"
)
RUN_COLUMNS = "task_id, state, histories, attempts, parent_id, ancestors, branch, lane, idx, loop_key, pending, token"


def sleepers(server: Server, commit: float) -> list[Figure]:
    """Lag of 10,000 that wake within a minute, and of as many that are all due at one moment."""
    if server.database_url is None:
        raise RuntimeError("The sleepers are copied in the database: name it (KESTRA_EE_BENCH_DATABASE_URL).")
    save(server, "sleeper", "  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT6H}\n")
    save(server, "beside", f"  - {{id: only, type: {RETURN}, format: x}}\n")
    figures = []
    with psycopg.connect(server.database_url, autocommit=True, options=f"-c search_path={SCHEMA},public") as database:
        template = start(server.client, "sleeper")
        run = _asleep(database, template)
        try:
            for spread, title in ((SPREAD, f"{COUNT:,} asleep, due within {SPREAD} s"), (0, f"{COUNT:,} due at once")):
                first = datetime.now(UTC) + COPYING
                _copy(database, template, run, first, spread)
                beside = [lasted(wait(server.client, start(server.client, "beside"))) * 1000 for _ in range(11)]
                figures.append(Figure(f"{title}: one task beside them, p50", statistics.median(beside), "ms"))
                figures += _lags(database, title, first + timedelta(seconds=spread))
        finally:
            server.client.delete(f"/api/v1/main/executions/{template}/kill").raise_for_status()
    return figures


def _asleep(database: psycopg.Connection[Any], execution_id: str) -> Any:
    """The run of the template, when it sleeps and nobody holds it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = database.execute(
            "SELECT id FROM task_run WHERE execution_id = %s AND state = 'RUNNING' AND token IS NULL",
            [to_uuid(execution_id)],
        ).fetchone()
        if found is not None:
            return found[0]
        time.sleep(0.05)  # polled until the deadline
    raise RuntimeError("The sleeping task holds a worker, or did not begin within a minute")


def _copy(database: psycopg.Connection[Any], template: str, run: Any, first: datetime, spread: float) -> None:
    executions, runs = [new_id() for _ in range(COUNT)], [new_id() for _ in range(COUNT)]
    dues = [first + timedelta(seconds=spread * number / COUNT) for number in range(COUNT)]
    values = {
        "template": to_uuid(template),
        "run": run,
        "executions": [to_uuid(one) for one in executions],
        "runs": [to_uuid(one) for one in runs],
        "dues": dues,
        "keys": [f"{one}:{other}" for one, other in zip(executions, runs, strict=True)],
        "ids": executions,
    }
    with database.transaction():
        database.execute("CREATE TEMP TABLE IF NOT EXISTS sleeper (execution uuid, run uuid, due timestamptz)")
        database.execute("TRUNCATE sleeper")
        database.execute(
            "INSERT INTO sleeper"
            " SELECT * FROM unnest(%(executions)s::uuid[], %(runs)s::uuid[], %(dues)s::timestamptz[])",
            values,
        )
        database.execute(
            f"INSERT INTO execution (id, original_id, {EXECUTION_COLUMNS})"
            f" SELECT s.execution, s.execution, {EXECUTION_COLUMNS} FROM sleeper s, execution e"
            " WHERE e.id = %(template)s",
            values,
        )
        database.execute(
            f"INSERT INTO task_run (id, execution_id, nudged_at, {RUN_COLUMNS})"
            f" SELECT s.run, s.execution, s.due, {RUN_COLUMNS} FROM sleeper s, task_run t WHERE t.id = %(run)s",
            values,
        )
        database.execute(
            "INSERT INTO public.timer (tenant, kind, key, due_at)"
            " SELECT 'main', 'sleep', * FROM unnest(%(keys)s::text[], %(dues)s::timestamptz[])",
            values,
        )
        database.execute(
            "INSERT INTO public.timer (tenant, kind, key, due_at)"
            " SELECT 'main', 'watch', id, now() + interval '1 hour' FROM unnest(%(ids)s::text[]) AS id",
            values,
        )
    if datetime.now(UTC) >= first:
        raise RuntimeError("Copying took longer than the time that was left for it")


def _lags(database: psycopg.Connection[Any], title: str, last: datetime) -> list[Figure]:
    deadline = time.monotonic() + (last - datetime.now(UTC)).total_seconds() + 900
    while True:
        open_count, lags = 0, []
        for state, lag in database.execute(
            "SELECT t.state, extract(epoch FROM (t.histories -> -1 ->> 'date')::timestamptz - s.due)"
            " FROM sleeper s JOIN task_run t ON t.id = s.run"
        ):
            if state == "SUCCESS":
                lags.append(float(lag))
            else:
                open_count += 1
        if not open_count:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"{open_count} of {COUNT} still sleep a quarter of an hour after their time")
        time.sleep(3)  # polled until the deadline; seldom, it reads all of them
    lags.sort()
    early = sum(lag < 0 for lag in lags)
    return [
        Figure(f"{title}: woken late by, p50", statistics.median(lags), "s"),
        Figure(f"{title}: woken late by, p95", lags[int(len(lags) * 0.95)], "s"),
        Figure(f"{title}: woken late by, at most", lags[-1], "s"),
        Figure(f"{title}: woken too early", early, ""),
    ]
