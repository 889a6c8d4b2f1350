"""The tasks of PostgreSQL against a server of the tests' own."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

from apps.workflows.builtin_plugins.ion_reader import read_rows
from apps.workflows.plugin_api.errors import TaskFailed, TaskKilled, TaskTimedOut
from apps.workflows.plugin_api.registry import plugin_class
from tests.support.databases import Database
from tests.support.run_context import FakeRunContext

ACCOUNTS = """
CREATE TABLE account (owner text PRIMARY KEY, balance int CHECK (balance >= 0));
INSERT INTO account VALUES ('alice', 100), ('bob', 0);
"""
TYPES = """
SELECT true AS yes, 7::smallint AS small, 7::int AS whole, 9007199254740993::bigint AS big, 1.5::float8 AS real,
  12.30::numeric(10,2) AS amount, 12345678901234567890.123::numeric AS exact, 'é"\\;''x'::text AS name,
  'ab'::char(4) AS padded, date '2024-02-29' AS day, time '10:15:30.5' AS clock,
  timestamp '2024-01-02 03:04:05' AS local, timestamptz '2024-01-02 03:04:05+05' AS moment,
  interval '1 year 2 mons -3 days 04:05:06.50' AS span, '{"a": [1, {"b": null}]}'::jsonb AS doc, '[1, 2]'::json AS list,
  ARRAY[1, 2, NULL] AS numbers, ARRAY[['a'], ['b']] AS nested, '\\x00ff'::bytea AS bytes,
  '0b5d9c0e-6b1f-4a53-8f2b-3f1c4f7d9e10'::uuid AS key, '10.0.0.0/8'::cidr AS net, int4range(1, 5) AS span_of,
  'NaN'::float8 AS nothing, NULL::text AS none, '(1,2)'::point AS place
"""


def balance(where: Database, owner: str) -> int:
    with psycopg.connect(where.url) as connection:
        row = connection.execute("SELECT balance FROM account WHERE owner = %s", [owner]).fetchone()
    assert row is not None
    return int(row[0])


def execute(where: Database, sql: str) -> None:
    with psycopg.connect(where.url) as connection:
        connection.execute(sql.encode())


def stored(context: FakeRunContext, uri: str) -> list[Any]:
    with context.storage.open(uri) as content:
        return list(read_rows(context, content))


def test_fetch_gives_rows_as_json_has_them(run: Any, pg: Database) -> None:
    output = run("postgresql.Query", pg, sql=TYPES, fetchType="FETCH", timeZoneId="Europe/Paris")
    assert output.size == 1
    assert output.rows == [
        {
            "yes": True,
            "small": 7,
            "whole": 7,
            "big": 9007199254740993,
            "real": 1.5,
            "amount": 12.3,
            "exact": "12345678901234567890.123",
            "name": "é\"\\;'x",
            "padded": "ab  ",
            "day": "2024-02-29",
            "clock": "10:15:30.500000",
            "local": "2024-01-02T03:04:05",
            "moment": "2024-01-01T23:04:05+01:00",
            "span": "P1Y2M-3DT4H5M6.5S",
            "doc": {"a": [1, {"b": None}]},
            "list": [1, 2],
            "numbers": [1, 2, None],
            "nested": [["a"], ["b"]],
            "bytes": "AP8=",
            "key": "0b5d9c0e-6b1f-4a53-8f2b-3f1c4f7d9e10",
            "net": "10.0.0.0/8",
            "span_of": "[1,5)",
            "nothing": "nan",
            "none": None,
            "place": "(1,2)",
        }
    ]


def test_store_keeps_types_in_the_file(run: Any, pg: Database, context: FakeRunContext) -> None:
    output = run("postgresql.Query", pg, sql=TYPES, fetchType="STORE")
    assert output.size == 1
    text = context.storage.read(output.uri)
    for part in (
        "amount:12.30,",
        "exact:12345678901234567890.123,",
        'day:LocalDate::"2024-02-29"',
        'moment:ZonedDateTime::"2024-01-01T22:04:05Z"',
        "bytes:{{AP8=}}",
        "none:null",
    ):
        assert part in text
    (row,) = stored(context, output.uri)
    assert row["name"] == "é\"\\;'x"
    assert row["doc"] == {"a": [1, {"b": None}]}


def test_fetch_one_is_null_without_rows(run: Any, pg: Database) -> None:
    assert run("postgresql.Query", pg, sql="SELECT 1 AS a UNION SELECT 2 ORDER BY 1", fetchType="FETCH_ONE").row == {
        "a": 1
    }
    output = run("postgresql.Query", pg, sql="SELECT 1 AS a WHERE false", fetchType="FETCH_ONE")
    assert (output.row, output.size) == (None, 0)


@pytest.mark.parametrize(
    ("written", "filled"), [({"fetch": True}, "rows"), ({"fetchOne": True}, "row"), ({"store": True}, "uri")]
)
def test_the_names_of_old_still_count(
    run: Any, pg: Database, context: FakeRunContext, written: dict[str, bool], filled: str
) -> None:
    output = run("postgresql.Query", pg, sql="SELECT 1 AS a", **written)
    assert [name for name in ("row", "rows", "uri") if getattr(output, name) is not None] == [filled]
    tags = {"fetch": str(filled != "uri").lower(), "store": str(filled == "uri").lower()}
    assert context.metrics == [("counter", "fetch.size", 1, tags)]


def test_none_gives_nothing(run: Any, pg: Database) -> None:
    output = run("postgresql.Query", pg, sql="SELECT 1")
    assert output.model_dump(exclude_none=True) == {}


def test_several_statements_of_a_query_are_one_transaction(run: Any, pg: Database) -> None:
    execute(pg, ACCOUNTS)
    with pytest.raises(TaskFailed, match=r'column "nosuch" does not exist'):
        run("postgresql.Query", pg, sql="UPDATE account SET balance = 5; SELECT nosuch")
    assert balance(pg, "alice") == 100
    output = run("postgresql.Query", pg, sql="SELECT 1 AS a; SELECT 2 AS b;", fetchType="FETCH")
    assert output.rows == [{"a": 1}, {"b": 2}]


def test_what_needs_no_transaction_gets_none(run: Any, pg: Database) -> None:
    execute(pg, ACCOUNTS)
    run("postgresql.Query", pg, sql="VACUUM account")
    run("postgresql.Query", pg, sql="BEGIN; UPDATE account SET balance = 7; COMMIT")
    assert balance(pg, "bob") == 7


def test_rows_of_a_changing_statement_are_fetched_too(run: Any, pg: Database, context: FakeRunContext) -> None:
    execute(pg, ACCOUNTS)
    sql = "UPDATE account SET balance = balance + 1 RETURNING owner, balance"
    output = run("postgresql.Query", pg, sql=sql, fetchType="STORE")
    assert sorted(row["balance"] for row in stored(context, output.uri)) == [1, 101]


def test_queries_see_what_they_have_done_and_commit_once(run: Any, pg: Database) -> None:
    execute(pg, ACCOUNTS)
    output = run(
        "postgresql.Queries",
        pg,
        sql="""
            UPDATE account SET balance = balance - :amount WHERE owner = :from;  -- not ; here
            UPDATE account SET balance = balance + :amount::int WHERE owner = :to;
            SELECT balance FROM account ORDER BY owner; SELECT ':amount' AS text, 5 % 3 AS rest, :from AS who;
        """,
        parameters={"amount": "30", "from": "alice", "to": "bob"},
        fetchType="FETCH",
    )
    assert [one.rows for one in output.outputs] == [
        [{"balance": 70}, {"balance": 30}],
        [{"text": ":amount", "rest": 2, "who": "alice"}],
    ]
    assert (balance(pg, "alice"), balance(pg, "bob")) == (70, 30)


def test_an_error_takes_back_everything_unless_told_otherwise(run: Any, pg: Database) -> None:
    execute(pg, ACCOUNTS)
    sql = "UPDATE account SET balance = 1 WHERE owner = 'bob'; UPDATE account SET balance = -1 WHERE owner = 'alice'"
    with pytest.raises(TaskFailed, match="violates check constraint"):
        run("postgresql.Queries", pg, sql=sql)
    assert balance(pg, "bob") == 0
    with pytest.raises(TaskFailed, match="violates check constraint"):
        run("postgresql.Queries", pg, sql=sql, transaction=False)
    assert balance(pg, "bob") == 1


def test_a_deferred_constraint_that_fails_at_the_commit_fails_the_task(run: Any, pg: Database) -> None:
    execute(
        pg, "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)"
    )
    with pytest.raises(TaskFailed, match="violates foreign key constraint"):
        run("postgresql.Queries", pg, sql="INSERT INTO b VALUES (1)")


def test_parameters_are_values_not_sql(run: Any, pg: Database) -> None:
    evil = "x'; DROP TABLE account; --"
    execute(pg, ACCOUNTS)
    output = run(
        "postgresql.Queries",
        pg,
        sql="SELECT :name AS name, :list::int[] AS list, :doc::jsonb AS doc, :none::text AS none, :yes AS yes",
        parameters={"name": evil, "list": [1, 2], "doc": {"a": 1}, "none": None, "yes": True},
        fetchType="FETCH_ONE",
    )
    assert output.outputs[0].row == {"name": evil, "list": [1, 2], "doc": {"a": 1}, "none": None, "yes": True}
    assert balance(pg, "alice") == 100


def test_a_parameter_without_a_value_is_told(run: Any, pg: Database) -> None:
    with pytest.raises(TaskFailed, match=r"`:b` in `sql` has no value in `parameters` \(there is `a`\)"):
        run("postgresql.Queries", pg, sql="SELECT :a, :b", parameters={"a": 1})


@pytest.mark.parametrize(("order", "error"), [("kill", TaskKilled), ("time_out", TaskTimedOut)])
def test_a_kill_ends_the_statement_at_the_server(
    run: Any, pg: Database, context: FakeRunContext, order: str, error: type[Exception]
) -> None:
    execute(pg, ACCOUNTS)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            run("postgresql.Queries", pg, sql="UPDATE account SET balance = 0; SELECT pg_sleep(60) AS nap; SELECT 1")
        except (TaskFailed, TaskKilled, TaskTimedOut) as found:
            caught.append(found)

    def naps() -> int:
        with psycopg.connect(pg.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()"
                " AND query LIKE '%AS nap%' AND pid <> pg_backend_pid()"
            ).fetchone()
        assert row is not None
        return int(row[0])

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 60
    while not naps():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # polled until the deadline
    began = time.monotonic()
    getattr(context.cancellation, order)()
    thread.join(30)
    assert time.monotonic() - began < 5
    assert [type(found) for found in caught] == [error]
    assert naps() == 0
    assert balance(pg, "alice") == 100


def test_a_kill_between_two_statements_commits_nothing(run: Any, pg: Database, context: FakeRunContext) -> None:
    execute(pg, ACCOUNTS)
    log = context.log

    def killed_at_the_second(level: Any, message: str) -> None:
        log(level, message)
        if message == "Running: SELECT 2":
            context.cancellation.kill()

    context.log = killed_at_the_second  # type: ignore[method-assign]
    with pytest.raises(TaskKilled):
        run("postgresql.Queries", pg, sql="UPDATE account SET balance = 0; SELECT 2; SELECT 3")
    assert balance(pg, "alice") == 100


def test_batch_writes_rows_in_chunks(run: Any, pg: Database, context: FakeRunContext) -> None:
    execute(pg, "CREATE TABLE orders (id int PRIMARY KEY, day date, total numeric, note text)")
    rows = "".join(f'{{id:{n},total:{n}.50,day:LocalDate::"2024-01-02",other:"x"}}\n' for n in range(25))
    uri = context.storage.put(rows.encode(), "rows.ion")
    output = run("postgresql.Batch", pg, **{"from": uri}, table="orders", columns=["id", "day", "total"], chunk=10)
    assert (output.row_count, output.updated_count) == (25, 25)
    note = "INSERT INTO orders (id, note) VALUES (?, '?' || ?) ON CONFLICT (id) DO UPDATE SET note = 'a % b'"
    uri = context.storage.put(b'[1, "x"]\n[99, "y"]\n', "list.json")
    run("postgresql.Batch", pg, **{"from": uri}, sql=note)
    with psycopg.connect(pg.url) as connection:
        found = connection.execute(
            "SELECT count(*), sum(total)::text, min(day)::text, max(note) FROM orders"
        ).fetchone()
        assert found == (26, "312.50", "2024-01-02", "a % b")
        assert connection.execute("SELECT note FROM orders WHERE id = 99").fetchone() == ("?y",)


def test_a_batch_that_fails_keeps_the_chunks_before(run: Any, pg: Database, context: FakeRunContext) -> None:
    execute(pg, "CREATE TABLE orders (id int PRIMARY KEY)")
    uri = context.storage.put(b"{id:1}\n{id:2}\n{id:3}\n{id:3}\n", "rows.ion")
    with pytest.raises(TaskFailed, match="duplicate key"):
        run("postgresql.Batch", pg, **{"from": uri}, table="orders", chunk=2)
    with psycopg.connect(pg.url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (2,)


@pytest.mark.parametrize("kind", ["TEXT", "CSV", "BINARY"])
def test_copy_goes_out_and_in(run: Any, pg: Database, kind: str) -> None:
    execute(
        pg, "CREATE TABLE a (id int, name text); INSERT INTO a VALUES (1, 'x,\"y'), (2, NULL); CREATE TABLE b (LIKE a)"
    )
    out = run("postgresql.CopyOut", pg, sql="SELECT * FROM a ORDER BY id", format=kind)
    assert out.row_count == 2
    assert (
        run("postgresql.CopyIn", pg, **{"from": out.uri}, table="b", format=kind, columns=["id", "name"]).row_count == 2
    )
    with psycopg.connect(pg.url) as connection:
        assert connection.execute("SELECT * FROM b ORDER BY id").fetchall() == [(1, 'x,"y'), (2, None)]


def test_copy_takes_options(run: Any, pg: Database, context: FakeRunContext) -> None:
    execute(pg, "CREATE TABLE a (id int, name text); INSERT INTO a VALUES (1, 'x')")
    out = run(
        "postgresql.CopyOut", pg, table="a", format="CSV", header=True, delimiter=";", quote="'", forceQuote=["name"]
    )
    assert context.storage.read(out.uri) == "id;name\n1;'x'\n"


def test_a_trigger_fires_when_there_are_rows(pg: Database, context: FakeRunContext) -> None:
    execute(pg, ACCOUNTS)
    name = "io.kestra.plugin.jdbc.postgresql.Trigger"

    def poll(**properties: Any) -> Any:
        trigger = plugin_class(name).model_validate({"id": "t", "type": name, **pg.properties, **properties})
        return trigger.poll(context)  # type: ignore[attr-defined]

    some, nobody = "SELECT owner FROM account ORDER BY 1", "SELECT owner FROM account WHERE balance > 1000"
    assert poll(sql=some, fetchType="FETCH") == {"rows": [{"owner": "alice"}, {"owner": "bob"}], "size": 2}
    assert poll(sql=nobody, fetchType="FETCH") is None
    assert poll(sql=some) is None
    silent = plugin_class(name).model_validate({"id": "t", "type": name, **pg.properties, "sql": some})
    assert "never starts the flow" in silent.advise()[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "wrong"}, "Cannot connect to PostgreSQL: .*password authentication failed"),
        ({"url": "jdbc:postgresql://127.0.0.1:1/x"}, "Cannot connect to PostgreSQL: .*[Rr]efused"),
        ({"url": "jdbc:mysql://h/x"}, r"`url` begins with `jdbc:mysql`, but must be `jdbc:postgresql:…`"),
        ({"url": "postgresql://h/x"}, r"`url` begins with `postgresql`"),
        ({"url": "jdbc:postgresql://%2Ftmp/x"}, "names no host that can be reached"),
        ({"timeZoneId": "Mars/Base"}, "`timeZoneId`: Unknown time-zone ID: Mars/Base"),
        ({"sslMode": "VERIFY_CA"}, "needs `sslRootCert`"),
        ({"sql": " -- nothing"}, "`sql` holds no statement"),
        ({"sql": "SELEC 1"}, 'syntax error at or near "SELEC"'),
        ({"sql": "SELECT 'infinity'::date"}, "date too large"),
    ],
)
def test_what_cannot_work_says_why(run: Any, pg: Database, changes: dict[str, str], message: str) -> None:
    with pytest.raises(TaskFailed, match=message):
        run("postgresql.Query", {**pg.properties, "sql": "SELECT 1", "fetchType": "FETCH", **changes})


def test_the_sign_in_of_the_worker_is_not_the_flows(run: Any, pg: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", pg.password)
    with pytest.raises(TaskFailed, match=r"no password supplied|password authentication failed"):
        run("postgresql.Query", {"url": pg.jdbc, "username": pg.username}, sql="SELECT 1")


def test_the_url_may_say_the_rest(run: Any, pg: Database) -> None:
    execute(pg, "CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS a")
    url = (
        f"{pg.jdbc}?user={pg.username}&password={pg.password}&currentSchema=other&ApplicationName=mine&sslmode=disable"
    )
    sql = "SELECT a, current_setting('application_name') AS app FROM t"
    assert run("postgresql.Query", {"url": url}, sql=sql, fetchType="FETCH_ONE").row == {"a": 1, "app": "mine"}


def test_zones_by_offset_have_the_sign_of_iso(run: Any, pg: Database) -> None:
    sql = "SELECT timestamptz '2024-01-01 00:00Z' AS at, (timestamptz '2024-01-01 00:00Z')::text AS said"
    output = run("postgresql.Query", pg, sql=sql, fetchType="FETCH_ONE", timeZoneId="+05:30")
    assert output.row == {"at": "2024-01-01T05:30:00+05:30", "said": "2024-01-01 05:30:00+05:30"}


def test_too_many_rows_for_outputs_are_refused(run: Any, pg: Database) -> None:
    sql = "SELECT repeat('x', 100000) AS a FROM generate_series(1, 1000)"
    with pytest.raises(TaskFailed, match=r"more than 32 MB, too much for outputs: use `fetchType: STORE`"):
        run("postgresql.Query", pg, sql=sql, fetchType="FETCH")
