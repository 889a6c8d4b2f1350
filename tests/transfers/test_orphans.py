"""Files that nothing points to: told, deleted on demand, and nothing else touched."""

from __future__ import annotations

import os
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.common.ids import new_id
from apps.isolation.catalog import Kind
from apps.isolation.services import save_choice
from apps.namespaces.catalog import KvType, TypedValue
from apps.namespaces.services import set_kv
from apps.storage.internal_storage import (
    kv_value_address,
    namespace_file_address,
    open_storage,
    task_file_address,
)
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import make_super_admin
from tests.support.flow_runner import FlowRunner
from tests.support.inline_dispatcher import Jobs

FLOW = "id: f\nnamespace: a\ntasks:\n  - id: t\n    type: io.kestra.plugin.core.debug.Return\n    format: x\n"


@pytest.fixture
def root(db: None) -> User:
    return make_super_admin("root@example.com")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def age(folder: Path, hours: float) -> None:
    for path in folder.rglob("*"):
        os.utime(path, times=(time.time() - hours * 3600,) * 2)


def test_orphans_go_and_all_else_stays(
    alpha: Tenant, beta: Tenant, root: User, jobs: Jobs, tmp_path: Path, instance_storage: Path
) -> None:
    gone = new_id()
    with tenant_scope("alpha"):
        living = FlowRunner(jobs).start(FLOW).execution_id
        open_storage().put(namespace_file_address("own", "former"), b"stranded")
        save_choice(acting_user=root, kind=Kind.STORAGE, namespace="own", type_name="local",
                    configuration={"basePath": str(tmp_path / "own")})  # fmt: skip
        for namespace in ("a", "own"):
            set_kv(acting_user=None, namespace=namespace, key="k", value=TypedValue(KvType.STRING, "v"))
            for address in (
                task_file_address(namespace, "f", living, "t", new_id(), "kept"),
                task_file_address(namespace, "f", gone, "t", new_id(), "orphan"),
                kv_value_address(namespace, "k.x", gone),
                namespace_file_address(namespace, f"executions/{gone}/mine"),
            ):
                open_storage().put(address, b"12345")
    with tenant_scope("beta"):
        open_storage().put(task_file_address("a", "f", gone, "t", new_id(), "of-beta"), b"x")
    before = files(tmp_path)
    output = StringIO()
    call_command("find_orphans", "alpha", stdout=output)
    assert output.getvalue() == "alpha: no orphans\n", "they are too young"

    age(tmp_path, 30)
    output = StringIO()
    call_command("find_orphans", "alpha", "--stranded", stdout=output)
    told = output.getvalue()
    assert "alpha: 2 files, 10 bytes found: execution\n" in told
    assert "alpha: 2 files, 10 bytes found: pair\n" in told
    assert "stranded\t8\talpha/own/_files/former" in told
    assert files(tmp_path) == before

    call_command("find_orphans", "alpha", "--delete", stdout=StringIO())
    left = files(tmp_path)
    assert {path for path in before - left if f"/{gone}/" in path or f".{gone}." in path} == before - left
    assert len(before - left) == 4
    output = StringIO()
    call_command("find_orphans", "alpha", "--delete", stdout=output)
    assert output.getvalue() == "alpha: no orphans\n"
    with pytest.raises(CommandError, match="no tenant 'gamma'"):
        call_command("find_orphans", "gamma")
    with pytest.raises(CommandError, match="at least 1 hour"):
        call_command("find_orphans", "--older-than", "0")
