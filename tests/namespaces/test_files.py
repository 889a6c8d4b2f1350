"""Namespace files over REST: store, list, move, search, archives; and no way out of the namespace."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_user
from tests.support.api_client import ApiClient

Api = Callable[..., ApiClient]
FILES = "/namespaces/company.team/files"


def upload(client: ApiClient, path: str, content: bytes, files: str = FILES) -> int:
    part = {"fileContent": SimpleUploadedFile("x", content)}
    status: int = client.client.post(client.url(files), part, query_params={"path": path}).status_code
    return status


def get(client: ApiClient, kind: str = "", files: str = FILES, **query: str) -> Any:
    return client.client.get(client.url(files + kind), query_params=query)


def post(client: ApiClient, kind: str, **query: str) -> Any:
    return client.client.post(client.url(FILES + kind), query_params=query)


def delete(client: ApiClient, **query: str) -> Any:
    return client.client.delete(client.url(FILES), query_params=query)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        for name, content in members.items():
            written.writestr(name.replace("__", "/"), content)
    return packed.getvalue()


def test_file_is_stored_listed_moved_and_deleted(api: Api, alice: User) -> None:
    client = api(alice)
    assert upload(client, "/dir/a.py", b"print(1)") == 204
    assert upload(client, "b.txt", b"b") == 204

    got = get(client, path="/dir/a.py")
    assert (got.status_code, body(got)) == (200, b"print(1)")
    assert got["Content-Disposition"] == 'attachment; filename="a.py"'
    listed = get(client, "/directory").json()
    assert [(one["fileName"], one["type"], one["size"]) for one in listed] == [
        ("dir", "Directory", 0), ("b.txt", "File", 1),
    ]  # fmt: skip
    assert get(client, "/stats", path="/dir/a.py").json()["size"] == 8
    assert get(client, "/search", q="A.P").json() == ["/dir/a.py"]
    moved = client.client.put(client.url(FILES), query_params={"from": "/dir", "to": "/new/dir"})
    assert moved.status_code == 204
    assert get(client, "/search", q="").json() == ["/b.txt", "/new/dir/a.py"]
    assert get(client, path="/dir/a.py").status_code == 404
    assert post(client, "/directory", path="/empty").status_code == 204
    assert get(client, "/directory", path="/empty").json() == []
    assert get(client, "/directory", path="/none").status_code == 404
    assert delete(client, path="/new").status_code == 204
    assert delete(client, path="/new").status_code == 404
    assert get(client, "/search", q="").json() == ["/b.txt"]
    with tenant_scope("alpha"):
        actions = AuditEntry.objects.filter(resource="NamespaceFile").order_by("date").values_list("type", flat=True)
        assert list(actions) == ["UPDATE", "UPDATE", "UPDATE", "CREATE", "DELETE"]


def test_archive_is_expanded_and_all_is_exported(api: Api, alice: User) -> None:
    client = api(alice)
    assert upload(client, "/in/all.zip", archive(a=b"1", sub__b=b"2")) == 204
    assert get(client, "/search", q="").json() == ["/in/a", "/in/sub/b"]

    exported = get(client, "/export")
    with zipfile.ZipFile(io.BytesIO(body(exported))) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == {"in/a": b"1", "in/sub/b": b"2"}
    assert upload(client, "/bad.zip", b"no archive") == 422


@pytest.mark.parametrize(
    "path", ["../x", "/a/../../x", "/a/%2e%2e/x", "a\\..\\x", "/..", "/a//b", "/a/\x00", "/%252e%252e/x"]
)
def test_no_path_leaves_the_namespace(api: Api, alice: User, path: str) -> None:
    client = api(alice)
    upload(client, "/a/inside", b"1")

    assert upload(client, path, b"out") == 422
    if "\x00" not in path:  # where the archive itself ends a name
        assert upload(client, "/x.zip", archive(ok=b"1", **{path.replace("/", "__"): b"out"})) == 422
    for answer in (
        get(client, path=path),
        delete(client, path=path),
        get(client, "/directory", path=path),
        get(client, "/stats", path=path),
        post(client, "/directory", path=path),
        client.client.put(client.url(FILES), query_params={"from": "/a/inside", "to": path}),
        client.client.put(client.url(FILES), query_params={"from": path, "to": "/b"}),
    ):
        assert answer.status_code == 422, answer.content
    assert get(client, "/search", q="").json() == ["/a/inside"]


def test_namespaces_and_tenants_stay_apart(api: Api, alice: User, charlie: User) -> None:
    upload(api(alice), "/x", b"of team")

    assert get(api(alice), "/search", files="/namespaces/company/files", q="").json() == []
    assert get(api(alice), "", files="/namespaces/company.team.sub/files", path="/x").status_code == 404
    assert get(api(charlie), path="/x").status_code == 404
    assert get(api(charlie, tenant="beta"), path="/x").status_code == 404


def test_rights_on_flows_open_the_files(api: Api, alice: User, bob: User) -> None:
    upload(api(alice), "/x", b"1")
    assert body(get(api(bob), path="/x")) == b"1"
    assert upload(api(bob), "/y", b"") == 403
    assert delete(api(bob), path="/x").status_code == 403
    with tenant_scope("alpha"):
        sister = make_user("sister@example.com")
        grant(sister, "FLOW:READ", "FLOW:CREATE", "FLOW:DELETE", namespace="company.other")
    assert get(api(sister), path="/x").status_code == 403
    assert upload(api(sister), "/x", b"") == 403


def test_what_is_missing_is_told(api: Api, alice: User) -> None:
    client = api(alice)

    assert get(client).status_code == 400
    assert post(client, "", path="/x").status_code == 400
    assert get(client, path="/none").status_code == 404
