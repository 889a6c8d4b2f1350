"""Backends of every kind, each with its server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import httpx
import pytest
from azure.storage.blob import ContainerClient

from apps.storage.backends.base import StorageBackend
from apps.storage.internal_storage.choice import make_backend
from tests.support.cloud_servers import ServerMissing, aws_server, azure_server, gcs_server
from tests.support.dfs_server import dfs_server
from tests.support.unsteady_proxy import Unsteadiness, unsteady

KINDS = ("local", "s3", "azure", "gcs", "adls")
REMOTE = ("s3", "azure", "gcs", "adls")
KEYS = {"accessKey": "AKIAEXAMPLE", "secretKey": "example-secret"}


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """An S3 with the bucket `files`."""
    with aws_server() as address:
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a",
                              aws_secret_access_key="b")  # fmt: skip
        client.create_bucket(Bucket="files")
        yield address


@pytest.fixture(scope="session")
def azure_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A connection string; the container is `files`."""
    with ExitStack() as stack:
        try:
            text = stack.enter_context(azure_server(tmp_path_factory.mktemp("azurite")))
        except ServerMissing as error:
            pytest.skip(f"Azure Blob is NOT tested here: {error}")
        ContainerClient.from_connection_string(text, "files").create_container()
        yield text


@pytest.fixture(scope="session")
def gcs_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Google storage with the bucket `files`."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(gcs_server(tmp_path_factory.mktemp("gcs")))
        except ServerMissing as error:
            pytest.skip(f"Google Cloud Storage is NOT tested here: {error}")
        httpx.post(f"{address}/storage/v1/b", json={"name": "files"}).raise_for_status()
        yield address


@pytest.fixture(scope="session")
def adls_address() -> Iterator[str]:
    """A dfs service with the file system `files`."""
    with dfs_server() as address:
        yield address


MakeBackend = Callable[[str], StorageBackend]


def adls_configuration(address: str) -> dict[str, str]:
    """With an account key, which this server does not look at."""
    return {"fileSystem": "files", "endpoint": address, "sharedKeyAccountName": "tests",
            "sharedKeyAccountAccessKey": "a2V5"}  # fmt: skip


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBackend:
    """Kind → a backend on its server; the server starts when the first test wants it."""

    def made(kind: str, through: Callable[[str], str] = lambda address: address) -> StorageBackend:
        match kind:
            case "local":
                return make_backend("local", {"basePath": str(tmp_path / "base")})
            case "s3":
                address = through(request.getfixturevalue("s3_address"))
                return make_backend("s3", {"bucket": "files", "endpoint": address, "forcePathStyle": True, **KEYS})
            case "azure":
                text = request.getfixturevalue("azure_address")
                direct = text.split("BlobEndpoint=")[1].split("/devstore")[0]
                return make_backend(
                    "azure", {"container": "files", "connectionString": text.replace(direct, through(direct))}
                )
            case "adls":
                return make_backend("adls", adls_configuration(through(request.getfixturevalue("adls_address"))))
        return make_backend("gcs", {"bucket": "files", "endpoint": through(request.getfixturevalue("gcs_address"))})

    return made


@pytest.fixture(params=KINDS)
def backend(request: pytest.FixtureRequest, make: MakeBackend) -> StorageBackend:
    """One of every kind."""
    return make(request.param)


@pytest.fixture(params=REMOTE)
def unsteady_backend(
    request: pytest.FixtureRequest, make: Callable[..., StorageBackend]
) -> Iterator[tuple[StorageBackend, Unsteadiness]]:
    """One of another's service, behind a proxy that fails on demand."""
    with ExitStack() as stack:
        held: list[Unsteadiness] = []

        def through(address: str) -> str:
            proxied, faults = stack.enter_context(unsteady(address))
            held.append(faults)
            return proxied

        yield make(request.param, through), held[0]
