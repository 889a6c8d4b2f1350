"""The embedded PostgreSQL with real servers: start, adopt, kill, passwords, owners."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from kestra_ee.launcher.errors import PostgresError, WrongPasswordError
from kestra_ee.launcher.postgres import EmbeddedPostgres
from kestra_ee.launcher.postgres_binaries import PostgresBinaries, find_binaries

Eventually = Callable[..., None]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about giving up root")


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    yield server
    server.stop(timeout=2)


def test_starts_with_utf8_and_the_tuned_options(throw_away: EmbeddedPostgres) -> None:
    with throw_away.connect() as connection:
        row = connection.execute(
            "select current_setting('server_encoding'), current_setting('random_page_cost'), current_setting('jit'),"
            " (select datcollate from pg_database where datname = 'postgres')"
        ).fetchone()
    assert row == ("UTF8", "1.1", "off", "C.UTF-8")


def test_creates_a_database_once(throw_away: EmbeddedPostgres) -> None:
    assert throw_away.create_database("kestra_ee")
    assert not throw_away.create_database("kestra_ee")
    throw_away.drop_database("kestra_ee")
    assert throw_away.create_database("kestra_ee")


def test_refuses_a_wrong_password(throw_away: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://kestra:wrong@127.0.0.1:{throw_away.port}/postgres")


def test_the_password_is_for_its_owner_only(throw_away: EmbeddedPostgres) -> None:
    assert stat.S_IMODE(throw_away.cluster.password_file.stat().st_mode) == 0o600
    assert not (throw_away.cluster.folder / "password.unfinished").exists()


def test_stops_cleanly_and_keeps_data_and_port(server: EmbeddedPostgres) -> None:
    server.create_database("kept")
    port = server.port
    server.stop()
    assert not server.is_running()
    assert not (server.cluster.data / "postmaster.pid").exists()
    server.start()
    assert server.port == port
    assert not server.create_database("kept")


def test_a_second_start_of_a_live_server_adopts_it(server: EmbeddedPostgres) -> None:
    other = EmbeddedPostgres(server.cluster.home, durable=False)
    other.start()
    assert other.adopted
    assert (other.pid, other.port) == (server.pid, server.port)
    other.stop()
    deadline = time.monotonic() + 5
    while server.is_running():  # the server's own parent has to notice
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_does_not_adopt_a_server_that_refuses_its_password(server: EmbeddedPostgres) -> None:
    server.cluster.password_file.write_text("changed")
    with pytest.raises(WrongPasswordError, match=r"refuses the password in .*postgres\.password"):
        EmbeddedPostgres(server.cluster.home, durable=False).start()
    assert server.is_running()


def test_recovers_after_kill_9_with_committed_rows(home: Path, eventually: Eventually) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    with server.connect() as connection:
        connection.execute("create table kept as select generate_series(1, 300) as n")
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: not server.is_running())
    server.start()  # the old pid file says "ready", the old processes may still hold the memory
    try:
        with server.connect() as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (300,)
    finally:
        server.stop()


def test_a_pid_file_whose_number_belongs_to_another_process_is_no_obstacle(server: EmbeddedPostgres) -> None:
    pid_file = server.cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    if os.geteuid() == 0:
        os.chown(pid_file, server.cluster.data.stat().st_uid, -1)
    server.start()
    assert server.is_running()
    assert not server.adopted


def test_a_port_taken_meanwhile_is_waited_for_and_told(server: EmbeddedPostgres) -> None:
    server.stop()
    with socket.create_server(("127.0.0.1", server.port)), pytest.raises(PostgresError, match="did not start"):
        server.start(timeout=3)
    server.start()
    assert server.is_running()


def test_an_interrupted_initdb_leaves_nothing_half_made(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False)
    half_made = home / "postgres" / "data.unfinished"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("15")
    server.start()
    try:
        assert not half_made.exists()
    finally:
        server.stop()


def test_ends_when_its_starter_is_killed(home: Path, eventually: Eventually, is_alive: Callable[[int], bool]) -> None:
    script = (
        "import sys, time; from pathlib import Path; from kestra_ee.launcher.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]), durable=False); server.start()\n"
        "print(server.pid, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.communicate()
    eventually(lambda: not is_alive(pid))
    again = EmbeddedPostgres(home, durable=False)
    again.start()
    assert again.is_running()
    again.stop()


@as_root
def test_as_root_the_server_runs_as_another_user(throw_away: EmbeddedPostgres) -> None:
    assert Path(f"/proc/{throw_away.pid}").stat().st_uid != 0


@as_root
def test_a_home_the_other_user_cannot_enter_is_left_alone(home: Path) -> None:
    """A checkout under /root: its rights stay, the data goes elsewhere, behind a link."""
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = home / "elsewhere"
    server = EmbeddedPostgres(closed / "home", durable=False, roots_data=elsewhere)
    server.start()
    try:
        assert server.create_database("reachable")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert server.cluster.folder.resolve().parent == elsewhere
    finally:
        server.stop()
    again = EmbeddedPostgres(closed / "home", durable=False, roots_data=elsewhere)
    again.start()
    try:
        assert not again.create_database("reachable")
    finally:
        again.stop()


@as_root
def test_neither_home_nor_binaries_can_be_entered(
    home: Path, throw_away_wheel: PostgresBinaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkout and virtual environment under /root, and no PostgreSQL on the machine."""
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    binaries = throw_away_wheel.copy_to(closed)
    monkeypatch.setattr("kestra_ee.launcher.postgres_cluster.find_binaries", lambda major: binaries)
    elsewhere = home / "elsewhere"
    server = EmbeddedPostgres(closed / "home", durable=False, roots_data=elsewhere)
    server.start()
    try:
        assert server.cluster.binaries().bin_dir.is_relative_to(elsewhere)
        assert server.create_database("works")
    finally:
        server.stop()


@pytest.fixture
def throw_away_wheel(monkeypatch: pytest.MonkeyPatch) -> PostgresBinaries:
    """The wheel's binaries, also on a machine with a system PostgreSQL."""
    monkeypatch.setattr("kestra_ee.launcher.postgres_binaries.shutil.which", lambda name: None)
    monkeypatch.setattr("kestra_ee.launcher.postgres_binaries.SYSTEM", Path("/nonexistent"))
    return find_binaries()


def test_the_wheel_is_used_when_nothing_else_is_there(throw_away_wheel: PostgresBinaries) -> None:
    assert throw_away_wheel.from_wheel
    assert throw_away_wheel.major >= 16


def test_a_folder_named_by_the_environment_is_used_alone(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("KESTRA_EE_POSTGRES_BIN", str(home))
    with pytest.raises(PostgresError, match=r"PostgreSQL 15 or newer is needed, found .*not usable"):
        find_binaries()


def test_data_of_another_version_is_told_not_touched(server: EmbeddedPostgres) -> None:
    server.stop()
    version = server.cluster.data / "PG_VERSION"
    version.write_text("99\n")
    with pytest.raises(PostgresError, match=r"PostgreSQL 99 \(the data folder was made by it\) is needed"):
        EmbeddedPostgres(server.cluster.home).start()
