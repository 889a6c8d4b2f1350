"""What is special about Azure Key Vault, Google Secret Manager, AWS and Vault under Kubernetes."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from apps.common.errors import IllegalArgument
from apps.isolation.catalog import BackendMisconfigured, Kind, make_backend, read_configuration
from apps.secrets.backends.base import SecretBackend, SecretBackendFailed, SecretsReadOnly
from apps.secrets.catalog import Place, SecretMeta
from tests.support.secret_servers import CLIENT, make_certificate
from tests.support.unsteady_proxy import unsteady

Configure = Callable[[str], dict[str, Any]]
HELD = "the-hidden-value"


@pytest.fixture
def place() -> Place:
    """A namespace that no other test uses."""
    return Place("alpha", f"a{uuid4().hex[:10]}.b")


def made(kind: str, configuration: dict[str, Any]) -> SecretBackend:
    backend: SecretBackend = make_backend(Kind.SECRET, kind, configuration)
    return backend


# Azure


def test_name_that_a_vault_keeps_after_deletion_can_be_used_again(
    configuration: Configure, key_vault: tuple[str, Any], place: Place
) -> None:
    backend, (_, server) = made("azure-key-vault", configuration("azure-key-vault")), key_vault
    backend.write(place, "K", "one", description="", tags={})
    server.may_purge[0] = False
    try:
        assert backend.delete(place, "K") is True
        assert backend.read(place, "K") is None
        assert backend.list(place) == []
        assert backend.write(place, "K", "two", description="", tags={}) is True
        assert backend.read(place, "K") == "two"
    finally:
        server.may_purge[0] = True


def test_a_vaults_names_tell_a_person_and_tags_tell_exactly(
    configuration: Configure, key_vault: tuple[str, Any], place: Place
) -> None:
    backend, (_, server) = (
        made("azure-key-vault", {**configuration("azure-key-vault"), "tags": {"by": "us"}}),
        key_vault,
    )
    backend.write(place, "My_KEY", "v", description="d", tags={"team": "data"})

    name = next(name for name in server.secrets if place.namespace.split(".")[0] in name)
    assert name.startswith(f"kestra-alpha-{place.namespace.replace('.', '-')}-my-key-")
    assert server.secrets[name]["tags"] == {
        "prefix": "kestra", "tenant": "alpha", "namespace": place.namespace, "key": "My_KEY", "description": "d",
        "team": "data", "by": "us",
    }  # fmt: skip
    with pytest.raises(IllegalArgument, match="at most 10 tags"):
        backend.write(place, "X", "v", description="", tags={f"t{number}": "x" for number in range(11)})
    assert backend.read(place, "X") is None


def test_azure_refuses_a_wrong_client_secret_without_showing_it(configuration: Configure, place: Place) -> None:
    given = configuration("azure-key-vault")
    backend = made("azure-key-vault", {**given, "clientSecret": {**CLIENT, "clientSecret": HELD}})

    with pytest.raises(SecretBackendFailed, match=r"azure-key-vault .* failed at reading 'K'") as found:
        backend.read(place, "K")
    assert HELD not in str(found.value)


# Google


def test_google_is_entered_with_a_service_account(
    configuration: Configure, secret_manager: tuple[str, Any], place: Place
) -> None:
    address, server = secret_manager
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"type": "service_account", "client_email": "kestra@tests.example", "token_uri": f"{address}/token",
               "private_key": key.decode(), "project_id": "tests"}  # fmt: skip
    backend = made("google-secret-manager",
                   {**configuration("google-secret-manager"), "serviceAccount": json.dumps(account)})  # fmt: skip

    backend.write(place, "K", "v", description="", tags={})
    assert backend.read(place, "K") == "v"
    claims = json.loads(base64.urlsafe_b64decode(server.tokens[-1].split(".")[1] + "=="))
    assert claims["iss"] == "kestra@tests.example"
    assert len(server.tokens) == 1, "a token is kept"


def test_google_is_asked_again_when_busy(secret_manager: tuple[str, Any], place: Place) -> None:
    with unsteady(secret_manager[0]) as (address, faults):
        backend = made("google-secret-manager", {"endpoint": address, "project": "tests"})
        for attempt in (
            lambda: backend.write(place, "K", "v", description="", tags={}),
            lambda: backend.read(place, "K") == "v",
            lambda: backend.list(place) == [SecretMeta("K")],
            lambda: backend.delete(place, "K"),
        ):
            faults.refuse = 1
            assert attempt() is True
            assert faults.refuse == 0


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        ("azure-key-vault", {"vaultName": "v-1", "keyVaultUri": "https://v"}, "give one of vaultName and keyVaultUri"),
        ("azure-key-vault", {"vaultName": "v-1", "filterOnTags": {"tags": {"a": "b"}}}, "filterOnTags needs readOnly"),
        ("google-secret-manager", {"project": "p", "serviceAccount": HELD}, "must be the JSON that Google gives"),
        ("google-secret-manager", {"project": "p", "filterOnTags": {"tags": {}}, "readOnly": True}, "filterOnTags"),
        ("aws-secret-manager", {"filterOnPrefix": {"prefix": "x/"}}, "need readOnly"),
    ],
)
def test_wrong_configuration_is_told_and_not_shown(kind: str, given: dict[str, Any], text: str) -> None:
    with pytest.raises(BackendMisconfigured, match=text) as found:
        made(kind, given)
    assert HELD not in str(found.value)


def test_the_machines_own_credentials_are_named() -> None:
    for kind, given in (("azure-key-vault", {"vaultName": "v-1"}), ("google-secret-manager", {"project": "p"})):
        assert "machine's own" in read_configuration(Kind.SECRET, kind, given).host_access()


# Secrets that are managed elsewhere


def test_secrets_made_elsewhere_are_found_by_their_tags(
    configuration: Configure, key_vault: tuple[str, Any], secret_manager: tuple[str, Any], place: Place
) -> None:
    key_vault[1].secrets |= {
        "db-password": {"name": "db-password", "value": "of azure", "tags": {"use": "flows"}, "version": "1"},
        "other": {"name": "other", "value": "hidden", "tags": {"use": "else"}, "version": "1"},
    }
    secret_manager[1].secrets |= {
        "db-password": {"name": "projects/1/secrets/db-password", "labels": {"use": "flows"}, "annotations": {},
                        "versions": [base64.b64encode(b"of google").decode()]},
        "other": {"name": "projects/1/secrets/other", "labels": {}, "annotations": {}, "versions": ["aGlkZGVu"]},
    }  # fmt: skip
    aws = configuration("aws-secret-manager")
    client = boto3.client("secretsmanager", endpoint_url=aws["endpointOverride"], region_name="us-east-1",
                          aws_access_key_id="a", aws_secret_access_key="b")  # fmt: skip
    client.create_secret(Name="db-password", SecretString="of aws", Tags=[{"Key": "use", "Value": "flows"}])
    client.create_secret(Name="other", SecretString="hidden")

    for kind, value in (
        ("azure-key-vault", "of azure"),
        ("google-secret-manager", "of google"),
        ("aws-secret-manager", "of aws"),
    ):
        given = {**configuration(kind), "readOnly": True, "filterOnTags": {"tags": {"use": "flows"}}}
        backend = made(kind, given)
        assert backend.read(place, "db-password") == value
        assert backend.read(Place("beta", "z"), "db-password") == value
        assert backend.read(place, "other") is None, "it does not bear the tag"
        assert backend.read(place, "a.b") is None
        assert [(meta.key, dict(meta.tags)) for meta in backend.list(place)] == [("db-password", {"use": "flows"})]
        with pytest.raises(SecretsReadOnly):
            backend.write(place, "db-password", "x", description="", tags={})
        backend.probe("alpha")


def test_aws_secrets_made_elsewhere_are_found_by_what_their_names_begin_with(
    configuration: Configure, place: Place
) -> None:
    aws = configuration("aws-secret-manager")
    client = boto3.client("secretsmanager", endpoint_url=aws["endpointOverride"], region_name="us-east-1",
                          aws_access_key_id="a", aws_secret_access_key="b")  # fmt: skip
    client.create_secret(Name="team/one", SecretString="1")
    client.create_secret(Name="teams", SecretString="no")

    short = made("aws-secret-manager", {**aws, "readOnly": True, "filterOnPrefix": {"prefix": "team/"}})
    assert (short.read(place, "one"), [meta.key for meta in short.list(place)]) == ("1", ["one"])
    long = made("aws-secret-manager",
                {**aws, "readOnly": True, "filterOnPrefix": {"prefix": "team", "keepPrefix": True}})  # fmt: skip
    assert (long.read(place, "teams"), long.read(place, "other")) == ("no", None)


# Vault under Kubernetes


@pytest.fixture
def kubernetes() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The one route of a Kubernetes API that Vault asks, TokenReview, of our own; and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Reviews(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Nothing."""

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(given)
            user = {"username": "system:serviceaccount:flows:kestra", "uid": "1", "groups": []}
            body = json.dumps(given | {"status": {"authenticated": True, "user": user}}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Reviews)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_vault_is_entered_with_the_service_account_of_a_pod(
    vault_address: str, root: httpx.Client, kubernetes: tuple[str, list[dict[str, Any]]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, place: Place,
) -> None:  # fmt: skip
    address, asked = kubernetes
    root.post("sys/auth/kubernetes", json={"type": "kubernetes"}).raise_for_status()
    root.post("auth/kubernetes/config", json={"kubernetes_host": address, "token_reviewer_jwt": _jwt(),
                                              "kubernetes_ca_cert": make_certificate(tmp_path)[0].read_text(),
                                              "disable_local_ca_jwt": True}).raise_for_status()  # fmt: skip
    bound = {"bound_service_account_names": "kestra", "bound_service_account_namespaces": "flows",
             "token_policies": "kestra"}  # fmt: skip
    root.post("auth/kubernetes/role/kestra", json=bound).raise_for_status()
    mounted = tmp_path / "token"
    monkeypatch.setattr("apps.secrets.backends.vault.SERVICE_ACCOUNT", mounted)
    backend = made("vault", {"address": vault_address, "kubernetes": {"role": "kestra"}})
    with pytest.raises(SecretBackendFailed, match="no service account on this machine"):
        backend.read(place, "K")

    mounted.write_text(_jwt())
    backend.write(place, "K", "v", description="", tags={})
    assert backend.read(place, "K") == "v"
    assert [review["spec"]["token"] for review in asked] == [_jwt()], "one sign-in for all requests"


def _jwt() -> str:
    claims = {
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:flows:kestra",
        "kubernetes.io/serviceaccount/namespace": "flows",
        "kubernetes.io/serviceaccount/service-account.name": "kestra",
        "kubernetes.io/serviceaccount/service-account.uid": "1",
    }
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*texts, "c2lnbmF0dXJl"])
