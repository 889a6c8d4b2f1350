"""How a PostgreSQL is reached: the JDBC url, sign-in, TLS."""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.jdbc_url import JdbcUrl, parse_jdbc_url
from apps.workflows.builtin_plugins.jdbc.postgresql.connection import PostgresConnection
from apps.workflows.builtin_plugins.jdbc.query_task import ConnectionProperties
from apps.workflows.builtin_plugins.jdbc.zone import zone_of
from apps.workflows.expressions.temporal import offset_text
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level

PORT = 5432
# Of the parameters of Java's driver those that libpq knows too, by their name there.
_KNOWN = {
    "sslmode": "sslmode",
    "connectTimeout": "connect_timeout",
    "ApplicationName": "application_name",
    "options": "options",
    "gssEncMode": "gssencmode",
    "channelBinding": "channel_binding",
}
_TARGETS = {
    "primary": "primary",
    "master": "primary",
    "any": "any",
    "secondary": "standby",
    "slave": "standby",
    "preferSecondary": "prefer-standby",
    "preferSlave": "prefer-standby",
}
_CONNECT_SECONDS = "10"


class SslMode(StrEnum):
    """How far TLS is wanted and the server's certificate checked."""

    DISABLE = "DISABLE"
    ALLOW = "ALLOW"
    PREFER = "PREFER"
    REQUIRE = "REQUIRE"
    VERIFY_CA = "VERIFY_CA"
    VERIFY_FULL = "VERIFY_FULL"


class PostgresProperties(ConnectionProperties):
    """How a PostgreSQL is reached."""

    ssl: bool = Field(default=False, title="Whether TLS is wanted; checked in full unless `sslMode` says otherwise.")
    ssl_mode: SslMode | None = Field(default=None, title="How far TLS is wanted and the certificate checked.")
    ssl_root_cert: str | None = Field(default=None, title="Certificate of the authority, PEM; rendered.")
    ssl_cert: str | None = Field(default=None, title="Certificate of the user, PEM; rendered.")
    ssl_key: str | None = Field(default=None, title="Key of the user's certificate, PEM; rendered.")
    ssl_key_password: str | None = Field(default=None, title="Password of that key; rendered.")

    def connect(self, context: RunContext) -> PostgresConnection:
        """See ConnectionProperties."""
        url = parse_jdbc_url(context.render(self.url), ("postgresql", "postgres"))
        # libpq reads certificates from files alone, while it connects.
        with tempfile.TemporaryDirectory(prefix="kestra-tls-") as folder:
            parameters = self._address(context, url) | self._tls(context, url, Path(folder))
            zone = zone_of(context, self.time_zone_id)
            return PostgresConnection(
                parameters,
                zone=zone,
                time_zone=_zone_name(zone),
                search_path=url.parameters.get("currentSchema"),
            )

    def _address(self, context: RunContext, url: JdbcUrl) -> dict[str, str]:
        user = url.parameters.get("user", "") if self.username is None else context.render(self.username)
        password = url.parameters.get("password", "") if self.password is None else context.render(self.password)
        made = {
            "host": ",".join(host for host, _ in url.hosts),
            "port": ",".join(str(port or PORT) for _, port in url.hosts),
            "user": user,
            "password": password,
            "dbname": url.database or user,
            "client_encoding": "utf8",
            "application_name": "kestra",
            "connect_timeout": _CONNECT_SECONDS,
            # The worker's own sign-in (environment, password file) is not the flow's.
            "passfile": os.devnull,
        }
        made |= {theirs: url.parameters[name] for name, theirs in _KNOWN.items() if name in url.parameters}
        if target := _TARGETS.get(url.parameters.get("targetServerType", "")):
            made["target_session_attrs"] = target
        if url.parameters.get("loadBalanceHosts") == "true":
            made["load_balance_hosts"] = "random"
        handled = {*_KNOWN, "user", "password", "currentSchema", "ssl", "targetServerType", "loadBalanceHosts"}
        if ignored := sorted(set(url.parameters) - handled):
            context.log(Level.DEBUG, f"Parameters of `url` that mean nothing here: {', '.join(ignored)}")
        return made

    def _tls(self, context: RunContext, url: JdbcUrl, folder: Path) -> dict[str, str]:
        made: dict[str, str] = {}
        if self.ssl_mode is not None:
            made["sslmode"] = self.ssl_mode.value.lower().replace("_", "-")
        elif (self.ssl or url.parameters.get("ssl") in ("", "true")) and "sslmode" not in url.parameters:
            made["sslmode"] = "verify-full"
        texts = {"sslrootcert": self.ssl_root_cert, "sslcert": self.ssl_cert, "sslkey": self.ssl_key}
        for name, text in texts.items():
            if text is not None:
                file = folder / name
                with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
                    written.write(context.render(text))
                made[name] = str(file)
            else:
                # Else those of the user that the worker runs as would be taken.
                made[name] = ""
        if self.ssl_key_password is not None:
            made["sslpassword"] = context.render(self.ssl_key_password)
        mode = made.get("sslmode", url.parameters.get("sslmode"))
        if not made["sslrootcert"] and mode in ("verify-ca", "verify-full"):
            if mode == "verify-ca":
                raise TaskFailed("`sslMode: VERIFY_CA` needs `sslRootCert`, the certificate of the authority")
            made["sslrootcert"] = "system"
        return made


def _zone_name(zone: tzinfo) -> str:
    """The zone as PostgreSQL names it: it reads the sign of a bare offset the other way round."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    ahead = int((zone.utcoffset(None) or timedelta()).total_seconds())
    name, west = offset_text(ahead, zero=""), offset_text(-ahead, zero="")
    return f"<{name}>{west}"
