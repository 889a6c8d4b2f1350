"""The databases that the SQL tasks are tested against, and running a task there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apps.workflows.plugin_api.registry import plugin_class
from tests.support.databases import MARIADB, NO_MARIADB, Database, mariadb, postgres, postgres_database
from tests.support.run_context import FakeRunContext

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Database]:
    with postgres() as server:
        yield server


@pytest.fixture
def pg(postgres_server: Database) -> Iterator[Database]:
    """A database of the test's own."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield postgres_database(postgres_server.url.rpartition("/")[0] + f"/{name}")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def maria_server() -> Iterator[Database]:
    if MARIADB is None:
        pytest.skip(NO_MARIADB)
    with mariadb() as server:
        yield server


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path)


@pytest.fixture
def run(context: FakeRunContext) -> Run:
    """``run("postgresql.Query", database, sql=…)`` as the worker runs it; answers the output."""

    def run_task(kind: str, where: Database | dict[str, Any], **properties: Any) -> Any:
        type_name = f"io.kestra.plugin.jdbc.{kind}"
        given = where.properties if isinstance(where, Database) else where
        written = {"id": "t", "type": type_name, **given, **properties}
        task = plugin_class(type_name).model_validate(written, context={"by_name": False}, by_name=False)
        assert not task.check()  # type: ignore[attr-defined]
        return task.run(context)  # type: ignore[attr-defined]

    return run_task
