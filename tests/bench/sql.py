"""A million rows out of PostgreSQL into storage: how long, beside psql's own copy, and what it does to the memory."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from apps.workflows.plugin_api.registry import plugin_class
from tests.support.databases import Database, postgres
from tests.support.run_context import FakeRunContext

ROWS = 1_000_000
TYPE = "io.kestra.plugin.jdbc.postgresql.Query"
TABLE = f"""
CREATE TABLE big AS SELECT i AS id, 'customer number ' || i AS name, (i * 1.37)::numeric(12, 2) AS amount,
  timestamptz '2024-01-01Z' + i * interval '1 second' AS at, i % 3 = 0 AS flag FROM generate_series(1, {ROWS}) AS i
"""
ROUNDS = 3
MOST_TIMES, MOST_MB = 8.0, 100.0


class StreamedStorage:
    """Storage that copies what it is given, as the local one does, without reading it whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: object, name: str) -> str:
        """Copy the file."""
        with (self.folder / name).open("wb") as target:
            shutil.copyfileobj(content, target)  # type: ignore[misc]
        return f"kestra:///{name}"


def main() -> int:
    """Print the figures; 1 when a bound is broken."""
    with postgres() as where, tempfile.TemporaryDirectory(prefix="kestra-ee-bench-", dir="/tmp") as name:
        with psycopg.connect(where.url, autocommit=True) as connection:
            connection.execute(TABLE.encode())
        folder = Path(name)
        plugin_class(TYPE)
        before = peak()
        times = [(copied(where, folder), queried(where, folder)) for _ in range(ROUNDS)]
        growth = (peak() - before) / 1024
    copy, query = (sorted(column)[ROUNDS // 2] for column in zip(*times, strict=True))
    print(f"{ROWS:,} rows of PostgreSQL to CSV by psql's \\copy, median of {ROUNDS}:   {copy:8.2f} s")
    print(
        f"… to a file of Ion by jdbc.postgresql.Query, fetchType STORE:    {query:8.2f} s  {query / copy:5.1f} x copy"
    )
    print(f"… growth of the worker's memory meanwhile:                       {growth:8.1f} MB")
    return 0 if query / copy <= MOST_TIMES and growth <= MOST_MB else 1


def peak() -> int:
    """The most memory this process has had, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def copied(where: Database, folder: Path) -> float:
    """Seconds of psql."""
    began = time.perf_counter()
    command = f"\\copy (SELECT * FROM big) TO '{folder / 'copied.csv'}' CSV"
    subprocess.run(["psql", where.url, "-qc", command], check=True)
    return time.perf_counter() - began


def queried(where: Database, folder: Path) -> float:
    """Seconds of the task."""
    context = FakeRunContext(folder)
    context.storage = StreamedStorage(folder)  # type: ignore[assignment]
    written = {"id": "big", "type": TYPE, **where.properties, "sql": "SELECT * FROM big", "fetchType": "STORE"}
    task = plugin_class(TYPE).model_validate(written)
    began = time.perf_counter()
    output = task.run(context)  # type: ignore[attr-defined]
    took = time.perf_counter() - began
    assert output.size == ROWS
    return took
