"""The machine's own limit: how long a durable commit of one row takes in the same PostgreSQL."""

from __future__ import annotations

import statistics
import time

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
