"""An OpenID Connect provider in a process of its own: discovery, code flow, signed tokens, keys, user info."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Provider:
    """`issuer` is its address."""

    issuer: str

    def sign_in(self, address: str, subject: str) -> str:
        """What a person does there, who was sent to `address`; the address it sends the browser back to."""
        with httpx.Client(timeout=60) as browser:
            page = browser.get(address)
            page.raise_for_status()
            assert re.search(r"<form", page.text), "there is a form to sign in"
            sent = browser.post(address, data={"sub": subject})
        assert sent.status_code == 302, sent.text[:500]
        return sent.headers["Location"]

    def deny(self, address: str) -> str:
        """The person goes back without signing in."""
        sent = httpx.post(address, data={"action": "deny"}, timeout=60)
        assert sent.status_code == 302, sent.text[:500]
        return sent.headers["Location"]


@contextmanager
def started_provider(people: list[dict[str, Any]]) -> Iterator[Provider]:
    """With these people, each a map of claims with `sub`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = [argument for person in people for argument in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *known]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=5).raise_for_status()
                break
            except httpx.TransportError:
                assert process.poll() is None, "the provider ended at once"
                assert time.monotonic() < deadline, "the provider was not ready in time"
                time.sleep(0.05)  # polled until the deadline
        yield Provider(issuer)
    finally:
        process.terminate()
        process.wait(20)
