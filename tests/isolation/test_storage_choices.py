"""Storage per namespace and tenant: resolution, credentials, who may choose what; and nothing lands elsewhere."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.errors import Forbidden, IllegalArgument
from apps.common.ids import new_id
from apps.encryption.models import DataKey
from apps.isolation.catalog import HIDDEN, BackendMisconfigured, Kind
from apps.isolation.models import WHOLE_TENANT, BackendChoice
from apps.isolation.selectors import BackendDenied, read_choices, show_choice
from apps.isolation.services import ConnectionFailed, check_connection, clear_choice, save_choice
from apps.storage.internal_storage import (
    FileMissing,
    InternalStorage,
    InvalidPath,
    cache_address,
    kv_value_address,
    namespace_file_address,
    open_storage,
    owner_of,
    task_file_address,
)
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.cloud_servers import aws_server

Api = Callable[..., ApiClient]
STORAGE = Kind.STORAGE
HELD = "an-s3-secret-value"


@pytest.fixture
def root(db: None) -> User:
    return make_super_admin("root@example.com")


@pytest.fixture(scope="module")
def s3_address() -> Iterator[str]:
    with aws_server() as address:
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a",
                              aws_secret_access_key="b")  # fmt: skip
        client.create_bucket(Bucket="team")
        yield address


def local(folder: Path) -> dict[str, str]:
    return {"basePath": str(folder)}


def choose(root: User, namespace: str, folder: Path) -> None:
    save_choice(acting_user=root, kind=STORAGE, namespace=namespace, type_name="local", configuration=local(folder))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


def test_nearest_choice_holds_for_a_namespace_and_those_below(
    in_alpha: Tenant, root: User, tmp_path: Path, instance_storage: Path
) -> None:
    for namespace, folder in ((WHOLE_TENANT, "tenant"), ("a", "of-a"), ("a.b", "of-b")):
        choose(root, namespace, tmp_path / folder)
    storage = open_storage()
    for namespace in ("a.b.c", "a.b", "a.bc", "a", "ab", "z"):
        storage.put(namespace_file_address(namespace, "x"), namespace.encode())

    assert files(tmp_path / "of-b") == {"alpha/a/b/c/_files/x", "alpha/a/b/_files/x"}
    assert files(tmp_path / "of-a") == {"alpha/a/bc/_files/x", "alpha/a/_files/x"}
    assert files(tmp_path / "tenant") == {"alpha/ab/_files/x", "alpha/z/_files/x"}
    assert files(instance_storage) == set()

    clear_choice(acting_user=root, kind=STORAGE, namespace="a.b")
    with pytest.raises(FileMissing):
        open_storage().open(namespace_file_address("a.b", "x"))
    clear_choice(acting_user=root, kind=STORAGE, namespace=WHOLE_TENANT)
    open_storage().put(namespace_file_address("z", "y"), b"")
    assert files(instance_storage) == {"alpha/z/_files/y"}


def test_a_flow_that_is_called_like_a_dedicated_namespace_stays_with_its_own(
    in_alpha: Tenant, root: User, tmp_path: Path, instance_storage: Path
) -> None:
    choose(root, "a.b", tmp_path / "of-b")
    execution = new_id()
    storage = open_storage()
    for address in (
        task_file_address("a", "b", execution, "t", new_id(), "out"),
        cache_address("a", "b", "t"),
        cache_address("a", "b", "t", "1"),
    ):
        assert owner_of(address) == "a"
        storage.put(address, b"of the flow b in a")
    assert files(tmp_path / "of-b") == set()
    assert len(files(instance_storage)) == 3

    for address in (
        task_file_address("a.b", "f", execution, "t", new_id(), "out"),
        cache_address("a.b", "f", "t"),
        cache_address("a.b", "cache", "cache", "1"),
        kv_value_address("a.b", "k", "v"),
    ):
        assert owner_of(address) == "a.b"
        storage.put(address, b"of the namespace a.b")
    assert len(files(tmp_path / "of-b")) == 4


def test_namespace_that_reads_like_an_execution_has_no_address() -> None:
    execution = "0123456789abcdefghijkl"

    with pytest.raises(InvalidPath, match="execution"):
        namespace_file_address(f"a.b.executions.{execution}", "x")


def test_random_reads_and_writes_land_where_they_belong(
    alpha: Tenant, beta: Tenant, root: User, tmp_path: Path, instance_storage: Path
) -> None:
    """Two tenants, three namespaces, four backends; and addresses made to get out."""
    places = {("alpha", "a"): "one", ("alpha", "a.b"): "two", ("beta", "a"): "three", ("beta", "a.b"): "three"}
    for (tenant, namespace), folder in places.items():
        if (tenant, namespace) != ("beta", "a.b"):
            with tenant_scope(tenant):
                choose(root, namespace, tmp_path / folder)
    chance = random.Random(20261124)
    written: dict[tuple[str, str], bytes] = {}
    stores: dict[str, InternalStorage] = {}
    for tenant in ("alpha", "beta"):
        with tenant_scope(tenant):
            stores[tenant] = open_storage()
    for number in range(400):
        tenant, namespace = chance.choice(["alpha", "beta"]), chance.choice(["a", "a.b", "c"])
        name = chance.choice(["x", "y/z", "executions/5f", "../../_files/x", "%2e%2e/x", "..%2f..%2fbeta/a", "é"])
        content = f"{tenant} {namespace} {number}".encode()
        try:
            address = chance.choice(
                [
                    lambda ns=namespace, n=name: namespace_file_address(ns, n),
                    lambda ns=namespace, n=name: f"kestra:///{ns.replace('.', '/')}/_files/{n}",
                    lambda ns=namespace, n=name: task_file_address(ns, "b", "4" * 22, "t", "5" * 22, n),
                ]
            )()
            stores[tenant].put(address, content)
        except InvalidPath:
            continue
        written[tenant, address] = content

    assert len(written) > 20
    for (tenant, address), content in written.items():
        assert stores[tenant].read(address) == content
    for folder in {*places.values()}:
        owners = {key for key, held in places.items() if held == folder}
        for path in (tmp_path / folder).rglob("*"):
            if path.is_file():
                tenant, namespace, _ = path.read_text().split()
                assert (tenant, namespace) in owners
                assert path.relative_to(tmp_path / folder).parts[0] == tenant
    assert {path.read_text().split()[1] for path in instance_storage.rglob("*") if path.is_file()} == {"c"}


def test_credentials_are_encrypted_hidden_and_kept(
    in_alpha: Tenant, alice: User, s3_address: str, settings: Settings
) -> None:
    given = {"bucket": "team", "endpoint": s3_address, "forcePathStyle": True, "accessKey": "AK", "secretKey": HELD}
    save_choice(acting_user=alice, kind=STORAGE, namespace="a", type_name="s3", configuration=given)
    row = BackendChoice.objects.get()
    open_storage().put(namespace_file_address("a", "x"), b"in the bucket")

    assert HELD not in row.configuration
    shown = show_choice(STORAGE, "a")
    assert shown is not None
    assert shown.configuration == {**given, "accessKey": HIDDEN, "secretKey": HIDDEN}
    assert HELD not in json.dumps(list(AuditEntry.objects.values("detail", "before", "after")))
    save_choice(acting_user=alice, kind=STORAGE, namespace="a", type_name="s3", configuration=shown.configuration)
    assert BackendChoice.objects.get().version == row.version
    assert open_storage().read(namespace_file_address("a", "x")) == b"in the bucket"

    with pytest.raises(IllegalArgument, match="Give the credentials again"):
        save_choice(acting_user=alice, kind=STORAGE, namespace="a", type_name="s3",
                    configuration={**shown.configuration, "endpoint": "http://elsewhere.example.com"})  # fmt: skip
    with pytest.raises(IllegalArgument, match="there is none"):
        save_choice(acting_user=alice, kind=STORAGE, namespace="b", type_name="s3", configuration=shown.configuration)


def test_connection_is_tried_before_anything_is_saved(in_alpha: Tenant, alice: User, s3_address: str) -> None:
    given = {"bucket": "none-such", "endpoint": s3_address, "accessKey": "AK", "secretKey": HELD,
             "forcePathStyle": True}  # fmt: skip
    for attempt in (save_choice, check_connection):
        with pytest.raises(ConnectionFailed, match=r"The connection failed: .*NoSuchBucket") as found:
            attempt(acting_user=alice, kind=STORAGE, namespace="a", type_name="s3", configuration=given)
        assert HELD not in str(found.value)
    assert not BackendChoice.objects.exists()
    with pytest.raises(BackendMisconfigured, match="no storage type 'paper'"):
        save_choice(acting_user=alice, kind=STORAGE, namespace="a", type_name="paper", configuration={})
    client = boto3.client("s3", endpoint_url=s3_address, region_name="us-east-1", aws_access_key_id="a",
                          aws_secret_access_key="b")  # fmt: skip
    check_connection(acting_user=alice, kind=STORAGE, namespace="a", type_name="s3",
                     configuration={**given, "bucket": "team"})  # fmt: skip
    left = [item["Key"] for item in client.list_objects_v2(Bucket="team").get("Contents", [])]
    assert [key for key in left if "connection-test" in key] == []


def test_only_a_super_admin_chooses_what_belongs_to_the_machine(in_alpha: Tenant, alice: User, tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match="a folder of the machine"):
        choose(alice, "a", tmp_path / "x")
    with pytest.raises(Forbidden, match="own AWS credentials"):
        save_choice(
            acting_user=alice, kind=STORAGE, namespace="a", type_name="s3", configuration={"bucket": "instance-files"}
        )
    assert not (tmp_path / "x").exists()


def test_denied_process_does_not_touch_a_dedicated_backend(
    in_alpha: Tenant, root: User, tmp_path: Path, settings: Settings
) -> None:
    choose(root, "a", tmp_path / "of-a")
    settings.KESTRA_ISOLATION_DENIED = {"storage": ["web"], "secret": []}
    settings.PROCESS = "web"

    with pytest.raises(BackendDenied, match="only workers may reach"):
        open_storage().put(namespace_file_address("a.b", "x"), b"")
    open_storage().put(namespace_file_address("c", "x"), b"")
    settings.PROCESS = "worker"
    open_storage().put(namespace_file_address("a.b", "x"), b"")


def test_lost_key_fails_those_alone_whose_backend_it_hides(
    in_alpha: Tenant, root: User, tmp_path: Path, settings: Settings
) -> None:
    choose(root, "a", tmp_path / "of-a")
    DataKey.objects.all().delete()
    BackendChoice.objects.update(configuration="v1.unknown.AAAAAAAAAAAAAAAAAAAAAAAAAAAA")

    open_storage().put(namespace_file_address("c", "x"), b"")
    with pytest.raises(Exception, match="no data key"):
        open_storage().put(namespace_file_address("a", "x"), b"")
    assert read_choices(STORAGE).spots() == ["a"]


def test_super_admin_gives_a_tenant_its_storage_and_takes_it_back(
    api: Api, alpha: Tenant, root: User, alice: User, tmp_path: Path, s3_address: str
) -> None:
    client = api(root, tenant=None)
    given = {"bucket": "team", "endpoint": s3_address, "forcePathStyle": True, "accessKey": "AK", "secretKey": HELD}
    body = {"id": "alpha", "name": "Alpha", "storageType": "s3", "storageConfiguration": given}

    assert api(alice, tenant=None).put("/tenants/alpha", body).status_code == 403
    wrong = client.put("/tenants/alpha", {**body, "storageConfiguration": {**given, "bucket": "nope-nope"}})
    assert wrong.status_code == 422
    assert HELD not in wrong.content.decode()
    saved = client.put("/tenants/alpha", body)
    assert saved.status_code == 200
    assert saved.json()["storageConfiguration"] == {**given, "accessKey": HIDDEN, "secretKey": HIDDEN}
    assert client.put("/tenants/alpha", {"id": "alpha", "name": "New"}).json()["storageType"] == "s3"
    assert "storageType" not in client.put("/tenants/alpha", {"id": "alpha", "storageType": None}).json()

    types = {item["type"]: item for item in client.get("/instance/isolation/storage/types").json()}
    assert {"local", "s3", "azure", "gcs", "minio"} <= set(types)
    assert types["s3"]["jsonSchema"]["properties"]["secretKey"]["anyOf"][0]["writeOnly"] is True
    tried = client.post("/tenants/alpha/isolation/storage/test", {"type": "s3", "configuration": given})
    assert tried.status_code == 204
    assert client.post("/tenants/alpha/isolation/paper/test", {"type": "s3"}).status_code == 404
