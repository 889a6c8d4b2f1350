"""JdbcUrl: the address of a database as Java's drivers write it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from apps.workflows.plugin_api.errors import TaskFailed

_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:/\[\]]*)(?::(?P<port>\d{1,5}))?")
_UNSAFE_HOST = re.compile(r"[/\\@\s,]|^\.")


@dataclass(frozen=True, slots=True)
class JdbcUrl:
    """``jdbc:<kind>://<host>:<port>/<database>?<parameters>``; several hosts are tried in order."""

    kind: str
    hosts: tuple[tuple[str, int | None], ...]
    database: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_jdbc_url(text: str, kinds: tuple[str, ...]) -> JdbcUrl:
    """A url of one of the kinds, for a database behind a network. TaskFailed, without what may be secret in it."""
    kind, rest = after_kind(text, kinds)
    address, _, query = rest.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    if not address.startswith("//"):
        return JdbcUrl(kind, (("localhost", None),), unquote(address.strip("/")), parameters)
    hosts_text, _, database = address[2:].partition("/")
    user, at, hosts_text = hosts_text.rpartition("@")
    if at:
        name, colon, password = user.partition(":")
        parameters.setdefault("user", unquote(name))
        if colon:
            parameters.setdefault("password", unquote(password))
    hosts = tuple(_host(part) for part in hosts_text.split(","))
    return JdbcUrl(kind, hosts, unquote(database), parameters)


def after_kind(text: str, kinds: tuple[str, ...]) -> tuple[str, str]:
    """The kind of database a url names, and what follows it. TaskFailed for another kind."""
    stripped = text.strip()
    for kind in kinds:
        if stripped.startswith(f"jdbc:{kind}:"):
            return kind, stripped.removeprefix(f"jdbc:{kind}:")
    shown = " or ".join(f"`jdbc:{kind}:…`" for kind in kinds)
    given = ":".join(stripped.split(":", 2)[:2]) if stripped.startswith("jdbc:") else stripped.partition(":")[0]
    raise TaskFailed(f"`url` begins with `{given[:40]}`, but must be {shown}")


def _host(text: str) -> tuple[str, int | None]:
    found = _HOST.fullmatch(text)
    if found is None:
        raise TaskFailed("`url` names no host, write it as in jdbc:postgresql://host:5432/database")
    host = unquote(found["host"]).strip("[]") or "localhost"
    port = None if found["port"] is None else int(found["port"])
    # A path would be a socket of the worker's own machine.
    if _UNSAFE_HOST.search(host) or (port is not None and not 0 < port < 65536):
        raise TaskFailed("`url` names no host that can be reached, write it as in jdbc:postgresql://host:5432/database")
    return host, port
