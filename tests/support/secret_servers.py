"""Servers of our own that speak the REST contracts of Azure Key Vault and Google Secret Manager, as far as is used.

They are no emulators by others: what they do is what the services' documentation says, so a test against them shows
that both sides agree on it, and no more. Of Azure also the sign-in service; all of it over TLS, which its library
insists on.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLIENT: Final = {"tenantId": "11111111-1111-4111-8111-111111111111", "clientId": "an-application",
                 "clientSecret": "the-secret-of-the-application"}  # fmt: skip
AZURE_PAGE: Final = 3
GOOGLE_PAGE: Final = 2
"""Small, so that lists have several pages."""


class _Handler(BaseHTTPRequestHandler):
    """JSON in, JSON out."""

    protocol_version = "HTTP/1.1"
    calls: ClassVar[list[str]]
    base: str

    def log_message(self, *args: Any) -> None:
        """Nothing: the tests look at what came back."""

    def do_GET(self) -> None:
        """Any method."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.calls.append(f"{self.command} {parts.path}")
        form = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        given = parse_qs(body.decode()) if form else json.loads(body) if body else {}
        status, answer, headers = self.answer(self.command, unquote(parts.path), query, given)
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  names of the base class

    def answer(
        self, method: str, path: str, query: dict[str, str], given: Any
    ) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        raise NotImplementedError


class _KeyVault(_Handler):
    """Names without case; versions; soft delete with purge and recovery; a token of the sign-in service is required."""

    secrets: ClassVar[dict[str, dict[str, Any]]]
    deleted: ClassVar[dict[str, dict[str, Any]]]
    may_purge: ClassVar[list[bool]]

    def answer(
        self, method: str, path: str, query: dict[str, str], given: Any
    ) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        if path.endswith("/.well-known/openid-configuration"):
            tenant = f"{self.base}/{CLIENT['tenantId']}"
            return 200, {"token_endpoint": f"{tenant}/oauth2/v2.0/token", "issuer": f"{tenant}/v2.0",
                         "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize"}, {}  # fmt: skip
        if path.endswith("/oauth2/v2.0/token"):
            if given.get("client_secret") != [CLIENT["clientSecret"]] or given.get("client_id") != [CLIENT["clientId"]]:
                return 401, {"error": "invalid_client", "error_description": "AADSTS7000215"}, {}
            return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "a-token"}, {}
        if self.headers.get("Authorization") != "Bearer a-token":
            # The library asks whether the resource is the vault's parent domain.
            resource = self.base.replace("//127.", "//")
            challenge = f'Bearer authorization="{self.base}/{CLIENT["tenantId"]}", resource="{resource}"'
            return 401, {"error": {"code": "Unauthorized"}}, {"WWW-Authenticate": challenge}
        if path == "/secrets":
            return self._page(int(query.get("$skiptoken", "0")))
        found = re.fullmatch(r"/(secrets|deletedsecrets)/([0-9A-Za-z-]{1,127})(?:/(\w*))?", path)
        if found is None:
            return 400, {"error": {"code": "BadParameter"}}, {}
        name = found[2]
        if found[1] == "deletedsecrets":
            return self._deleted(method, name, found[3])
        return self._secret(method, name, given)

    def _secret(self, method: str, name: str, given: Any) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        held = self.secrets.get(name.lower())
        if method == "PUT":
            if name.lower() in self.deleted:
                return 409, {"error": {"code": "Conflict", "innererror": {"code": "ObjectIsDeletedButRecoverable"}}}, {}
            if len(given["value"].encode()) > 25_600 or len(given.get("tags") or {}) > 15:
                return 400, {"error": {"code": "BadParameter"}}, {}
            version = f"{int(held['version'], 16) + 1 if held else 1:032x}"
            held = {"name": name, "value": given["value"], "tags": given.get("tags") or {}, "version": version}
            self.secrets[name.lower()] = held
            return 200, self._shown(held, value=True), {}
        if held is None:
            return 404, {"error": {"code": "SecretNotFound"}}, {}
        if method == "PATCH":
            held["tags"] = given.get("tags") or {}
            return 200, self._shown(held, value=False), {}
        if method == "DELETE":
            self.deleted[name.lower()] = self.secrets.pop(name.lower())
            return 200, self._shown(held, value=False) | self._recovery(held), {}
        return 200, self._shown(held, value=True), {}

    def _deleted(self, method: str, name: str, action: str | None) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        held = self.deleted.get(name.lower())
        if held is None:
            return 404, {"error": {"code": "SecretNotFound"}}, {}
        if method == "DELETE":
            if not self.may_purge[0]:
                return 403, {"error": {"code": "Forbidden"}}, {}
            del self.deleted[name.lower()]
            return 204, None, {}
        if method == "POST" and action == "recover":
            self.secrets[name.lower()] = self.deleted.pop(name.lower())
            return 200, self._shown(held, value=False), {}
        return 200, self._shown(held, value=False) | self._recovery(held), {}

    def _page(self, start: int) -> tuple[int, dict[str, Any], dict[str, str]]:
        names = sorted(self.secrets)
        page = [self._shown(self.secrets[name], value=False, listed=True) for name in names[start : start + AZURE_PAGE]]
        following = start + AZURE_PAGE
        link = f"{self.base}/secrets?api-version=7.5&$skiptoken={following}" if following < len(names) else None
        return 200, {"value": page, "nextLink": link}, {}

    def _shown(self, held: dict[str, Any], *, value: bool, listed: bool = False) -> dict[str, Any]:
        address = f"{self.base}/secrets/{held['name']}" + ("" if listed else f"/{held['version']}")
        attributes = {"enabled": True, "created": 1, "updated": 1, "recoveryLevel": "Recoverable+Purgeable"}
        shown = {"id": address, "tags": held["tags"], "attributes": attributes}
        return shown | ({"value": held["value"]} if value else {})

    def _recovery(self, held: dict[str, Any]) -> dict[str, Any]:
        return {"recoveryId": f"{self.base}/deletedsecrets/{held['name']}", "deletedDate": 1, "scheduledPurgeDate": 2}


class _SecretManager(_Handler):
    """Secrets with labels and annotations, versions, the filter `labels.x=y AND …`; the token of a service account."""

    secrets: ClassVar[dict[str, dict[str, Any]]]
    tokens: ClassVar[list[str]]

    def answer(
        self, method: str, path: str, query: dict[str, str], given: Any
    ) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        if path == "/token":
            self.tokens.append(given["assertion"][0])
            return 200, {"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}, {}
        if self.headers.get("Authorization") not in (None, "Bearer a-token"):
            return 401, {"error": {"status": "UNAUTHENTICATED"}}, {}
        found = re.fullmatch(
            r"/v1/projects/[a-z-]+/secrets(?:/([\w-]{1,255})(/versions/latest)?(?::(access|addVersion))?)?", path
        )
        if found is None:
            return 400, {"error": {"status": "INVALID_ARGUMENT"}}, {}
        name, _, action = found.groups()
        if name is None:
            return self._listed(query) if method == "GET" else self._created(query["secretId"], given)
        held = self.secrets.get(name)
        if held is None:
            return 404, {"error": {"status": "NOT_FOUND"}}, {}
        return self._secret(method, action, held, query, given)

    def _secret(
        self, method: str, action: str | None, held: dict[str, Any], query: dict[str, str], given: Any
    ) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        match method, action:
            case "POST", "addVersion":
                if len(base64.b64decode(given["payload"]["data"])) > 65_536:
                    return 400, {"error": {"status": "INVALID_ARGUMENT"}}, {}
                held["versions"].append(given["payload"]["data"])
                return 200, {"name": f"{held['name']}/versions/{len(held['versions'])}"}, {}
            case "GET", "access":
                if not held["versions"]:
                    return 404, {"error": {"status": "NOT_FOUND"}}, {}
                return 200, {"name": held["name"], "payload": {"data": held["versions"][-1]}}, {}
            case "PATCH", _:
                if error := self._wrong(given):
                    return error
                held |= {field: given.get(field, {}) for field in query["updateMask"].split(",")}
            case "DELETE", _:
                del self.secrets[held["name"].rsplit("/", 1)[-1]]
                return 200, {}, {}
        return 200, self._shown(held), {}

    def _created(self, name: str, given: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        if name in self.secrets:
            return 409, {"error": {"status": "ALREADY_EXISTS"}}, {}
        if not re.fullmatch(r"[\w-]{1,255}", name) or "replication" not in given:
            return 400, {"error": {"status": "INVALID_ARGUMENT"}}, {}
        if error := self._wrong(given):
            return error
        texts = {field: given.get(field, {}) for field in ("labels", "annotations")}
        self.secrets[name] = {"name": f"projects/123456789/secrets/{name}", "versions": [], **texts}
        return 200, self._shown(self.secrets[name]), {}

    def _listed(self, query: dict[str, str]) -> tuple[int, dict[str, Any], dict[str, str]]:
        wanted = dict(re.findall(r"labels\.([a-z0-9_-]+)=([a-z0-9_-]+)", query.get("filter", "")))
        names = sorted(
            name
            for name, held in self.secrets.items()
            if all(held["labels"].get(label) == value for label, value in wanted.items())
        )
        start = int(query.get("pageToken") or 0)
        page = {"secrets": [self._shown(self.secrets[name]) for name in names[start : start + GOOGLE_PAGE]]}
        following = start + GOOGLE_PAGE
        return 200, page | ({"nextPageToken": str(following)} if following < len(names) else {}), {}

    def _wrong(self, given: Any) -> tuple[int, dict[str, Any], dict[str, str]] | None:
        for name, value in given.get("labels", {}).items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
                return 400, {"error": {"status": "INVALID_ARGUMENT"}}, {}
        return None

    def _shown(self, held: dict[str, Any]) -> dict[str, Any]:
        return {name: held[name] for name in ("name", "labels", "annotations")}


@contextmanager
def key_vault_server(folder: Path) -> Iterator[tuple[str, Path, Any]]:
    """Address, the certificate to trust, and the server's class: what it holds, `calls`, `may_purge`."""
    certificate, key = make_certificate(folder)
    handler = type("KeyVault", (_KeyVault,), {"calls": [], "secrets": {}, "deleted": {}, "may_purge": [True]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    handler.base = f"https://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    with _serving(server):
        yield handler.base, certificate, handler  # type: ignore[attr-defined]


@contextmanager
def secret_manager_server() -> Iterator[tuple[str, Any]]:
    """Address and the server's class: what it holds, `calls`, `tokens` that were asked for."""
    handler = type("SecretManager", (_SecretManager,), {"calls": [], "secrets": {}, "tokens": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.base = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    with _serving(server):
        yield handler.base, handler  # type: ignore[attr-defined]


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Certificate of 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
