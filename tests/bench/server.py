"""The server under test: one that runs (KESTRA_EE_BENCH_URL; its data folder KESTRA_EE_BENCH_HOME is called `home`
and lets its workers' memory be seen), or one of our own in a temporary folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.product import EMAIL, PASSWORD, Server, started


@contextmanager
def bench_server() -> Iterator[Server]:
    """A running server; one of our own is stopped and its folder removed afterwards."""
    given = os.environ.get("KESTRA_EE_BENCH_URL")
    if given:
        user = os.environ.get("KESTRA_EE_BENCH_USER", EMAIL)
        password = os.environ.get("KESTRA_EE_BENCH_PASSWORD", PASSWORD)
        with httpx.Client(base_url=given, auth=(user, password), timeout=120) as client:
            home = os.environ.get("KESTRA_EE_BENCH_HOME")
            yield Server(
                client,
                os.environ.get("KESTRA_EE_BENCH_DATABASE_URL"),
                home=None if home is None else Path(home).parent,
                credentials=(user, password),
            )
        return
    with tempfile.TemporaryDirectory(prefix="kestra-ee-bench-", dir="/tmp") as folder, started(Path(folder)) as server:
        yield server
