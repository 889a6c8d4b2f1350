"""Backends that are another's service: they ask again, take up what broke off, and fail in our words."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import boto3
import pytest

from apps.storage.backends.base import StorageBackend, StorageFailed
from apps.storage.internal_storage import StorageMisconfigured
from apps.storage.internal_storage.choice import make_backend
from tests.support.cloud_servers import free_port
from tests.support.unsteady_proxy import Unsteadiness

Unsteady = tuple[StorageBackend, Unsteadiness]


def test_a_refused_request_is_made_again(unsteady_backend: Unsteady) -> None:
    backend, faults = unsteady_backend
    path = f"t{uuid4().hex}/a"

    for attempt in (
        lambda: backend.put(path, io.BytesIO(b"content")),
        lambda: backend.open(path).read(),
        lambda: backend.size(path),
        lambda: [found.path for found in backend.list(path.split("/")[0])],
        lambda: backend.delete_prefix(path.split("/")[0]),
    ):
        faults.refuse = 1
        before = faults.calls
        assert attempt() in (7, b"content", [path])
        assert faults.refuse == 0
        assert faults.calls - before >= 2


def test_an_answer_that_breaks_off_is_taken_up_where_it_ended(unsteady_backend: Unsteady) -> None:
    backend, faults = unsteady_backend
    path, content = f"t{uuid4().hex}/a", os.urandom(3_000_000)
    backend.put(path, io.BytesIO(content))

    faults.break_off = 2
    with backend.open(path) as file:
        assert file.read() == content
    assert faults.break_off == 0


def test_a_file_that_is_replaced_meanwhile_is_never_mixed(unsteady_backend: Unsteady) -> None:
    backend, _ = unsteady_backend
    path = f"t{uuid4().hex}/a"
    backend.put(path, io.BytesIO(b"a" * 20_000_000))

    with backend.open(path) as file:
        assert file.read(10) == b"a" * 10
        backend.put(path, io.BytesIO(b"b" * 20_000_000))
        file.seek(15_000_000)
        with pytest.raises(StorageFailed, match="reading"):
            file.read(10)


def test_missing_bucket_is_told_without_credentials(make: Callable[[str], StorageBackend], s3_address: str) -> None:
    backend = make_backend(
        "s3", {"bucket": "not-there", "endpoint": s3_address, "accessKey": "a", "secretKey": "hidden-value",
               "forcePathStyle": True},
    )  # fmt: skip

    with pytest.raises(
        StorageFailed, match=r"s3 \(bucket not-there\) failed at writing 't/a': .*NoSuchBucket"
    ) as found:
        backend.put("t/a", io.BytesIO(b"x"))
    assert "hidden-value" not in str(found.value)


def test_service_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.storage.backends.s3.TRIES", 1)
    address = f"http://127.0.0.1:{free_port()}"
    backend = make_backend("s3", {"bucket": "files", "endpoint": address, "accessKey": "a", "secretKey": "b"})

    with pytest.raises(StorageFailed, match="EndpointConnectionError"):
        backend.exists("t/a")


@pytest.mark.parametrize(
    ("kind", "configuration", "text"),
    [
        ("s3", {"bucket": "files", "accessKey": "hidden-value"}, "accessKey and secretKey go together"),
        ("azure", {"container": "files", "sasToken": "hidden-value"}, "endpoint is needed"),
        ("azure", {"container": "files", "connectionString": "hidden-value", "sasToken": "x"}, "give one of"),
        ("azure", {"container": "files", "connectionString": "hidden-value"}, "Connection string"),
        ("gcs", {"bucket": "files", "serviceAccount": "hidden-value"}, "must be the JSON that Google gives"),
    ],
)
def test_wrong_configuration_is_told_and_not_shown(kind: str, configuration: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageMisconfigured, match=text) as found:
        make_backend(kind, configuration)
    assert "hidden-value" not in str(found.value)


def test_role_is_assumed_for_s3(s3_address: str) -> None:
    backend = make_backend(
        "s3",
        {"bucket": "files", "endpoint": s3_address, "stsEndpointOverride": s3_address, "forcePathStyle": True,
         "accessKey": "AKIAEXAMPLE", "secretKey": "s", "stsRoleArn": "arn:aws:iam::123456789012:role/kestra",
         "stsRoleSessionDuration": "PT20M"},
    )  # fmt: skip
    credentials = backend._client._request_signer._credentials  # type: ignore[attr-defined]

    backend.put("roles/a", io.BytesIO(b"x"))
    assert credentials.method == "assume-role"
    assert credentials.get_frozen_credentials().access_key != "AKIAEXAMPLE"


def test_minio_takes_its_own_names(s3_address: str) -> None:
    host, port = s3_address.removeprefix("http://").split(":")
    backend = make_backend(
        "minio", {"bucket": "files", "endpoint": host, "port": int(port), "accessKey": "a", "secretKey": "b"}
    )

    assert backend.put("minio/a", io.BytesIO(b"xyz")) == 3
    client = boto3.client("s3", endpoint_url=s3_address, region_name="us-east-1", aws_access_key_id="a",
                          aws_secret_access_key="b")  # fmt: skip
    assert client.get_object(Bucket="files", Key="minio/a")["Body"].read() == b"xyz"
