"""The machine's own limit: how long a durable commit of one row takes in the same PostgreSQL."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


def durable_commit_ms(database_url: str, commits: int = 1500) -> float:
    """Median milliseconds of a transaction that inserts one small row and waits for the disk, one connection."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.bench_commit (id bigserial PRIMARY KEY, text text)")
        try:
            times = []
            for _ in range(commits):
                began = time.perf_counter()
                connection.execute("INSERT INTO public.bench_commit (text) VALUES ('x')")
                times.append((time.perf_counter() - began) * 1000)
        finally:
            connection.execute("DROP TABLE public.bench_commit")
    return statistics.median(times)


@contextmanager
def slow_commits(database_url: str | None) -> Iterator[float]:
    """Each commit of the whole server waits a millisecond before it writes; gives the median of one, in milliseconds.

    The user must be one that may change settings of the server, as the embedded one is.
    """
    if database_url is None:
        raise RuntimeError("The server's database is not known (KESTRA_EE_BENCH_DATABASE_URL).")
    with psycopg.connect(database_url, autocommit=True) as connection:
        try:
            connection.execute("ALTER SYSTEM SET commit_delay = 1000")
            connection.execute("ALTER SYSTEM SET commit_siblings = 0")
            connection.execute("SELECT pg_reload_conf()")
            yield durable_commit_ms(database_url, 300)
        finally:
            connection.execute("ALTER SYSTEM RESET commit_delay")
            connection.execute("ALTER SYSTEM RESET commit_siblings")
            connection.execute("SELECT pg_reload_conf()")
