"""How a MySQL or MariaDB is reached: the JDBC url, sign-in, TLS."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import certifi
from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.jdbc_url import JdbcUrl, parse_jdbc_url
from apps.workflows.builtin_plugins.jdbc.mysql.connection import MySqlConnection
from apps.workflows.builtin_plugins.jdbc.query_task import ConnectionProperties
from apps.workflows.builtin_plugins.jdbc.zone import zone_of
from apps.workflows.builtin_plugins.working_files import fetch
from apps.workflows.expressions.temporal import zone_id
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level

PORT = 3306
_HANDLED = frozenset(
    {"user", "password", "useSSL", "requireSSL", "verifyServerCertificate", "sslMode", "connectTimeout",
     "socketTimeout", "sessionVariables"}
)  # fmt: skip


class MySqlProperties(ConnectionProperties):
    """How a MySQL or MariaDB is reached."""

    def connect(self, context: RunContext) -> MySqlConnection:
        """See ConnectionProperties."""
        return self.connection(context, folder=None)

    def connection(self, context: RunContext, folder: Path | None) -> MySqlConnection:
        """A connection; files of ``folder`` may be loaded through it."""
        url = parse_jdbc_url(context.render(self.url), ("mysql", "mariadb"))
        if ignored := sorted(set(url.parameters) - _HANDLED):
            context.log(Level.DEBUG, f"Parameters of `url` that mean nothing here: {', '.join(ignored)}")
        zone = None
        if self.time_zone_id is not None:
            now = context.now().astimezone(zone_of(context, self.time_zone_id))
            zone = "+00:00" if zone_id(now) in ("Z", "UTC") else zone_id(now)
        arguments = self._arguments(context, url)
        failure: TaskFailed | None = None
        for host, port in url.hosts:
            try:
                return MySqlConnection({**arguments, "host": host, "port": port or PORT}, time_zone=zone, folder=folder)
            except TaskFailed as error:
                failure = failure or error
        raise failure or TaskFailed("`url` names no host")

    def _arguments(self, context: RunContext, url: JdbcUrl) -> dict[str, Any]:
        given = url.parameters
        user = given.get("user", "") if self.username is None else context.render(self.username)
        password = given.get("password", "") if self.password is None else context.render(self.password)
        made: dict[str, Any] = {
            "user": user,
            "password": password,
            "database": url.database or None,
            "charset": "utf8mb4",
            "connect_timeout": max(1, _millis(given.get("connectTimeout", "10000")) // 1000),
            "program_name": "kestra",
        }
        if (read := _millis(given.get("socketTimeout", "0"))) > 0:
            made |= {"read_timeout": max(1, read // 1000), "write_timeout": max(1, read // 1000)}
        if variables := given.get("sessionVariables"):
            made["init_command"] = f"SET SESSION {variables}"
        return made | _tls(given)


def _tls(given: dict[str, str]) -> dict[str, Any]:
    mode = given.get("sslMode", "").upper()
    if not mode and given.get("useSSL") == "true":
        checked = given.get("verifyServerCertificate") == "true"
        mode = "VERIFY_CA" if checked else ("REQUIRED" if given.get("requireSSL") == "true" else "PREFERRED")
    if mode == "DISABLED" or (not mode and given.get("useSSL") == "false"):
        return {"ssl_disabled": True}
    if mode in ("", "PREFERRED"):
        return {}
    found = ssl.create_default_context()
    found.load_verify_locations(cafile=certifi.where())
    if mode not in ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"):
        raise TaskFailed(
            f"`sslMode={mode}` in `url` is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY"
        )
    found.check_hostname = mode == "VERIFY_IDENTITY"
    if mode == "REQUIRED":
        found.verify_mode = ssl.CERT_NONE
    return {"ssl": found}


def _millis(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise TaskFailed(f"`{text}` in `url` is no number of milliseconds") from error


class LoadingProperties(MySqlProperties):
    """A MySQL whose SQL may load a file of internal storage."""

    input_file: str | None = Field(
        default=None, title="The address of a file; the SQL names its copy `{{ inputFile }}`; rendered."
    )

    def connect(self, context: RunContext) -> MySqlConnection:
        """See ConnectionProperties."""
        return self.connection(context, folder=None if self.input_file is None else context.working_directory())

    def sql_variables(self, context: RunContext) -> Mapping[str, Any]:
        """See QueryProperties."""
        if self.input_file is None:
            return {}
        target = context.working_directory() / f"input-{context.task_run_id}"
        fetch(context, context.render(self.input_file).strip(), target)
        return {"inputFile": str(target)}
