"""The embedded PostgreSQL: made on first use, started, adopted, stopped; for `make up` and for the tests."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from kestra_ee.launcher.errors import PostgresError, WrongPasswordError
from kestra_ee.launcher.parent_death import signal_when_parent_dies
from kestra_ee.launcher.postgres_binaries import PostgresBinaries, find_binaries, may_enter

USER: Final = "kestra"
ROOTS_DATA: Final = Path("/var/lib/kestra-ee")
LONGEST_SOCKET_DIR: Final = 107 - len("/.s.PGSQL.65535")
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
    processes holding `url()` survive a restart of the server. As root the server runs as `nobody` (PostgreSQL refuses
    uid 0); a folder that user cannot enter is left as it is, and the data goes to `roots_data` with a link in `home`.
    Start it from a thread that lives as long as it: the kernel stops the server when that thread ends.
    """

    def __init__(
        self,
        home: Path,
        *,
        options: Mapping[str, str] | None = None,
        durable: bool = True,
        roots_data: Path = ROOTS_DATA,
    ) -> None:
        self.home = home.resolve()
        self.port = 0
        self.adopted = False
        self._durable = durable
        self._options = {**DEFAULT_OPTIONS, **({} if durable else THROW_AWAY_OPTIONS), **(options or {})}
        self._roots_data = roots_data
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._socket_dir: Path | None = None
        self._log_start = 0
        self._binaries: PostgresBinaries | None = None

    # what it is

    @property
    def folder(self) -> Path:
        """Holds data, socket and copied binaries; may be a link (see the class)."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log_file(self) -> Path:
        return self.home / "logs" / "postgres.log"

    @property
    def password_file(self) -> Path:
        return self.home / "postgres.password"

    @property
    def version(self) -> str:
        return self._found_binaries().version

    @property
    def pid(self) -> int:
        """Of the running server, started or adopted; 0 when there is none."""
        return self._pid if self.is_running() else 0

    def url(self, database: str, scheme: str = "postgresql") -> str:
        return f"{scheme}://{USER}:{self._password()}@127.0.0.1:{self.port}/{database}"

    def is_running(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return self._pid > 0 and _is_alive(self._pid)

    # start

    def start(self, timeout: float = 30) -> None:
        """Ready when this returns: 1. make the cluster if there is none, 2. adopt a live server of this folder, or
        wait until it has gone, 3. start one and wait until it takes connections. A second call does nothing."""
        if self.is_running():
            return
        self._process, self._pid, self.adopted = None, 0, False
        self._prepare_folder()
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        deadline = time.monotonic() + timeout
        if not self.adopt(deadline):
            self._start_new(deadline)

    def adopt(self, deadline: float | None = None) -> bool:
        """Take over a server that already runs on this folder; True when it answers to our password.

        With a deadline waits for one that is starting or going; without, one look. A pid file whose process is gone
        (kill -9), or whose number now belongs to something else, is no obstacle.
        """
        while True:
            lines = self._pid_file_lines()
            pid = int(lines[0]) if lines and lines[0].isdigit() else 0
            if not pid:
                return False
            if not _is_server_of(pid, self.data):
                if deadline is not None and _is_alive(pid):  # a dead one's file is PostgreSQL's own business
                    (self.data / "postmaster.pid").unlink(missing_ok=True)
                return False
            if len(lines) >= 8 and lines[7].startswith("ready") and self._answers(int(lines[3])):
                self.port, self._pid, self.adopted = int(lines[3]), pid, True
                self._socket_dir = Path(lines[4]) if lines[4] else None
                return True
            if deadline is None:
                return False
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL (process {pid}) holds {self.data} but takes no connections")
            time.sleep(0.05)

    def _start_new(self, deadline: float) -> None:
        own_port = self.port
        while True:
            self.port = own_port or _free_port()
            self._process = self._spawn()
            self._pid = self._process.pid
            while self._process.poll() is None:
                lines = self._pid_file_lines()
                # After kill -9 the old file still says ready: only our own child's counts.
                if len(lines) >= 8 and lines[0] == str(self._pid) and lines[7].startswith("ready"):
                    return
                if time.monotonic() > deadline:
                    self.stop()
                    raise PostgresError(f"PostgreSQL was not ready in time, see {self.log_file}")
                time.sleep(0.01)
            self._process, self._pid = None, 0
            reason = self._last_complaint()
            # Backends of a killed server hold its memory for a second; another program may have taken the port.
            passing = "shared memory" in reason or "Address already in use" in reason or "could not bind" in reason
            if not passing or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start: {reason} (see {self.log_file})")
            time.sleep(0.2)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        socket_dir = self._make_socket_dir()
        command = [str(self._found_binaries().bin_dir / "postgres"), "-D", str(self.data.resolve())]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(socket_dir)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        with self._open_log() as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_plain_environment(),
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops this one last
                preexec_fn=signal_when_parent_dies(signal.SIGINT),  # noqa: PLW1509  # asks the kernel, nothing else
                **self._run_as(),
            )

    # stop

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
        if self._socket_dir and self._socket_dir.parent != self.folder.resolve():
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._socket_dir = None

    # databases

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

    # inside

    def _found_binaries(self) -> PostgresBinaries:
        if self._binaries is None:
            made_by = self.data / "PG_VERSION"
            binaries = find_binaries(int(made_by.read_text()) if made_by.exists() else None)
            owner = self._owner()
            if owner and not may_enter(binaries.bin_dir / "postgres", owner.pw_uid):
                if not binaries.from_wheel:
                    raise PostgresError(f"{binaries.bin_dir} cannot be entered by the user {owner.pw_name}")
                binaries = binaries.copy_to(self.folder / "binaries")
            self._binaries = binaries
        return self._binaries

    def _owner(self) -> pwd.struct_passwd | None:
        """Whom the server runs as when we are root; None: ourselves."""
        if os.geteuid() != 0:
            return None
        if self.data.exists() and self.data.stat().st_uid != 0:
            return pwd.getpwuid(self.data.stat().st_uid)
        return pwd.getpwnam("nobody")

    def _run_as(self) -> dict[str, Any]:
        owner = self._owner()
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}

    def _give_to_owner(self, path: Path) -> None:
        owner = self._owner()
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _prepare_folder(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(mode=0o700, exist_ok=True)
        owner = self._owner()
        if not self.folder.exists():
            if self.folder.is_symlink():
                raise PostgresError(f"{self.folder} points to {self.folder.readlink()}, which is gone")
            if owner and not may_enter(self.folder, owner.pw_uid):
                place = self._roots_data / secrets.token_hex(6)
                place.mkdir(parents=True, mode=0o711)
                self.folder.symlink_to(place)
            else:
                self.folder.mkdir()
        if owner:
            self.folder.chmod(0o711)

    def _password(self) -> str:
        if not self.password_file.exists():
            if self.data.exists():
                raise WrongPasswordError(f"{self.password_file} is missing: the database cannot be entered without it")
            descriptor = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(24))
        return self.password_file.read_text().strip()

    def _initdb(self) -> None:
        """Into a folder beside, renamed when complete: an interrupted initdb leaves nothing half made."""
        unfinished = self.folder / "data.unfinished"
        password_copy = self.folder / "password.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_copy.unlink(missing_ok=True)
        unfinished.mkdir(mode=0o700)
        self._give_to_owner(unfinished)
        password_copy.touch(mode=0o600)
        password_copy.write_text(self._password())
        self._give_to_owner(password_copy)
        command = [str(self._found_binaries().bin_dir / "initdb"), "-D", str(unfinished.resolve()), "-U", USER]
        command += ["--auth=scram-sha-256", f"--pwfile={password_copy.resolve()}", "--no-instructions"]
        command += ["--locale=C.UTF-8", "-E", "UTF8"]
        command += [] if self._durable else ["--no-sync"]
        try:
            made = subprocess.run(
                command,
                capture_output=True,
                text=True,
                cwd="/",
                env=_plain_environment(),
                check=False,
                **self._run_as(),
            )
        finally:
            password_copy.unlink()
        if made.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            lines = [line for line in made.stderr.splitlines() if "error" in line or "FATAL" in line]
            raise PostgresError(f"initdb failed: {(lines or made.stderr.splitlines() or ['no message'])[-1].strip()}")
        unfinished.rename(self.data)

    def _make_socket_dir(self) -> Path:
        if self._socket_dir is None or not self._socket_dir.is_dir():
            beside = self.folder.resolve() / "socket"
            if len(os.fsencode(beside)) <= LONGEST_SOCKET_DIR:
                beside.mkdir(mode=0o700, exist_ok=True)
                self._socket_dir = beside
            else:
                self._socket_dir = Path(tempfile.mkdtemp(prefix="kestra-ee-", dir="/tmp"))
            self._give_to_owner(self._socket_dir)
        return self._socket_dir

    def _open_log(self) -> Any:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_KEPT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        log = self.log_file.open("ab")
        self._log_start = log.seek(0, os.SEEK_END)
        return log

    def _last_complaint(self) -> str:
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        serious = [line for line in lines if "FATAL" in line or "PANIC" in line or "could not" in line]
        return " ".join(line.strip() for line in (serious or lines or ["no message"])[-3:])

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _answers(self, port: int) -> bool:
        """Whether the server on this port is ours; raises when it is but refuses the password."""
        url = f"postgresql://{USER}:{self._password()}@127.0.0.1:{port}/postgres"
        try:
            with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
                row = connection.execute("show data_directory").fetchone()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise WrongPasswordError(
                    f"the PostgreSQL of {self.data} refuses the password in {self.password_file}"
                ) from error
            return False
        return row is not None and Path(row[0]).resolve() == self.data.resolve()


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


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_server_of(pid: int, data: Path) -> bool:
    """A live server names its data folder; where there is no /proc, a live process with the number is believed."""
    if not Path("/proc/self/cmdline").exists():
        return _is_alive(pid)
    try:
        return os.fsencode(data.resolve()) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False


def _plain_environment() -> dict[str, str]:
    """No PG* variable of the caller may change the server, no locale its messages (they are read)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C.UTF-8"}
