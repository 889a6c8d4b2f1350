"""A minute in which many schedules are due at once: how late their executions are made; what idle ones cost."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg

from tests.bench.figures import LOG, NAMESPACE, Figure
from tests.support.product import Server

MINUTE_SCHEDULES, IDLE = 1_000, 100_000
AT_ONCE = 100
PATIENCE = 300
FLOW = """\
id: due-{number}
namespace: {namespace}.due
tasks:
  - {{id: say, type: {log}, message: "{{{{ trigger.date }}}}"}}
triggers:
  - {{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: "{minute} {hour} * * *"}}
"""


def due_minute(server: Server, commit: float) -> list[Figure]:
    """1,000 schedules of one minute, each with a light task: the lag of the creation of their executions."""
    if server.database_url is None:
        raise RuntimeError("This workload reads the server's database: set KESTRA_EE_BENCH_DATABASE_URL")
    began = time.monotonic()
    at = (datetime.now(UTC) + timedelta(minutes=2)).replace(second=0, microsecond=0)
    _save_all(server, at)
    while datetime.now(UTC) > at - timedelta(seconds=5):  # a slow machine saved for longer than that
        at += timedelta(minutes=3)
        _save_all(server, at)
    saved = time.monotonic() - began
    lags = _lags(server.database_url, at)
    p50, p95 = lags[len(lags) // 2], lags[int(len(lags) * 0.95)]
    return [
        Figure(f"{MINUTE_SCHEDULES:,} flows saved with a schedule, each", saved / MINUTE_SCHEDULES * 1000, "ms"),
        Figure(f"{MINUTE_SCHEDULES:,} schedules of one minute, created", float(len(lags)), ""),
        Figure("… lag of the creation, p50", p50, "s"),
        Figure("… lag of the creation, p95", p95, "s", p95 * 1000 / commit),
        Figure("… lag of the last one", lags[-1], "s"),
    ]


def idle_schedules(server: Server, commit: float) -> list[Figure]:
    """What a tick's claim costs beside 100,000 timers that are not due."""
    if server.database_url is None:
        raise RuntimeError("This workload reads the server's database: set KESTRA_EE_BENCH_DATABASE_URL")
    claim = (
        "UPDATE public.timer SET due_at = now() + interval '15 s' WHERE id IN (SELECT id FROM public.timer"
        " WHERE due_at <= now() ORDER BY due_at LIMIT 5000 FOR UPDATE SKIP LOCKED) RETURNING tenant, kind, key"
    )
    with psycopg.connect(server.database_url, autocommit=True) as database:
        database.execute(
            "INSERT INTO public.timer (tenant, kind, key, due_at) SELECT 'bench-idle', 'trigger', n::text,"
            " now() + interval '1 day' FROM generate_series(1, %s) AS n",
            [IDLE],
        )
        database.execute("ANALYZE public.timer")
        times = []
        for _ in range(200):
            began = time.perf_counter()
            database.execute(claim)
            times.append((time.perf_counter() - began) * 1000)
        database.execute("DELETE FROM public.timer WHERE tenant = 'bench-idle'")
    value = sorted(times)[len(times) // 2]
    return [Figure(f"claim of a tick beside {IDLE:,} idle schedules, p50", value, "ms", value / commit)]


def _save_all(server: Server, at: datetime) -> None:
    for first in range(0, MINUTE_SCHEDULES, AT_ONCE):
        flows = [
            FLOW.format(number=number, namespace=NAMESPACE, log=LOG, minute=at.minute, hour=at.hour)
            for number in range(first, first + AT_ONCE)
        ]
        answer = server.client.post(
            "/api/v1/main/flows/bulk",
            params={"delete": "false"},
            content="\n---\n".join(flows),
            headers={"Content-Type": "application/x-yaml"},
        )
        answer.raise_for_status()


def _lags(database_url: str, at: datetime) -> list[float]:
    """Seconds from the date to the creation, ascending, when all executions are there."""
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(database_url, autocommit=True) as database:
        while True:
            rows = database.execute(
                "SELECT extract(epoch FROM start_date - schedule_date)::float FROM t_main.execution"
                " WHERE namespace = %s AND schedule_date = %s ORDER BY 1",
                [f"{NAMESPACE}.due", at],
            ).fetchall()
            if len(rows) >= MINUTE_SCHEDULES:
                return [lag for (lag,) in rows]
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(rows)} of {MINUTE_SCHEDULES} executions after {PATIENCE} s")
            time.sleep(1)  # polled until the deadline; rarely, so that the polling is not what is measured
