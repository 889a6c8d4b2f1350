"""A Queries task in the whole product, killed while it is between two of its changes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.databases import Database, postgres
from tests.support.product import started

YAML = {"Content-Type": "application/x-yaml"}
FLOW = """
id: transfer
namespace: company.team
inputs: [{id: nap, type: INT}]
tasks:
  - id: transfer
    type: io.kestra.plugin.jdbc.postgresql.Queries
    url: %(url)s
    username: %(username)s
    password: %(password)s
    parameters: {nap: "{{ inputs.nap }}"}
    sql: |
      UPDATE account SET balance = balance - 30 WHERE owner = 'alice';
      SELECT balance AS seen FROM account WHERE owner = 'alice';
      SELECT pg_sleep(:nap::int) AS nap;
      UPDATE account SET balance = balance + 30 WHERE owner = 'bob';
    fetchType: FETCH_ONE
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[Database]:
    with postgres() as where:
        with psycopg.connect(where.url) as connection:
            connection.execute("CREATE TABLE account (owner text, balance int)")
            connection.execute("INSERT INTO account VALUES ('alice', 100), ('bob', 0)")
        yield where


@pytest.fixture(scope="module")
def client(shop: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with started(tmp_path_factory.mktemp("sql"), KESTRA_EE_WORKER_PROCESSES="1") as server:
        flow = FLOW % shop.properties
        server.client.post("/api/v1/main/flows", content=flow, headers=YAML).raise_for_status()
        yield server.client


def ask(shop: Database, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(shop.url) as connection:
        return connection.execute(sql.encode()).fetchall()


def start(client: httpx.Client, nap: int) -> str:
    answer = client.post("/api/v1/main/executions/company.team/transfer", files={"nap": (None, str(nap))})
    answer.raise_for_status()
    return str(answer.json()["id"])


def read(client: httpx.Client, execution_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/main/executions/{execution_id}")
    answer.raise_for_status()
    return dict(answer.json())


def until(holds: Callable[[], object], seconds: float, what: str) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.05)  # polled until the bound


def naps(shop: Database) -> list[tuple[Any, ...]]:
    """The backends that run the third statement."""
    return ask(shop, "SELECT pid FROM pg_stat_activity WHERE query LIKE '%AS nap%' AND pid <> pg_backend_pid()"
                     " AND state = 'active'")  # fmt: skip


BALANCES = "SELECT owner, balance FROM account ORDER BY owner"


@pytest.mark.process
@pytest.mark.timeout(180)
def test_a_killed_transfer_leaves_nothing_and_one_that_ends_leaves_all(client: httpx.Client, shop: Database) -> None:
    killed = start(client, 3600)
    until(lambda: naps(shop), 60, "the third statement runs")
    client.delete(f"/api/v1/main/executions/{killed}/kill").raise_for_status()
    until(lambda: not naps(shop), 10, "the statement has ended at the server")
    until(lambda: read(client, killed)["state"]["current"] == "KILLED", 60, "the execution is killed")
    assert ask(shop, BALANCES) == [("alice", 100), ("bob", 0)]

    ended = start(client, 0)
    until(lambda: read(client, ended)["state"]["current"] == "SUCCESS", 60, "the execution has ended")
    outputs = read(client, ended)["taskRunList"][0]["outputs"]["outputs"]
    assert outputs[0]["row"] == {"seen": 70}  # it sees what it has changed before
    assert ask(shop, BALANCES) == [("alice", 70), ("bob", 30)]


@pytest.mark.process
@pytest.mark.timeout(180)
def test_a_transfer_whose_worker_is_lost_leaves_nothing_behind(client: httpx.Client, shop: Database) -> None:
    before = ask(shop, BALANCES)
    lost = start(client, 3600)
    until(lambda: naps(shop), 60, "the third statement runs")
    ((backend,),) = naps(shop)
    os.kill(worker_of(shop, backend), signal.SIGKILL)
    until(lambda: (backend,) not in naps(shop), 60, "its connection is gone")
    assert ask(shop, BALANCES) == before
    client.delete(f"/api/v1/main/executions/{lost}/kill").raise_for_status()
    until(lambda: read(client, lost)["state"]["current"] == "KILLED", 60, "the execution is killed")


def worker_of(shop: Database, backend: int) -> int:
    """The process at the other end of a backend's connection, found by its port."""
    ((port,),) = ask(shop, f"SELECT client_port FROM pg_stat_activity WHERE pid = {backend}")
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if int(line.split()[1].split(":")[1], 16) == port}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            links = [os.readlink(link) for link in (entry / "fd").iterdir()]
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue  # it ended while we looked, or is another one's
        if any(link == f"socket:[{inode}]" for inode in inodes for link in links):
            return int(entry.name)
    raise AssertionError(f"no process has the port {port}")
