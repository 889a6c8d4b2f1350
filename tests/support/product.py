"""The whole product as `kestra-ee up` starts it, in a folder of its own, for tests and benches."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

EMAIL, PASSWORD = "admin@kestra.local", "Admin-1234"
COMMAND = Path(sys.executable).with_name("kestra-ee")


@dataclass
class Server:
    """Where to send requests, and the database behind it (None: not ours to ask)."""

    client: httpx.Client
    database_url: str | None
    home: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    credentials: tuple[str, str] = (EMAIL, PASSWORD)


@contextmanager
def started(home: Path, **extra: str) -> Iterator[Server]:
    """A server of our own under a folder; ready when this yields."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KESTRA_", "DATABASE_"))}
    environment |= {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "KESTRA_EE_HOME": str(home / "home"),
        "KESTRA_EE_ADMIN_EMAIL": EMAIL,
        "KESTRA_EE_ADMIN_PASSWORD": PASSWORD,
        **extra,
    }
    log = (home / "server.log").open("wb")
    process = subprocess.Popen([COMMAND, "up"], env=environment, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, url, home)
        asked = subprocess.run(
            [COMMAND, "exec", "--", "printenv", "DATABASE_URL"], env=environment, capture_output=True, text=True
        )
        database_url = asked.stdout.strip().splitlines()[-1] if asked.returncode == 0 and asked.stdout.strip() else None
        with httpx.Client(base_url=url, auth=(EMAIL, PASSWORD), timeout=120) as client:
            yield Server(client, database_url, home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, home: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended at once:\n{(home / 'server.log').read_text()[-4000:]}")
        try:
            if httpx.get(f"{url}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not yet listening
        time.sleep(0.1)  # polled until the deadline
    raise RuntimeError(f"The server was not ready in time:\n{(home / 'server.log').read_text()[-4000:]}")
