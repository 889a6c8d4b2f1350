"""Two tenants, three namespaces, four backends: what comes through any door lands and is read where it belongs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.common.namespace_paths import lineage
from apps.isolation.catalog import Kind
from apps.isolation.services import save_choice
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.models import Execution
from apps.workflows.services.expression_functions import StoreFunctions
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.support.inline_dispatcher import Jobs
from tests.support.pages import Pages

TENANTS = ("alpha", "beta")
NAMESPACES = ("a", "a.b", "c")
DEDICATED = {("alpha", "a"): "one", ("alpha", "a.b"): "two", ("beta", "a"): "three"}
NAMES = ("x", "y/z", "../../_files/x", "%2e%2e/x", "..%2f..%2f..%2fbeta/a/_files/x", "é", "b/_files/x", "..\\x", "/x",
         ".", "_kv/k", "executions/0123456789abcdefghijkl/x", "\uff0e\uff0e/x", "x%00", "a/./x")  # fmt: skip
CRAFTED = (
    "kestra:///{ns}/_files/{name}", "kestra:///beta/{ns}/_files/{name}", "kestra:///../beta/{ns}/_files/x",
    "kestra:///alpha/../beta/a/_files/x", "kestra://beta/a/_files/x", "kestra:////beta/a/_files/x",
    "kestra:///a/b/_files/x", "kestra:///%2e%2e/beta/a/_files/x", "kestra:///{ns}/../c/_files/x", "/{name}", "{name}",
)  # fmt: skip
FLOW = "id: f\nnamespace: {ns}\ntasks:\n  - id: t\n    type: io.kestra.plugin.core.debug.Return\n    format: x\n"


@pytest.fixture
def places(
    alpha: Tenant, beta: Tenant, tmp_path: Path, instance_storage: Path, jobs: Jobs
) -> Iterator[dict[tuple[str, str], ExecutionFacts]]:
    """An execution in each namespace of each tenant, whose expressions ask."""
    root = make_super_admin("root@example.com")
    facts = {}
    for tenant in TENANTS:
        with tenant_scope(tenant):
            for (owner, namespace), folder in DEDICATED.items():
                if owner == tenant:
                    save_choice(acting_user=root, kind=Kind.STORAGE, namespace=namespace, type_name="local",
                                configuration={"basePath": str(tmp_path / folder)})  # fmt: skip
            for namespace in NAMESPACES:
                row: Execution = FlowRunner(jobs).start(FLOW.format(ns=namespace)).execution
                facts[tenant, namespace] = ExecutionFacts(
                    row.pk, namespace, "f", 1, row.flow_ref, {}, {}, None, [], row.start_date, None
                )
    yield facts


def owner_folder(tenant: str, namespace: str) -> str:
    found = [DEDICATED[tenant, level] for level in lineage(namespace) if (tenant, level) in DEDICATED]
    return found[0] if found else "instance"


operation = st.tuples(
    st.sampled_from(["api", "page", "archive", "kv", "move", "read", "expression", "file", "delete"]),
    st.sampled_from(TENANTS), st.sampled_from(NAMESPACES), st.sampled_from(NAMES), st.sampled_from(CRAFTED),
)  # fmt: skip


class Doors:
    """Everything a person or a flow can do with bytes, below one tenant and namespace."""

    def __init__(self, tenant: str, namespace: str, facts: ExecutionFacts, people: dict[str, User]) -> None:
        self.mark = f"<{tenant}|{namespace}>"
        self.tenant, self.namespace, self.facts = tenant, namespace, facts
        self.api, self.pages = ApiClient(people[tenant], tenant=tenant), Pages(people[tenant], tenant=tenant)
        self.files = f"/namespaces/{namespace}/files"

    def do(self, door: str, name: str, crafted: str) -> str:
        """Text that came back, if any; refusals are answers as well."""
        return str(getattr(self, f"_{door}")(name, crafted.format(ns=self.namespace.replace(".", "/"), name=name)))

    def _api(self, name: str, crafted: str) -> Any:
        content = SimpleUploadedFile("f", self.mark.encode())
        return self.api.client.post(
            self.api.url(self.files), {"fileContent": content}, query_params={"path": name}
        ).content

    def _page(self, name: str, crafted: str) -> str:
        path = f"/ui/{self.tenant}/namespaces/edit/{self.namespace}/files"
        self.pages.client.post(path, {"action": "save", "path": name, "content": self.mark})
        shown = self.pages.client.get(path, {"path": name})
        return str(shown.content.decode()) if 'id="field-content"' in shown.content.decode() else ""

    def _archive(self, name: str, crafted: str) -> Any:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, self.mark)
        content = SimpleUploadedFile("f.zip", packed.getvalue())
        url = self.api.url(self.files)
        return self.api.client.post(url, {"fileContent": content}, query_params={"path": "/up.zip"}).content

    def _kv(self, name: str, crafted: str) -> Any:
        key = name.replace("/", ".")[:20]
        self.api.put(f"/namespaces/{self.namespace}/kv/{key}", f'"{self.mark}"')
        return self.api.get(f"/namespaces/{self.namespace}/kv/{key}").content.decode()

    def _move(self, name: str, crafted: str) -> Any:
        return self.api.client.put(self.api.url(self.files), query_params={"from": "/x", "to": name}).content

    def _delete(self, name: str, crafted: str) -> Any:
        return self.api.client.delete(self.api.url(self.files), query_params={"path": name}).content

    def _read(self, name: str, crafted: str) -> Any:
        found = self.api.client.get(self.api.url(self.files), query_params={"path": name})
        return b"".join(found.streaming_content).decode("utf-8", "replace") if found.streaming else ""

    def _expression(self, name: str, crafted: str) -> str:
        with tenant_scope(self.tenant):
            try:
                return StoreFunctions(self.facts, now=lambda: self.facts.start_date).read(crafted)
            except Exception as error:
                return "" if self.mark in str(error) else str(error).replace(crafted, "")

    def _file(self, name: str, crafted: str) -> Any:
        url = self.api.url(f"/executions/{self.facts.id}/file")
        found = self.api.client.get(url, query_params={"path": crafted})
        return b"".join(found.streaming_content).decode("utf-8", "replace") if found.streaming else ""


def test_nothing_lands_in_or_is_read_from_a_wrong_backend(
    places: dict[tuple[str, str], ExecutionFacts], tmp_path: Path, instance_storage: Path, alice: User, charlie: User
) -> None:
    people = {"alpha": alice, "beta": charlie}
    doors = {place: Doors(*place, facts, people) for place, facts in places.items()}
    marks = {held.mark for held in doors.values()}
    done: list[str] = []

    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(operation, min_size=5, max_size=8))
    def random_operations(operations: list[tuple[str, str, str, str, str]]) -> None:
        for door, tenant, namespace, name, crafted in operations:
            here = doors[tenant, namespace]
            answer = here.do(door, name, crafted)
            done.append(door)
            for other in marks - {here.mark}:
                assert other not in answer, (door, tenant, namespace, name, crafted)

    random_operations()
    assert len(done) >= 80
    landed = 0
    for folder in ("one", "two", "three", "instance"):
        for path in (tmp_path / folder).rglob("*"):
            if not path.is_file():
                continue
            text = path.read_text(errors="replace")
            for (tenant, namespace), held in doors.items():
                if held.mark in text:
                    landed += 1
                    assert owner_folder(tenant, namespace) == folder, (path, text)
                    assert path.relative_to(tmp_path / folder).parts[0] == tenant
    assert landed > 5
