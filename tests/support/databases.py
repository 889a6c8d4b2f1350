"""Database servers of the tests' own, each in a temporary folder on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pymysql

from kestra_ee.launcher.postgres import temporary_postgres

MARIADB = shutil.which("mariadbd")
NO_MARIADB = "mariadbd is not installed (Debian: apt-get install mariadb-server)"


@dataclass(frozen=True)
class Database:
    """Where a database is, and how one signs in."""

    jdbc: str
    username: str
    password: str
    url: str = ""

    @property
    def properties(self) -> dict[str, str]:
        """As a task's properties."""
        return {"url": self.jdbc, "username": self.username, "password": self.password}


def postgres_database(url: str) -> Database:
    """A PostgreSQL given by its url."""
    parts = urlsplit(url)
    jdbc = f"jdbc:postgresql://{parts.hostname}:{parts.port}{parts.path}"
    return Database(jdbc, parts.username or "", parts.password or "", url)


@contextmanager
def postgres() -> Iterator[Database]:
    """A PostgreSQL server."""
    with temporary_postgres() as server:
        yield postgres_database(server.url("postgres"))


@contextmanager
def mariadb() -> Iterator[Database]:
    """A MariaDB server; about two seconds."""
    assert MARIADB is not None, NO_MARIADB
    home = Path(tempfile.mkdtemp(prefix="kestra-ee-mariadb-", dir="/tmp"))
    root = os.geteuid() == 0
    if root:  # the server refuses to be root
        account = pwd.getpwnam("mysql")
        os.chown(home, account.pw_uid, account.pw_gid)
    user = ["--user=mysql"] if root else []
    data = home / "data"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run([*install, "--skip-test-db", *user], check=True, capture_output=True)
    log = home / "server.log"
    options = [
        f"--datadir={data}",
        f"--socket={home / 'socket'}",
        f"--port={port}",
        f"--pid-file={home / 'pid'}",
        f"--log-error={log}",
        "--bind-address=127.0.0.1",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=32M",
        "--performance-schema=OFF",
        "--local-infile=1",
        *user,
    ]
    process = subprocess.Popen([MARIADB, "--no-defaults", *options])
    try:
        _wait(process, port, log)
        yield Database(f"jdbc:mysql://127.0.0.1:{port}/shop", "alice", "p'w")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with pymysql.connect(host="127.0.0.1", port=port, user="root") as root, root.cursor() as cursor:
                cursor.execute("CREATE DATABASE shop")
                cursor.execute("CREATE USER 'alice'@'%%' IDENTIFIED BY %s", ("p'w",))
                cursor.execute("GRANT ALL ON *.* TO 'alice'@'%'")
            return
        except pymysql.err.OperationalError:
            assert process.poll() is None, f"mariadbd ended at once:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"mariadbd was not ready in time:\n{log.read_text()[-3000:]}"
            time.sleep(0.05)  # polled until the deadline
