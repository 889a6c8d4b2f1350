"""Asks the web process whether it answers."""

import http.client
from contextlib import closing, suppress


def answers(host: str, port: int, *, name: str, timeout: float = 2) -> bool:
    """True at a 200, when called by `name` (the Host header). At once False when nothing listens; waits `timeout` for
    one that listens and is still loading."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    with closing(connection), suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health", headers={"Host": name})
        return connection.getresponse().status == 200
    return False
