"""GoogleSecrets: Google Secret Manager over its REST interface. Needs the extra `google-secret-manager`."""

from __future__ import annotations

import base64
import json
import re
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlencode

import google.auth
import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.service_account import Credentials
from pydantic import Field, SecretStr, field_validator, model_validator

from apps.isolation.catalog import BackendConfig
from apps.secrets.backends.base import TRIES, SecretBackendFailed, SecretConfig, SecretsReadOnly, probe_secrets
from apps.secrets.backends.cloud_names import FilterOnTags, bears, cloud_name, place_digest
from apps.secrets.catalog import Place, SecretMeta

SERVICE: Final = "https://secretmanager.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
MOST_NAME: Final = 255
PLACE_LABEL: Final = "kestra_place"
TIMEOUT: Final = (5, 10)
FIRST_DELAY: Final = 0.2
_SECRET_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


class GoogleSecretConfig(SecretConfig):
    """Without a service account the machine's own credentials are used."""

    project: str = Field(title="Project", pattern=r"^[a-z0-9.:-]{1,64}$")
    service_account: SecretStr | None = Field(None, title="Service account (its JSON file)")
    endpoint: str | None = Field(None, title="Address of the service, when it is not Google's", pattern="^https?://")
    prefix: str = Field("kestra", title="What each name begins with", pattern=r"^[A-Za-z0-9-]{1,40}$")
    filter_on_tags: FilterOnTags | None = None

    @field_validator("service_account")
    @classmethod
    def _is_json(cls, given: SecretStr | None) -> SecretStr | None:
        if given is None:
            return given
        try:
            held = json.loads(given.get_secret_value())
        except ValueError:
            held = None
        if not isinstance(held, dict) or "private_key" not in held:
            # Without the parser's words, which would repeat the text.
            raise ValueError("the service account must be the JSON that Google gives, with its private_key")
        return given

    @model_validator(mode="after")
    def _filter_reads(self) -> Self:
        if self.filter_on_tags is not None and not self.read_only:
            raise ValueError("filterOnTags needs readOnly: such secrets are the same for all namespaces")
        return self

    def host_access(self) -> str:
        """Another's server (an emulator) is asked without credentials."""
        return "" if self.service_account is not None or self.endpoint else "the machine's own Google credentials"


class GoogleSecrets:
    """Called `<prefix>-<tenant>-<namespace>-<key>-<digest>`; annotations hold the exact words, labels what fits them.

    The newest version is the value.
    """

    config_class: ClassVar[type[BackendConfig]] = GoogleSecretConfig

    def __init__(self, config: GoogleSecretConfig) -> None:
        self.read_only = config.read_only
        self._config = config
        self._where = f"The secret manager google-secret-manager (project {config.project})"
        self._base = f"{(config.endpoint or SERVICE).rstrip('/')}/v1/projects/{config.project}/secrets"
        self._session: requests.Session | None = None

    def read(self, place: Place, key: str) -> str | None:
        """One request; with `filterOnTags` two."""
        name = self._name(place, key)
        if not _SECRET_ID.fullmatch(name):
            return None
        wanted = self._config.filter_on_tags
        if wanted is not None:
            described = self._asked("GET", f"/{name}", f"reading '{key}'")
            if described is None or not bears(described.get("labels"), wanted.tags):
                return None
        answer = self._asked("GET", f"/{name}/versions/latest:access", f"reading '{key}'")
        if answer is None:
            return None
        try:
            return base64.b64decode(answer["payload"]["data"]).decode()
        except ValueError as error:
            raise SecretBackendFailed(self._where, f"reading '{key}'", "it holds bytes and no text") from error

    def list(self, place: Place) -> list[SecretMeta]:
        """One request for each thousand of this very place."""
        wanted = self._config.filter_on_tags
        labels = {PLACE_LABEL: place_digest(place)} if wanted is None else wanted.tags
        found = [
            _meta(item, None if wanted is None else str(item["name"]).rsplit("/", 1)[-1])
            for item in self._listed(" AND ".join(f"labels.{name}={value}" for name, value in labels.items()))
            if bears(item.get("labels"), labels)
        ]
        return sorted((meta for meta in found if meta.key), key=lambda meta: meta.key)

    def write(self, place: Place, key: str, value: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Create the secret if it is not there, then a new version."""
        self._check_writable()
        name = self._name(place, key)
        held = self._described(place, key, description, {**self._config.tags, **tags})
        body = {"replication": {"automatic": {}}, **held}
        is_new = self._asked("POST", f"?secretId={name}", f"writing '{key}'", body, taken_is_none=True) is not None
        if not is_new:
            self._patch(name, key, held)
        payload = {"payload": {"data": base64.b64encode(value.encode()).decode()}}
        if self._asked("POST", f"/{name}:addVersion", f"writing '{key}'", payload) is None:
            raise SecretBackendFailed(self._where, f"writing '{key}'", "it was deleted meanwhile")
        return is_new

    def describe(self, place: Place, key: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Labels and annotations."""
        self._check_writable()
        return self._patch(self._name(place, key), key, self._described(place, key, description, tags))

    def delete(self, place: Place, key: str) -> bool:
        """With all its versions."""
        self._check_writable()
        return self._asked("DELETE", f"/{self._name(place, key)}", f"deleting '{key}'") is not None

    def probe(self, tenant_id: str) -> None:
        """In the project."""
        probe_secrets(self, tenant_id, self._where)

    def _patch(self, name: str, key: str, held: Mapping[str, Any]) -> bool:
        path = f"/{name}?updateMask=labels,annotations"
        return self._asked("PATCH", path, f"describing '{key}'", held) is not None

    def _listed(self, wanted: str) -> Iterator[dict[str, Any]]:
        page = ""
        while True:
            query = urlencode({"filter": wanted, "pageSize": 1000, "pageToken": page})
            answer = self._asked("GET", f"?{query}", "listing") or {}
            yield from answer.get("secrets", ())
            page = answer.get("nextPageToken", "")
            if not page:
                return

    def _name(self, place: Place, key: str) -> str:
        if self._config.filter_on_tags is not None:
            return key
        return cloud_name(self._config.prefix, place, key, most=MOST_NAME)

    def _described(self, place: Place, key: str, description: str, tags: Mapping[str, str]) -> dict[str, Any]:
        """Annotations take any text; labels are what Google's own tools filter by."""
        labels = {_label(name): _label(value) for name, value in tags.items() if _label(name)[:1].isalpha()}
        own = {"tenant": place.tenant_id, "namespace": place.namespace, "key": key}
        return {
            "labels": labels
            | {name: _label(value) for name, value in own.items()}
            | {PLACE_LABEL: place_digest(place)},
            "annotations": own | {"description": description, "tags": json.dumps(dict(tags))},
        }

    def _check_writable(self) -> None:
        if self.read_only:
            raise SecretsReadOnly(self._where)

    def _asked(
        self, method: str, path: str, doing: str, body: Any = None, *, taken_is_none: bool = False
    ) -> dict[str, Any] | None:
        """The answer's JSON; None for what is not there (`taken_is_none`: for what is there already)."""
        for tried in range(1, TRIES + 1):
            try:
                answer = self._signed_in().request(method, self._base + path, json=body, timeout=TIMEOUT)
            except (requests.RequestException, GoogleAuthError) as error:
                if tried == TRIES or (isinstance(error, GoogleAuthError) and not error.retryable):
                    raise SecretBackendFailed(self._where, doing, type(error).__name__) from error
            else:
                busy = answer.status_code == requests.codes.too_many_requests or answer.status_code >= 500
                if not busy or tried == TRIES:
                    return self._judged(answer, doing, taken_is_none)
            time.sleep(FIRST_DELAY * 2**tried)
        raise AssertionError("the last try returns or raises")

    def _judged(self, answer: requests.Response, doing: str, taken_is_none: bool) -> dict[str, Any] | None:
        absent = requests.codes.conflict if taken_is_none else requests.codes.not_found
        if answer.status_code == absent:
            return None
        if not answer.ok:
            raise SecretBackendFailed(self._where, doing, f"HTTP {answer.status_code}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def _signed_in(self) -> requests.Session:
        """Made when first needed: finding the machine's credentials may ask its metadata service."""
        if self._session is None:
            self._session = _session(self._config)
            # A backend that is chosen no more is dropped with its connections.
            weakref.finalize(self, self._session.close)
        return self._session


def _session(config: GoogleSecretConfig) -> requests.Session:
    if config.service_account is not None:
        held = json.loads(config.service_account.get_secret_value())
        return AuthorizedSession(Credentials.from_service_account_info(held, scopes=[SCOPE]))
    if config.endpoint is not None:
        return requests.Session()
    credentials, _ = google.auth.default(scopes=[SCOPE])
    return AuthorizedSession(credentials)


def _label(text: str) -> str:
    """As labels may be written: lower-case letters, digits, `_` and `-`, at most 63."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]


def _meta(item: Mapping[str, Any], name: str | None) -> SecretMeta:
    held = item.get("annotations") or {}
    if name is not None:
        return SecretMeta(name, held.get("description", ""), item.get("labels") or {})
    try:
        tags = json.loads(held.get("tags") or "{}")
    except ValueError:
        tags = {}
    return SecretMeta(held.get("key", ""), held.get("description", ""), tags if isinstance(tags, dict) else {})
