"""The embedded PostgreSQL server: started, adopted, stopped; for `make up` and for the tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import psycopg
from psycopg import sql

from kestra_ee.launcher.errors import PostgresError, WrongPasswordError
from kestra_ee.launcher.parent_death import signal_when_parent_dies
from kestra_ee.launcher.postgres_cluster import ROOTS_DATA, USER, PostgresCluster, plain_environment

LOG_KEPT_BYTES: Final = 10_000_000

DEFAULT_OPTIONS: Final[Mapping[str, str]] = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_wal_size": "2GB",
    "max_locks_per_transaction": "256",  # a tenant's schema has hundreds of tables and indexes
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}
THROW_AWAY_OPTIONS: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
}


class EmbeddedPostgres:
    """A PostgreSQL server of our own in `home`/postgres, on 127.0.0.1 with a password kept in a 0600 file.

    `start` and `stop` may be called again and again; `port` stays the same for the life of the object, so that
    processes holding `url()` survive a restart of the server. Start it from a thread that lives as long as the server
    shall: the kernel stops the server when that thread ends.
    """

    def __init__(
        self,
        home: Path,
        *,
        options: Mapping[str, str] | None = None,
        durable: bool = True,
        roots_data: Path = ROOTS_DATA,
    ) -> None:
        self.cluster = PostgresCluster(home, durable=durable, roots_data=roots_data)
        self.port = 0
        self.adopted = False
        self._options = {**DEFAULT_OPTIONS, **({} if durable else THROW_AWAY_OPTIONS), **(options or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._log_start = 0

    @property
    def version(self) -> str:
        return self.cluster.binaries().version

    @property
    def pid(self) -> int:
        """Of the running server, started or adopted; 0 when there is none."""
        return self._pid if self.is_running() else 0

    def url(self, database: str, scheme: str = "postgresql") -> str:
        return f"{scheme}://{USER}:{self.cluster.password()}@127.0.0.1:{self.port}/{database}"

    def is_running(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return self._pid > 0 and _is_server_of(self._pid, self.cluster.data)

    def start(self, timeout: float = 30) -> None:
        """Ready when this returns: 1. make the cluster if there is none, 2. adopt a live server of this folder, or
        wait until it has gone, 3. start one and wait until it takes connections. A second call does nothing."""
        if self.is_running():
            return
        self._process, self._pid, self.adopted = None, 0, False
        self.cluster.prepare()
        deadline = time.monotonic() + timeout
        if not self.adopt(deadline):
            self._start_new(deadline)

    def adopt(self, deadline: float | None = None) -> bool:
        """Take over a server that already runs on this folder; True when it answers to our password.

        With a deadline waits for one that is starting or going; without, one look. A pid file whose process is gone
        (kill -9), or whose number now belongs to something else, is no obstacle.
        """
        while True:
            lines = self.cluster.pid_file_lines()
            pid = int(lines[0]) if lines and lines[0].isdigit() else 0
            if not pid:
                return False
            if not _is_server_of(pid, self.cluster.data):
                if deadline is not None and _is_alive(pid):  # a dead one's file is PostgreSQL's own business
                    (self.cluster.data / "postmaster.pid").unlink(missing_ok=True)
                return False
            if _says_ready(lines) and self._answers(int(lines[3])):
                self.port, self._pid, self.adopted = int(lines[3]), pid, True
                return True
            if deadline is None:
                return False
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL (process {pid}) holds {self.cluster.data} but takes no connections")
            time.sleep(0.05)

    def stop(self, timeout: float = 5) -> None:
        """Fast and clean (SIGINT); after `timeout` at once (SIGQUIT, recovery at the next start), then SIGKILL."""
        for number, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, 1.5), (signal.SIGKILL, 5.0)):
            if not self.is_running():
                break
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)
            deadline = time.monotonic() + patience
            while self.is_running() and time.monotonic() < deadline:
                time.sleep(0.01)
        self._process, self._pid = None, 0
        self.cluster.remove_socket_dir()

    def connect(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        """An autocommit connection as the owner; the caller closes it."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=10)

    def create_database(self, name: str) -> bool:
        """True when it was missing and is made now."""
        with self.connect() as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                return False
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            return True

    def drop_database(self, name: str) -> None:
        """With all its connections; nothing happens when there is none."""
        with self.connect() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _start_new(self, deadline: float) -> None:
        own_port = self.port
        reason = "it was not ready in time"
        while True:
            self.port = own_port or _free_port()
            self._process = self._spawn()
            self._pid = self._process.pid
            while self._process.poll() is None:
                lines = self.cluster.pid_file_lines()
                # After kill -9 the old file still says ready: only our own child's counts.
                if _says_ready(lines) and lines[0] == str(self._pid):
                    return
                if time.monotonic() > deadline:
                    self.stop()
                    raise PostgresError(f"PostgreSQL did not start: {reason} (see {self.cluster.log_file})")
                time.sleep(0.01)
            self._process, self._pid = None, 0
            reason = self._last_complaint()
            # Backends of a killed server hold its memory for a second; another program may have taken the port.
            passing = "shared memory" in reason or "could not bind" in reason or "could not create any TCP" in reason
            if not passing or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start: {reason} (see {self.cluster.log_file})")
            time.sleep(0.2)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [str(self.cluster.binaries().bin_dir / "postgres"), "-D", str(self.cluster.data.resolve())]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.cluster.make_socket_dir())]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        with self._open_log() as log:
            return subprocess.Popen(  # noqa: S603  # our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=plain_environment(),
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops this one last
                preexec_fn=signal_when_parent_dies(signal.SIGINT),  # asks the kernel, nothing else
                **self.cluster.run_as(),
            )

    def _open_log(self) -> IO[bytes]:
        path = self.cluster.log_file
        if path.exists() and path.stat().st_size > LOG_KEPT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        log = path.open("ab")
        self._log_start = log.seek(0, os.SEEK_END)
        return log

    def _last_complaint(self) -> str:
        with self.cluster.log_file.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        serious = [line for line in lines if "FATAL" in line or "PANIC" in line or "could not" in line]
        return " ".join(line.strip() for line in (serious or lines or ["no message"])[-3:])

    def _answers(self, port: int) -> bool:
        """Whether the server on this port is ours; raises when it is but refuses the password."""
        url = f"postgresql://{USER}:{self.cluster.password()}@127.0.0.1:{port}/postgres"
        try:
            with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
                row = connection.execute("show data_directory").fetchone()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise WrongPasswordError(
                    f"the PostgreSQL of {self.cluster.data} refuses the password in {self.cluster.password_file}"
                ) from error
            return False
        return row is not None and Path(row[0]).resolve() == self.cluster.data.resolve()


@contextmanager
def temporary_postgres(options: Mapping[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """A throw-away server (no fsync) in a folder of its own under /tmp; both are gone afterwards. About 1 s."""
    home = Path(tempfile.mkdtemp(prefix="kestra-ee-test-", dir="/tmp"))
    home.chmod(0o711)  # ours alone, and the server's user has to pass through it
    server = EmbeddedPostgres(home, options=options, durable=False)
    try:
        server.start()
        yield server
    finally:
        server.stop(timeout=2)
        shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _says_ready(pid_file_lines: list[str]) -> bool:
    return len(pid_file_lines) >= 8 and pid_file_lines[7].startswith("ready")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_server_of(pid: int, data: Path) -> bool:
    """A live server names its data folder; a dead one that nobody has collected does not. Where there is no /proc a
    process with the number is believed."""
    if not Path("/proc/self/cmdline").exists():
        return _is_alive(pid)
    try:
        return os.fsencode(data.resolve()) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False
