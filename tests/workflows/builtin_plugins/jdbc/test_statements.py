"""SQL is cut where its own database would cut it, whatever its texts, names, comments and bodies hold."""

from __future__ import annotations

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.workflows.builtin_plugins.jdbc.dialect import DUCKDB, MYSQL, POSTGRESQL, SQLITE, Dialect
from apps.workflows.builtin_plugins.jdbc.jdbc_url import parse_jdbc_url
from apps.workflows.builtin_plugins.jdbc.statements import bind, split_statements
from apps.workflows.plugin_api.errors import TaskFailed
from tests.support.databases import Database

DIALECTS = {"postgresql": POSTGRESQL, "mysql": MYSQL, "sqlite": SQLITE, "duckdb": DUCKDB}
# Whole lexical pieces of each language, each with something in it that would mislead a naive eye.
COMMON = ["x", "1", "1.5e3", "'a;b'", "''", "'it''s; -- no'", '"na;me"', '"a""b;"', " ", "-- c;'\"\n", "+", "(a, b)"]
PIECES = {
    "postgresql": [
        *COMMON,
        *("/* ; /* nested ' ; */ still ; */", "$$;'$$", "$tag$ ; $$ ; $other$ $tag$", "E'\\';'", "e'a\\\\'", "x::text"),
        *("'\\'", "a$b$", "$1", "U&'\\0041;'", "B'101'", "(select ';' ; select 2)", "a[1:n]", "#>", "@>", "?"),
    ],
    "duckdb": [
        *COMMON,
        *("/* ; ' */", "$$;'$$", "$tag$ ; $$ ; $tag$", "E'\\';'", "x::text", "'\\'", "{'a': 1}", "[1, 2]"),
    ],
    "mysql": [
        *COMMON,
        *("'\\';'", '"\\";"', "`a;b`", "`a``;`", "# c;'\n", "/* ; ' */", "5--1", "/*! ; */", "@v := 1", "--\n"),
    ],
    "sqlite": [*COMMON, "`a;b`", "[a;b]", "/* ; ' */", "'\\'", "x'00'", "?", "@p", "$p"],
}


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_statements_that_are_joined_come_apart_again(name: str, data: st.DataObject) -> None:
    body = st.lists(st.sampled_from(PIECES[name]), max_size=8).map(lambda parts: " ".join(["select", *parts]).strip())
    statements = data.draw(st.lists(body, min_size=1, max_size=5))
    # A line comment at the end would swallow the semicolon.
    joined = ";".join(statement + "\n" for statement in statements)
    found = split_statements(joined + data.draw(st.sampled_from(["", ";", " ;\n; -- end"])), DIALECTS[name])
    assert [one.text for one in found] == [statement.strip() for statement in statements]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES["duckdb"] + [";", "select 1", "select 'x'"]), max_size=12).map(" ".join))
def test_duckdb_cuts_at_the_same_places(sql: str) -> None:
    try:
        theirs = [one.query.strip().rstrip(";").strip() for one in duckdb.extract_statements(sql)]
    except duckdb.Error:
        return  # no SQL
    ours = [one.text for one in split_statements(sql, DUCKDB)]
    assert len(ours) == len(theirs)


@pytest.fixture(scope="module")
def connection(postgres_server: Database) -> object:
    with psycopg.connect(postgres_server.url, autocommit=True) as made:
        yield made


LITERALS = [
    "'a;b'",
    "'it''s'",
    "E'\\';'",
    "$$;'$$",
    "$t$ ; $$ $t$",
    "'\\'",
    "1",
    "'x'::text",
    "(select ';')",
    "'-- no'",
]
FILLERS = [" ", "\n", "-- ;'\n", "/* ; /* ' */ ; */"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(FILLERS), st.sampled_from(LITERALS), st.sampled_from(FILLERS)), min_size=1))
def test_postgresql_means_the_same_by_the_parts_as_by_the_whole(
    connection: psycopg.Connection[tuple[object, ...]], parts: list[tuple[str, str, str]]
) -> None:
    sql = ";".join(f"SELECT{before}{literal}::text{after}" for before, literal, after in parts)
    whole = [result.fetchone() for result in connection.execute(sql.encode()).results()]
    apart = [connection.execute(one.text.encode()).fetchone() for one in split_statements(sql, POSTGRESQL)]
    assert apart == whole


BODIES = {
    "postgresql": [
        "create function f() returns int language sql begin atomic select 1; select case when a then 1 end; end",
        "create or replace procedure p() as $$ begin insert into t values (1); end $$ language plpgsql",
        "create rule r as on insert to t do also (insert into a values (1); insert into b values (2))",
        "do $do$ begin perform 1; end $do$",
    ],
    "mysql": [
        "create trigger t before insert on x for each row begin if new.b then set new.c = 2; end if; end",
        "create trigger t before insert on x for each row if new.a < 0 then set new.a = 0; end if",
        "create trigger if not exists t after insert on x for each row begin select if(1, 2, 3); end",
        "create definer=`a;b`@`%` procedure p() begin declare i int; while i < 3 do set i = i + 1; end while; end",
        "create procedure p() begin l: loop leave l; end loop; repeat set @a = 1; until @a end repeat; end",
        "create procedure p() begin case @i when 1 then select 1; else select case when 2 then 3 end; end case; end",
        "create procedure p() begin begin select repeat('a', 3); end; end",
        "create event e on schedule every 1 day do begin delete from t; delete from u; end",
    ],
    "sqlite": ["create trigger t after insert on x begin update y set a = case when 1 then 2 end; select 1; end"],
}


BODY_CASES = [(name, body) for name, bodies in BODIES.items() for body in bodies]


@pytest.mark.parametrize(("name", "body"), BODY_CASES)
def test_bodies_stay_whole(name: str, body: str) -> None:
    found = split_statements(
        f"begin; {body}; select 1; {body.upper()}; drop trigger if exists t; commit", DIALECTS[name]
    )
    assert [one.text for one in found] == [
        "begin", body, "select 1", body.upper(), "drop trigger if exists t", "commit"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "sql", "bound", "values"),
    [
        (POSTGRESQL, "select :a::int, ':b', x::text, :a", "select $1::int, ':b', x::text, $2", (1, 1)),
        (POSTGRESQL, "select a[1:n], b[:n], $$:a$$ /* :a */", "select a[1:n], b[:n], $$:a$$ /* :a */", None),
        (POSTGRESQL, "select 5 % :a", "select 5 % $1", (1,)),
        (MYSQL, "select 5 % :a, '%' -- :b", "select 5 %% %s, '%%' -- :b", (1,)),
        (MYSQL, "select 5 % 3", "select 5 % 3", None),
        (MYSQL, "set @v := 1", "set @v := 1", None),
        (SQLITE, "select (:a), [:b], `:c`", "select (?), [:b], `:c`", (1,)),
        (DUCKDB, "select {'k':v}, :a", "select {'k':v}, ?", (1,)),
    ],
)
def test_only_what_is_a_parameter_is_bound(
    dialect: Dialect, sql: str, bound: str, values: tuple[object, ...] | None
) -> None:
    (statement,) = split_statements(sql, dialect)
    found = bind(statement, {"a": 1}, dialect)
    assert (found.text, found.values) == (bound, values)


@pytest.mark.parametrize(
    ("text", "hosts", "database", "parameters"),
    [
        ("jdbc:postgresql://h:5433/d?user=u&sslmode=require", (("h", 5433),), "d", {"user": "u", "sslmode": "require"}),
        ("jdbc:postgresql://a,b:2/d", (("a", None), ("b", 2)), "d", {}),
        ("jdbc:postgresql://[::1]:5432/my%20db", (("::1", 5432),), "my db", {}),
        ("jdbc:postgresql:d", (("localhost", None),), "d", {}),
        ("jdbc:postgresql://h/", (("h", None),), "", {}),
        ("jdbc:postgresql://u:p%40@h/d", (("h", None),), "d", {"user": "u", "password": "p@"}),
    ],
)
def test_urls(text: str, hosts: object, database: str, parameters: dict[str, str]) -> None:
    url = parse_jdbc_url(text, ("postgresql",))
    assert (url.hosts, url.database, url.parameters) == (hosts, database, parameters)


@pytest.mark.parametrize("text", ["jdbc:postgresql://h:x/d", "jdbc:postgresql://h:99999/d", "jdbc:postgresql://a b/d"])
def test_urls_that_name_no_host(text: str) -> None:
    with pytest.raises(TaskFailed, match="`url` names no host"):
        parse_jdbc_url(text, ("postgresql",))
