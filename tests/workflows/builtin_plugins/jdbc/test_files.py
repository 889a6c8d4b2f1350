"""The tasks of SQLite and DuckDB, whose databases are files."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.plugin_api.errors import TaskFailed, TaskKilled
from tests.support.run_context import FakeRunContext

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_sqlite_reads_a_stored_database(run: Any, context: FakeRunContext, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "made.db") as made:
        made.execute(
            "CREATE TABLE t (id INTEGER, day DATE, at TIMESTAMP, yes BOOLEAN, odd DATE, bytes BLOB, real REAL)"
        )
        made.execute("INSERT INTO t VALUES (1, '2024-02-29', '2024-01-02 03:04:05', 1, 'soon', x'00ff', 1.5)")
    made.close()
    uri = context.storage.put((tmp_path / "made.db").read_bytes(), "made.db")
    where = {"url": "jdbc:sqlite:shop.db", "sqliteFile": uri}
    output = run("sqlite.Query", where, sql="SELECT * FROM t", fetchType="FETCH")
    assert output.rows == [
        {
            "id": 1,
            "day": "2024-02-29",
            "at": "2024-01-02T03:04:05",
            "yes": True,
            "odd": "soon",
            "bytes": "AP8=",
            "real": 1.5,
        }
    ]


def test_sqlite_queries_are_all_or_nothing(run: Any, context: FakeRunContext) -> None:
    where = {"url": "jdbc:sqlite:shop.db"}
    run("sqlite.Queries", where, sql="CREATE TABLE a (n int CHECK (n > 0)); INSERT INTO a VALUES (1)")
    with pytest.raises(TaskFailed, match="CHECK constraint failed"):
        run("sqlite.Queries", where, sql="UPDATE a SET n = 5; INSERT INTO a VALUES (:n)", parameters={"n": 0})
    output = run("sqlite.Queries", where, sql="SELECT n, :x AS x FROM a", parameters={"x": "y"}, fetchType="FETCH")
    assert output.outputs[0].rows == [{"n": 1, "x": "y"}]


def test_sqlite_keeps_a_trigger_whole(run: Any) -> None:
    sql = """
        CREATE TABLE a (n int); CREATE TABLE log (n int);
        CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO log VALUES (NEW.n); INSERT INTO log VALUES (0); END;
        INSERT INTO a VALUES (7); SELECT n FROM log;
    """
    output = run("sqlite.Queries", {"url": "jdbc:sqlite::memory:"}, sql=sql, fetchType="FETCH")
    assert output.outputs[0].rows == [{"n": 7}, {"n": 0}]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_kill_ends_an_endless_statement(run: Any, context: FakeRunContext, kind: str) -> None:
    caught: list[BaseException] = []
    url = {"sqlite": "jdbc:sqlite::memory:", "duckdb": "jdbc:duckdb:"}[kind]

    def work() -> None:
        try:
            run(f"{kind}.Query", {"url": url}, sql=ENDLESS, fetchType="FETCH")
        except (TaskFailed, TaskKilled) as found:
            caught.append(found)

    thread = threading.Thread(target=work)
    thread.start()
    assert context.cancellation.registered.wait(30)
    began = time.monotonic()
    context.cancellation.kill()
    thread.join(30)
    assert time.monotonic() - began < 10
    assert [type(found) for found in caught] == [TaskKilled]


def test_duckdb_keeps_types(run: Any) -> None:
    sql = """SELECT timestamp '2024-01-01 10:00:00' AS local, timestamptz '2024-01-01 10:00:00+00' AS moment,
        date '2024-02-29' AS day, time '10:15' AS clock, 1.50::decimal(5,2) AS amount,
        18446744073709551615::ubigint AS huge,
        170141183460469231731687303715884105727::hugeint AS huger, [1, NULL] AS list, {'a': [1]} AS struct,
        'x'::blob AS bytes,
        uuid '0b5d9c0e-6b1f-4a53-8f2b-3f1c4f7d9e10' AS key, '{"a": 1}'::json AS doc,
        'a'::enum('a') AS kind, NULL AS none"""
    output = run("duckdb.Query", {}, sql=sql, fetchType="FETCH_ONE", timeZoneId="Europe/Paris")
    assert output.row == {
        "local": "2024-01-01T10:00:00+01:00",
        "moment": "2024-01-01T11:00:00+01:00",
        "day": "2024-02-29",
        "clock": "10:15:00",
        "amount": 1.5,
        "huge": "18446744073709551615",
        "huger": "170141183460469231731687303715884105727",
        "list": [1, None],
        "struct": {"a": [1]},
        "bytes": "eA==",
        "key": "0b5d9c0e-6b1f-4a53-8f2b-3f1c4f7d9e10",
        "doc": {"a": 1},
        "kind": "a",
        "none": None,
    }


def test_duckdb_reads_and_writes_files(run: Any, context: FakeRunContext) -> None:
    uri = context.storage.put(b"id,total\n1,5\n2,7\n", "orders.csv")
    sql = """
        CREATE TABLE t AS SELECT * FROM read_csv('{{ workingDir }}/orders.csv');
        COPY (SELECT sum(total) AS total FROM t) TO '{{ outputFiles["sum.csv"] }}' (HEADER);
        SELECT count(*) AS n FROM t
    """
    output = run(
        "duckdb.Query", {}, sql=sql, inputFiles={"orders.csv": uri}, outputFiles=["sum.csv"], fetchType="FETCH"
    )
    assert output.rows == [{"n": 2}]
    assert context.storage.read(output.output_files["sum.csv"]) == "total\n12\n"
    assert sorted(path.name for path in context.working_directory().iterdir()) == ["orders.csv", "sum.csv"]


def test_duckdb_queries_are_all_or_nothing(run: Any, tmp_path: Path) -> None:
    where = {"url": f"jdbc:duckdb:{tmp_path}/shop.duckdb"}
    run("duckdb.Queries", where, sql="CREATE TABLE a (n int CHECK (n > 0)); INSERT INTO a VALUES (1)")
    with pytest.raises(TaskFailed, match="CHECK constraint failed"):
        run("duckdb.Queries", where, sql="UPDATE a SET n = 5; INSERT INTO a VALUES (0)")
    sql = "UPDATE a SET n = n + :n; SELECT n FROM a; UPDATE a SET n = 9 RETURNING n"
    output = run("duckdb.Queries", where, sql=sql, parameters={"n": 1}, fetchType="FETCH")
    assert [one.rows for one in output.outputs] == [[{"n": 2}], [{"n": 9}]]


@pytest.mark.parametrize(
    ("kind", "where", "sql", "message"),
    [
        ("duckdb", {"url": "jdbc:duckdb:shop.db"}, "SELECT 1", "Path to database file must be absolute"),
        ("duckdb", {}, "SELEC 1", "syntax error"),
        ("sqlite", {"url": "jdbc:sqlite:../shop.db"}, "SELECT 1", "must be a path inside the working directory"),
        ("sqlite", {"url": "jdbc:sqlite::memory:"}, "SELECT nosuch", "no such column: nosuch"),
        ("sqlite", {"url": "jdbc:sqlite:/nowhere/x.db"}, "SELECT 1", "Cannot open the SQLite database: unable to open"),
    ],
)
def test_what_cannot_work_says_why(run: Any, kind: str, where: dict[str, str], sql: str, message: str) -> None:
    with pytest.raises(TaskFailed, match=message):
        run(f"{kind}.Query", where, sql=sql)
