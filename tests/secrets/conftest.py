"""Secret managers of every kind, each with its server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from apps.isolation.catalog import Kind, make_backend
from apps.secrets.backends.base import SecretBackend
from apps.secrets.services import default_backend, secret_cache
from apps.tenants.models import Tenant
from tests.support.cloud_servers import VAULT_TOKEN, ServerMissing, aws_server, vault_server
from tests.support.secret_servers import CLIENT, key_vault_server, secret_manager_server

KINDS = ("jdbc", "vault", "aws-secret-manager", "azure-key-vault", "google-secret-manager")
MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture(autouse=True)
def secret_settings(settings: Settings) -> Iterator[None]:
    """The instance's own manager is the database."""
    settings.KESTRA_MASTER_KEY = MASTER_KEY
    settings.KESTRA_SECRET_TYPE, settings.KESTRA_SECRET_CONFIGURATION = "jdbc", {}
    default_backend.cache_clear()
    secret_cache.forget_all()
    yield
    default_backend.cache_clear()
    secret_cache.forget_all()


@pytest.fixture(scope="session")
def vault_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Vault whose engine `secret` is of version 2, with the sign-in methods approle and userpass."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(vault_server(tmp_path_factory.mktemp("vault")))
        except ServerMissing as error:
            pytest.skip(f"Vault is NOT tested here: {error}")
        client = stack.enter_context(vault_root(address))
        _until_ready(client)
        rights = 'path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }'
        for path, body in (
            ("sys/policies/acl/kestra", {"policy": rights}),
            ("sys/auth/approle", {"type": "approle"}),
            ("sys/auth/userpass", {"type": "userpass"}),
            ("auth/approle/role/kestra", {"token_policies": "kestra"}),
            ("auth/userpass/users/kestra", {"password": "Passw0rd", "token_policies": "kestra"}),
        ):
            client.post(path, json=body).raise_for_status()
        yield address


def vault_root(address: str) -> httpx.Client:
    """May do everything."""
    return httpx.Client(base_url=f"{address}/v1/", headers={"X-Vault-Token": VAULT_TOKEN})


@pytest.fixture
def root(vault_address: str) -> Iterator[httpx.Client]:
    """Vault as its administrator sees it."""
    with vault_root(vault_address) as client:
        yield client


def _until_ready(client: httpx.Client) -> None:
    """It answers before its engine is mounted."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if client.get("secret/config").status_code == 200:
            return
        time.sleep(0.05)
    raise RuntimeError("the engine of the development server was not mounted within 30 s")


@pytest.fixture(scope="session")
def aws_address() -> Iterator[str]:
    with aws_server() as address:
        yield address


@pytest.fixture(scope="session")
def key_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """Address and server of a vault whose certificate is trusted as a private authority's is: by the environment."""
    folder = tmp_path_factory.mktemp("key-vault")
    with key_vault_server(folder) as (address, certificate, server), pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        yield address, server


@pytest.fixture(scope="session")
def secret_manager() -> Iterator[tuple[str, Any]]:
    """Address and server of a Google Secret Manager."""
    with secret_manager_server() as found:
        yield found


@pytest.fixture
def configuration(request: pytest.FixtureRequest) -> Callable[[str], dict[str, Any]]:
    """Kind → a configuration for its server, which starts when the first test wants it."""

    def made(kind: str) -> dict[str, Any]:
        match kind:
            case "vault":
                return {"address": request.getfixturevalue("vault_address"), "token": {"token": VAULT_TOKEN}}
            case "aws-secret-manager":
                address = request.getfixturevalue("aws_address")
                return {"endpointOverride": address, "accessKeyId": "AKIAEXAMPLE", "secretKeyId": "example"}
            case "azure-key-vault":
                address, _ = request.getfixturevalue("key_vault")
                return {"keyVaultUri": address, "authorityHost": address, "clientSecret": CLIENT}
            case "google-secret-manager":
                address, _ = request.getfixturevalue("secret_manager")
                return {"endpoint": address, "project": "tests"}
        return {}

    return made


@pytest.fixture(params=KINDS)
def backend(
    request: pytest.FixtureRequest, configuration: Callable[[str], dict[str, Any]], in_alpha: Tenant
) -> SecretBackend:
    """One of every kind; alpha is open."""
    made: SecretBackend = make_backend(Kind.SECRET, request.param, configuration(request.param))
    return made
