"""Database and broker: the embedded ones, or those the environment names; and the environment of all that uses them."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from kestra_ee.launcher import console
from kestra_ee.launcher.broker import EmbeddedBroker
from kestra_ee.launcher.console import Stopwatch
from kestra_ee.launcher.errors import LauncherError
from kestra_ee.launcher.keys import load_keys
from kestra_ee.launcher.options import LaunchOptions
from kestra_ee.launcher.postgres import EmbeddedPostgres

DATABASE: Final = "kestra_ee"
_BROKER_PORTS: Final = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "pgmq": 5432}


@dataclass(frozen=True)
class Services:
    """What runs now. `postgres` is None when the database is not ours; `fresh`: the database was empty or may be."""

    environment: dict[str, str]
    postgres: EmbeddedPostgres | None
    fresh: bool


@contextmanager
def running_services(options: LaunchOptions, *, quiet: bool = False) -> Iterator[Services]:
    """Start what is needed, stop at the end what was started. The caller holds the lock of the data folder."""
    say = _say_nothing if quiet else console.say
    if options.database_url:
        _check_database(options.database_url)
        yield _with_broker(options, options.database_url, None, say, fresh=True)
        return
    postgres = EmbeddedPostgres(options.home)
    watch = Stopwatch()
    if not postgres.cluster.exists:
        say("Creating the database, once ...")
    try:
        postgres.start()
        say(f"PostgreSQL {postgres.version} {'found running' if postgres.adopted else 'started'} in {watch}")
        fresh = postgres.create_database(DATABASE)
        yield _with_broker(options, postgres.url(DATABASE), postgres, say, fresh=fresh)
    finally:
        postgres.stop()


def running_elsewhere(options: LaunchOptions) -> Services:
    """The services of the instance that holds the data folder's lock now."""
    if options.database_url:
        return _with_broker(options, options.database_url, None, _say_nothing, fresh=True)
    postgres = EmbeddedPostgres(options.home)
    if not postgres.adopt():
        raise LauncherError(f"the instance in {options.home} is starting or stopping; try again in a moment")
    broker_url = options.broker_url or EmbeddedBroker(postgres.url(DATABASE)).url
    return Services(_environment(options, postgres.url(DATABASE), broker_url), postgres, fresh=False)


def _with_broker(
    options: LaunchOptions,
    database_url: str,
    postgres: EmbeddedPostgres | None,
    say: Callable[[str], None],
    *,
    fresh: bool,
) -> Services:
    broker_url = options.broker_url
    if broker_url:
        _check_broker(broker_url)
    else:
        broker = EmbeddedBroker(database_url)
        if broker.ensure():
            say("Message queue created")
        broker_url = broker.url
    return Services(_environment(options, database_url, broker_url), postgres, fresh)


def _environment(options: LaunchOptions, database_url: str, broker_url: str) -> dict[str, str]:
    bin_dir = Path(sys.executable).parent
    environment = {
        **os.environ,
        **load_keys(options.home, os.environ),
        "PATH": f"{bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "DJANGO_SETTINGS_MODULE": "kestra_ee.settings",
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
        "KESTRA_EE_HOME": str(options.home),
        "KESTRA_EE_URL": options.public_url,
        "PYTHONUNBUFFERED": "1",
    }
    if options.for_everyone and not options.url:
        # Who listens on every address without saying by which name is called by any.
        environment.setdefault("KESTRA_EE_ALLOWED_HOSTS", "*")
    return environment


def _check_database(url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        raise LauncherError(f"DATABASE_URL cannot be used: {_first_line(error)}") from error


def _check_broker(url: str) -> None:
    """Only whether something listens there: a broker's library is slow to load and its processes say the rest."""
    parts = urlsplit(url)
    port = parts.port or _BROKER_PORTS.get(parts.scheme.split("+")[0])
    if not parts.hostname or not port:
        return
    try:
        socket.create_connection((parts.hostname, port), timeout=10).close()
    except OSError as error:
        raise LauncherError(f"CELERY_BROKER_URL cannot be reached ({parts.hostname}:{port}): {error}") from error


def _say_nothing(text: str) -> None:
    """A command's own output is all that is wanted."""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
