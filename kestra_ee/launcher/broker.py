"""The embedded broker: Celery's pgmq transport in a database of its own, which may be thrown away at any time."""

from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from pgmq.install import get_embedded_sql_version, install_pgmq_from_sql
from psycopg import sql

from kestra_ee.launcher.errors import BrokerError

SUFFIX: Final = "_queue"


def transport_options(broker_url: str) -> dict[str, Any]:
    """Celery's broker_transport_options for a pgmq:// address: no extension to install, wake-ups by NOTIFY in place of
    polling. The address is repeated because the pgmq client would otherwise use DATABASE_URL of the environment, which
    it prefers to everything else it is told."""
    return {
        "conn_string": urlunsplit(urlsplit(broker_url)._replace(scheme="postgresql")),
        "init_extension": False,
        "use_notify": True,
        "notify_throttle_interval_ms": 0,
        "wait_time_seconds": 0,
    }


class EmbeddedBroker:
    """Message queues on the PostgreSQL server of `database_url`, in the database `<its name>_queue` beside it.

    Messages are only nudges, execution rows are the truth: the database is dropped and made again whenever it is not
    exactly what this version installs (the plain-SQL install has no upgrade).
    """

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._parts = parts._replace(scheme="postgresql")
        self.database = parts.path.lstrip("/") + SUFFIX

    @property
    def url(self) -> str:
        """What CELERY_BROKER_URL gets."""
        return urlunsplit(self._parts._replace(scheme="pgmq", path=f"/{self.database}", query=""))

    @property
    def database_url(self) -> str:
        return urlunsplit(self._parts._replace(path=f"/{self.database}"))

    def ensure(self) -> bool:
        """True when the queue database had to be made, or made again. Two connections or more."""
        made = self._installed_version() != get_embedded_sql_version()
        if made:
            self.reset()
        self._spare_the_disk()
        return made

    def reset(self) -> None:
        """Drop all queues with their messages and install anew (0.3 s). Whoever was connected has to reconnect."""
        name = sql.Identifier(self.database)
        try:
            with psycopg.connect(urlunsplit(self._parts), autocommit=True, connect_timeout=10) as connection:
                connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
                connection.execute(sql.SQL("create database {}").format(name))
        except psycopg.errors.InsufficientPrivilege as error:
            raise BrokerError(
                f"CELERY_BROKER_URL is not set and the user of DATABASE_URL may not create {self.database}"
            ) from error
        install_pgmq_from_sql(dsn=self.database_url)
        with psycopg.connect(self.database_url, autocommit=True, connect_timeout=10) as connection:
            # Written last: a database without this word was left half made.
            version = sql.Literal(_mark(get_embedded_sql_version()))
            connection.execute(sql.SQL("comment on database {} is {}").format(name, version))

    def _spare_the_disk(self) -> None:
        """A message is a nudge that may be lost: its commit does not wait for the disk. Rows of executions do."""
        with psycopg.connect(urlunsplit(self._parts), autocommit=True, connect_timeout=10) as connection:
            name = sql.Identifier(self.database)
            connection.execute(sql.SQL("alter database {} set synchronous_commit = off").format(name))

    def _installed_version(self) -> str:
        with psycopg.connect(urlunsplit(self._parts), autocommit=True, connect_timeout=10) as connection:
            row = connection.execute(
                "select shobj_description(oid, 'pg_database') from pg_database where datname = %s", [self.database]
            ).fetchone()
        mark = row[0] if row and row[0] else ""
        return mark.removeprefix(_mark("")) if mark.startswith(_mark("")) else ""


def _mark(version: str) -> str:
    return f"pgmq {version}"
