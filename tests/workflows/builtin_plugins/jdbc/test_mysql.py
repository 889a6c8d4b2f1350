"""The tasks of MySQL against a MariaDB of the tests' own."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from apps.workflows.plugin_api.errors import TaskFailed, TaskKilled
from tests.support.databases import Database
from tests.support.run_context import FakeRunContext

PORT_AT = "127.0.0.1:"


@pytest.fixture
def maria(maria_server: Database) -> Iterator[Database]:
    """A database of the test's own."""
    name = f"t{uuid.uuid4().hex[:12]}"
    made = replace(maria_server, jdbc=maria_server.jdbc.rpartition("/")[0] + f"/{name}")
    with connected(maria_server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield made
        cursor.execute(f"DROP DATABASE {name}")


def connected(where: Database) -> Any:
    address, _, database = where.jdbc.removeprefix("jdbc:mysql://").partition("/")
    host, _, port = address.partition(":")
    return pymysql.connect(
        host=host, port=int(port), user=where.username, password=where.password, database=database, autocommit=True
    )


def ask(where: Database, sql: str) -> Any:
    with connected(where) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def accounts(where: Database) -> None:
    ask(where, "CREATE TABLE account (owner varchar(20) PRIMARY KEY, balance int, CHECK (balance >= 0)) ENGINE=InnoDB")
    ask(where, "INSERT INTO account VALUES ('alice', 100), ('bob', 0)")


def test_values_keep_their_types(run: Any, maria: Database, context: FakeRunContext) -> None:
    ask(
        maria,
        "CREATE TABLE t (yes bool, small smallint, big bigint, huge bigint unsigned, amount decimal(10,2),"
        " real_ double, name varchar(50), day date, clock time(3), long_ time, local datetime(3), moment timestamp,"
        " doc json, bytes varbinary(10), flag bit(1), flags bit(9), year_ year, kind enum('a','b'), none int)",
    )
    with connected(maria) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+02:00'")
        cursor.execute(
            "INSERT INTO t VALUES (true, 1, 9007199254740993, 18446744073709551615, 12.30, 1.5, 'é;\"x', '2024-02-29',"
            " '10:15:30.5', '-26:00:00', '2024-01-02 03:04:05.250', '2024-01-02 03:04:05', '{\"a\": [1]}', x'00ff',"
            " b'1', b'100000001', 2024, 'b', NULL)"
        )
    output = run("mysql.Query", maria, sql="SELECT * FROM t", fetchType="FETCH")
    assert output.rows == [
        {
            "yes": True,
            "small": 1,
            "big": 9007199254740993,
            "huge": "18446744073709551615",
            "amount": 12.3,
            "real_": 1.5,
            "name": 'é;"x',
            "day": "2024-02-29",
            "clock": "10:15:30.500000",
            "long_": "PT-26H",
            "local": "2024-01-02T03:04:05.250000",
            "moment": "2024-01-02T01:04:05Z",
            "doc": '{"a": [1]}',
            "bytes": "AP8=",
            "flag": True,
            "flags": "AQE=",
            "year_": 2024,
            "kind": "b",
            "none": None,
        }
    ]
    stored = run("mysql.Query", maria, sql="SELECT amount, moment, bytes FROM t", fetchType="STORE")
    assert (
        context.storage.read(stored.uri)
        == '{amount:12.30,moment:ZonedDateTime::"2024-01-02T01:04:05Z",bytes:{{AP8=}}}\n'
    )


def test_a_zone_that_is_asked_for_is_the_sessions(run: Any, maria: Database) -> None:
    sql = "SELECT @@session.time_zone AS zone, TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW()) AS ahead"
    output = run("mysql.Query", maria, sql=sql, fetchType="FETCH_ONE", timeZoneId="+05:30")
    assert output.row == {"zone": "+05:30", "ahead": 330}


def test_queries_are_all_or_nothing(run: Any, maria: Database) -> None:
    accounts(maria)
    sql = """
        UPDATE account SET balance = balance - :amount WHERE owner = 'alice'; # not ; here
        UPDATE account SET balance = balance + :amount WHERE owner = "bob";
        SELECT balance, '100%' AS `a;b` FROM account ORDER BY owner;
    """
    output = run("mysql.Queries", maria, sql=sql, parameters={"amount": "30"}, fetchType="FETCH")
    assert output.outputs[0].rows == [{"balance": 70, "a;b": "100%"}, {"balance": 30, "a;b": "100%"}]
    with pytest.raises(TaskFailed, match=r"CONSTRAINT .* failed .*\(error 4025\)"):
        run("mysql.Queries", maria, sql=sql, parameters={"amount": 80})
    assert ask(maria, "SELECT balance FROM account ORDER BY owner") == ((70,), (30,))


def test_a_trigger_with_a_body_can_be_made(run: Any, maria: Database) -> None:
    accounts(maria)
    run(
        "mysql.Queries",
        maria,
        sql="""
            CREATE TRIGGER keep BEFORE UPDATE ON account FOR EACH ROW
            BEGIN
              IF NEW.balance > 1000 THEN SET NEW.balance = 1000; END IF;
            END;
            UPDATE account SET balance = 5000 WHERE owner = 'bob';
        """,
    )
    assert ask(maria, "SELECT balance FROM account WHERE owner = 'bob'") == ((1000,),)


def test_batch_and_load_data(run: Any, maria: Database, context: FakeRunContext) -> None:
    ask(maria, "CREATE TABLE orders (id int PRIMARY KEY, total decimal(8,2), at datetime)")
    uri = context.storage.put(
        b'{id:1,total:1.50,at:LocalDateTime::"2024-01-02T03:04:05"}\n{id:2,total:2.5,at:null}\n', "r.ion"
    )
    assert run("mysql.Batch", maria, **{"from": uri}, table="orders").updated_count == 2
    uri = context.storage.put(b"3,9.5\n4,8.5\n", "rows.csv")
    sql = "LOAD DATA LOCAL INFILE '{{ inputFile }}' INTO TABLE orders FIELDS TERMINATED BY ',' (id, total)"
    run("mysql.Query", maria, sql=sql, inputFile=uri)
    assert str(ask(maria, "SELECT count(*), sum(total), max(at) FROM orders")) == (
        "((4, Decimal('22.00'), datetime.datetime(2024, 1, 2, 3, 4, 5)),)"
    )
    with pytest.raises(TaskFailed, match="reads files of the working directory alone"):
        run("mysql.Query", maria, sql=sql.replace("{{ inputFile }}", "/etc/passwd"), inputFile=uri)


def test_a_kill_ends_the_statement_at_the_server(run: Any, maria: Database, context: FakeRunContext) -> None:
    accounts(maria)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            run("mysql.Queries", maria, sql="UPDATE account SET balance = 0; SELECT SLEEP(60) AS nap; SELECT 1")
        except (TaskFailed, TaskKilled) as found:
            caught.append(found)

    def naps() -> int:
        running = (
            "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%AS nap%' AND id <> CONNECTION_ID()"
        )
        return int(ask(maria, running)[0][0])

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 60
    while not naps():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # polled until the deadline
    began = time.monotonic()
    context.cancellation.kill()
    thread.join(30)
    assert time.monotonic() - began < 5
    assert [type(found) for found in caught] == [TaskKilled]
    assert ask(maria, "SELECT balance FROM account WHERE owner = 'alice'") == ((100,),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "wrong"}, r"Cannot connect to MySQL: Access denied .*\(error 1045\)"),
        ({"url": "jdbc:mysql://127.0.0.1:1/x"}, "Cannot connect to MySQL: .*[Rr]efused"),
        ({"sql": "SELEC 1"}, r"error in your SQL syntax"),
        ({"timeZoneId": "Europe/Paris"}, "does not know the time zone `Europe/Paris`"),
    ],
)
def test_what_cannot_work_says_why(run: Any, maria: Database, changes: dict[str, str], message: str) -> None:
    with pytest.raises(TaskFailed, match=message):
        run("mysql.Query", {**maria.properties, "sql": "SELECT 1", **changes})
