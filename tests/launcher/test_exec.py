"""`kestra-ee exec`: a command with the product's environment, and the files of a data folder."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from kestra_ee.launcher.bootstrap import generate_password
from kestra_ee.launcher.keys import load_keys
from kestra_ee.launcher.lock import HomeLock
from kestra_ee.launcher.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def used_home(throw_away: EmbeddedPostgres) -> Path:
    """A data folder that several tests may use, one after another."""
    folder = throw_away.cluster.home / "used"
    folder.mkdir(mode=0o711)
    return folder


def run_exec(home: Path, *command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "KESTRA_EE_HOME": str(home)}
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "KESTRA_EE_SECRET_KEY", "KESTRA_EE_MASTER_KEY"):
        environment.pop(name, None)
    environment |= settings
    return subprocess.run(
        [sys.executable, "-m", "kestra_ee.cli", "exec", "--", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_starts_what_is_needed_and_passes_on_output_and_exit_code(used_home: Path) -> None:
    done = run_exec(
        used_home, "sh", "-c", "echo $DATABASE_URL; echo $CELERY_BROKER_URL; echo $DJANGO_SETTINGS_MODULE; exit 7"
    )
    assert done.returncode == 7
    database, broker, module = done.stdout.splitlines()
    assert database.startswith("postgresql://kestra:")
    assert database.endswith("/kestra_ee")
    assert broker.startswith("pgmq://kestra:")
    assert broker.endswith("/kestra_ee_queue")
    assert module == "kestra_ee.settings"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database)


def test_uses_an_instance_that_runs(used_home: Path) -> None:
    server = EmbeddedPostgres(used_home)
    with HomeLock(used_home):
        server.start()
        try:
            done = run_exec(used_home, "printenv", "DATABASE_URL")
            assert done.stdout.strip() == server.url("kestra_ee")
            assert server.is_running()
        finally:
            server.stop()


def test_given_services_are_used_and_none_is_started(home: Path, throw_away: EmbeddedPostgres) -> None:
    throw_away.create_database("given")
    url = throw_away.url("given")
    done = run_exec(home, "sh", "-c", "echo $DATABASE_URL $CELERY_BROKER_URL", DATABASE_URL=url)
    assert done.stdout.split() == [url, throw_away.url("given_queue", scheme="pgmq")]
    broker = f"redis://127.0.0.1:{throw_away.port}/0"  # something listens there, which is all that is looked at
    done = run_exec(home, "printenv", "CELERY_BROKER_URL", DATABASE_URL=url, CELERY_BROKER_URL=broker)
    assert done.stdout.strip() == broker
    assert not (home / "postgres").exists()


def test_a_broker_that_is_not_there_is_one_line(home: Path, throw_away: EmbeddedPostgres) -> None:
    url = throw_away.url("postgres")
    done = run_exec(home, "true", DATABASE_URL=url, CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert done.stderr.startswith("kestra-ee: CELERY_BROKER_URL cannot be reached (127.0.0.1:1)")


def test_an_unknown_command_is_one_line(used_home: Path) -> None:
    done = run_exec(used_home, "no-such-program")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["kestra-ee: no-such-program cannot be run: No such file or directory"]


def test_keys_are_made_once_for_their_owner_only(home: Path) -> None:
    keys = load_keys(home, {})
    assert load_keys(home, {}) == keys
    assert len(base64.b64decode(keys["KESTRA_EE_MASTER_KEY"])) == 32
    for name in ("secret.key", "master.key"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_given_keys_are_not_stored(home: Path) -> None:
    given = {"KESTRA_EE_SECRET_KEY": "a", "KESTRA_EE_MASTER_KEY": "b"}
    assert load_keys(home, given) == given
    assert not list(home.iterdir())


def test_a_generated_password_has_every_kind_of_character() -> None:
    for _ in range(50):
        password = generate_password()
        assert len(password) == 16
        assert password != generate_password()
        assert any(map(str.islower, password))
        assert any(map(str.isupper, password))
        assert any(map(str.isdigit, password))
