"""VaultSecrets: HashiCorp Vault (and OpenBao), engine KV version 2."""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, model_validator

from apps.isolation.catalog import BackendConfig, ConfigPart
from apps.secrets.backends.base import TRIES, SecretBackendFailed, SecretConfig, SecretsReadOnly, probe_secrets
from apps.secrets.catalog import Place, SecretMeta

FIELD: Final = "value"
"""The field that holds a secret written here; one written elsewhere may have others, and is then read as JSON."""
FIRST_DELAY: Final = 0.2
RENEWED_BEFORE: Final = 30.0
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class VaultToken(ConfigPart):
    """A token that somebody else renews."""

    token: SecretStr = Field(title="Token")


class VaultPassword(ConfigPart):
    """Method userpass."""

    user: str = Field(title="User")
    password: SecretStr = Field(title="Password")


class VaultAppRole(ConfigPart):
    """Method approle."""

    path: str = Field("approle", title="Path of the AppRole method")
    role_id: str = Field(title="Role id")
    secret_id: SecretStr = Field(title="Secret id")


class VaultKubernetes(ConfigPart):
    """Method kubernetes, with the service account of the pod."""

    path: str = Field("kubernetes", title="Path of the Kubernetes method")
    role: str = Field(title="Role")


class VaultConfig(SecretConfig):
    """One way to sign in: token, password, appRole or kubernetes."""

    address: str = Field(title="Address", pattern="^https?://")
    namespace: str | None = Field(None, title="Namespace of Vault")
    root_engine: str = Field("secret", title="Mount of the KV engine")
    engine_version: int = Field(2, title="Version of the KV engine", ge=2, le=2)
    token: VaultToken | None = None
    password: VaultPassword | None = None
    app_role: VaultAppRole | None = None
    kubernetes: VaultKubernetes | None = None
    secret_path_prefix: str | None = Field(None, title="Folder of secrets managed elsewhere (read only)")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if sum(way is not None for way in (self.token, self.password, self.app_role, self.kubernetes)) != 1:
            raise ValueError("give one of token, password, appRole and kubernetes")
        if self.secret_path_prefix is not None and not self.read_only:
            raise ValueError("secretPathPrefix needs readOnly: such a folder is the same for all namespaces")
        return self

    def host_access(self) -> str:
        """The pod's own service account."""
        return "the machine's Kubernetes service account" if self.kubernetes is not None else ""


class VaultSecrets:
    """A secret lies at ``<tenant>/<namespace as folders>/<key>``. Signs in when first needed and before that ends."""

    config_class: ClassVar[type[BackendConfig]] = VaultConfig

    def __init__(self, config: VaultConfig) -> None:
        self.read_only = config.read_only
        self._config = config
        self._where = f"The secret manager vault ({config.address})"
        self._client = httpx.Client(base_url=f"{config.address.rstrip('/')}/v1/", timeout=10)
        # A backend that is chosen no more is dropped with its connections.
        weakref.finalize(self, self._client.close)
        self._lock = threading.Lock()
        self._token, self._token_ends = "", 0.0

    def read(self, place: Place, key: str) -> str | None:
        """One request. Several fields come as a JSON object, for `secret(…, subkey=…)`."""
        answer = self._asked("GET", f"data/{self._path(place, key)}", f"reading '{key}'")
        if answer is None:
            return None
        data: dict[str, Any] = answer["data"].get("data") or {}
        if set(data) == {FIELD}:
            return data[FIELD] if isinstance(data[FIELD], str) else json.dumps(data[FIELD])
        return json.dumps(data)

    def list(self, place: Place) -> list[SecretMeta]:
        """One request, and one for each secret."""
        answer = self._asked("GET", f"metadata/{self._folder(place)}?list=true", "listing")
        names = [] if answer is None else [name for name in answer["data"]["keys"] if not name.endswith("/")]
        return [self._meta(place, name) for name in sorted(names)]

    def write(self, place: Place, key: str, value: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """A new version."""
        self._check_writable()
        path = self._path(place, key)
        answer = self._asked("POST", f"data/{path}", f"writing '{key}'", {"data": {FIELD: value}})
        self.describe(place, key, description=description, tags={**self._config.tags, **tags})
        return bool(answer and answer["data"].get("version") == 1)

    def describe(self, place: Place, key: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """As custom metadata, where only texts are allowed."""
        self._check_writable()
        path = f"metadata/{self._path(place, key)}"
        if self._asked("GET", path, f"reading '{key}'") is None:
            return False
        texts = {"description": description, "tags": json.dumps(dict(tags)) if tags else ""}
        # An empty text is refused.
        held = {name: text for name, text in texts.items() if text}
        self._asked("POST", path, f"describing '{key}'", {"custom_metadata": held})
        return True

    def delete(self, place: Place, key: str) -> bool:
        """All its versions."""
        self._check_writable()
        path = f"metadata/{self._path(place, key)}"
        if self._asked("GET", path, f"reading '{key}'") is None:
            return False
        self._asked("DELETE", path, f"deleting '{key}'")
        return True

    def probe(self, tenant_id: str) -> None:
        """In the engine."""
        probe_secrets(self, tenant_id, self._where)

    def _meta(self, place: Place, key: str) -> SecretMeta:
        answer = self._asked("GET", f"metadata/{self._path(place, key)}", f"reading '{key}'")
        held: dict[str, str] = (answer or {"data": {}})["data"].get("custom_metadata") or {}
        try:
            tags = json.loads(held.get("tags") or "{}")
        except ValueError:
            tags = {}
        return SecretMeta(key, held.get("description", ""), tags if isinstance(tags, dict) else {})

    def _check_writable(self) -> None:
        if self.read_only:
            raise SecretsReadOnly(self._where)

    def _folder(self, place: Place) -> str:
        if self._config.secret_path_prefix is not None:
            return "/".join(quote(part, safe="") for part in self._config.secret_path_prefix.strip("/").split("/"))
        return "/".join(quote(part, safe="") for part in (place.tenant_id, *place.namespace.split(".")))

    def _path(self, place: Place, key: str) -> str:
        return f"{self._folder(place)}/{quote(key, safe='')}"

    def _asked(self, method: str, path: str, doing: str, body: Any = None) -> dict[str, Any] | None:
        """The answer's JSON; None for what is not there. Signs in again once when the token was refused."""
        answer = self._sent(method, f"{self._config.root_engine}/{path}", doing, body, self._signed_in())
        if answer.status_code == httpx.codes.FORBIDDEN and self._config.token is None:
            self._token_ends = 0.0
            answer = self._sent(method, f"{self._config.root_engine}/{path}", doing, body, self._signed_in())
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_error:
            raise SecretBackendFailed(self._where, doing, f"HTTP {answer.status_code}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def _sent(self, method: str, path: str, doing: str, body: Any, token: str) -> httpx.Response:
        headers = {"X-Vault-Request": "true"} | ({"X-Vault-Token": token} if token else {})
        if self._config.namespace:
            headers["X-Vault-Namespace"] = self._config.namespace
        for tried in range(1, TRIES + 1):
            try:
                answer = self._client.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                if tried == TRIES:
                    raise SecretBackendFailed(self._where, doing, type(error).__name__) from error
            else:
                busy = answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error
                if not busy or tried == TRIES:
                    return answer
            time.sleep(FIRST_DELAY * 2**tried)
        raise AssertionError("the last try returns or raises")

    def _signed_in(self) -> str:
        if self._config.token is not None:
            return self._config.token.token.get_secret_value()
        with self._lock:
            if time.monotonic() >= self._token_ends:
                self._sign_in()
            return self._token

    def _sign_in(self) -> None:
        path, body = self._credentials()
        answer = self._sent("POST", path, "signing in", body, "")
        if answer.is_error:
            raise SecretBackendFailed(self._where, "signing in", f"HTTP {answer.status_code}")
        given = answer.json()["auth"]
        self._token = given["client_token"]
        lasts = float(given.get("lease_duration") or 0) or float("inf")
        self._token_ends = time.monotonic() + max(lasts - RENEWED_BEFORE, lasts / 2)

    def _credentials(self) -> tuple[str, dict[str, str]]:
        config = self._config
        if config.password is not None:
            user = quote(config.password.user, safe="")
            return f"auth/userpass/login/{user}", {"password": config.password.password.get_secret_value()}
        if config.app_role is not None:
            held = config.app_role
            return f"auth/{held.path}/login", {"role_id": held.role_id, "secret_id": held.secret_id.get_secret_value()}
        if config.kubernetes is None:
            raise AssertionError("the configuration was checked: there is a way in")
        try:
            return f"auth/{config.kubernetes.path}/login", {
                "role": config.kubernetes.role,
                "jwt": SERVICE_ACCOUNT.read_text().strip(),
            }
        except OSError as error:
            raise SecretBackendFailed(
                self._where, "signing in", "there is no service account on this machine"
            ) from error
