"""Flows and executions in alpha, asked about over the API."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.rbac.models import Binding, Role
from apps.storage.internal_storage import default_backend
from tests.factories import bind
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.support.world import person

HELLO = """id: hello
namespace: company.team
labels:
  team: data
inputs:
  - {id: who, type: STRING, defaults: world}
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "Hello {{ inputs.who }}"
"""


def flow_source(flow_id: str, namespace: str = "company.team", *, labels: str = "", message: str = "hi") -> str:
    """A flow of one task."""
    head = f"id: {flow_id}\nnamespace: {namespace}\n" + (f"labels: {{{labels}}}\n" if labels else "")
    return head + f"tasks:\n  - {{id: log, type: io.kestra.plugin.core.log.Log, message: {message}}}\n"


@pytest.fixture(autouse=True)
def _master_key(settings: Any) -> None:
    settings.KESTRA_MASTER_KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.KESTRA_STORAGE_TYPE = "local"
    settings.KESTRA_STORAGE_CONFIGURATION = {"basePath": str(tmp_path / "storage")}
    default_backend.cache_clear()
    yield
    default_backend.cache_clear()


@pytest.fixture
def as_alice(alice: User, in_alpha: object) -> ApiClient:
    """Admin of alpha, whose schema is open; nothing is committed."""
    return ApiClient(alice)


@pytest.fixture
def as_bob(bob: User, in_alpha: object) -> ApiClient:
    """Viewer of company.team."""
    return ApiClient(bob)


@pytest.fixture
def running(flows: FlowRunner) -> tuple[ApiClient, FlowRunner]:
    """Alice with real commits, and what runs the jobs."""
    return ApiClient(person("alice")), flows


@pytest.fixture
def allow(running: tuple[ApiClient, FlowRunner]) -> Iterator[Callable[[User, dict[str, list[str]], str], None]]:
    """Binds a person to a role of the test's own in a namespace; undone afterwards, as roles outlive real commits."""
    made: list[Role] = []

    def bind_to(user: User, permissions: dict[str, list[str]], namespace: str) -> None:
        made.append(Role.objects.create(name=f"Made for {namespace} {len(made)}", permissions=permissions))
        bind(user, made[-1], namespace=namespace)

    yield bind_to
    Binding.objects.filter(role__in=made).delete()
    Role.objects.filter(pk__in=[role.pk for role in made]).delete()


@pytest.fixture
def count_queries(django_assert_max_num_queries: Callable[..., Any]) -> Callable[[Callable[[], Any]], int]:
    """How many statements a call makes."""

    def count(call: Callable[[], Any]) -> int:
        with django_assert_max_num_queries(1000) as seen:
            call()
        return len(seen.captured_queries)

    return count


def started(client: ApiClient, runner: FlowRunner, path: str = "company.team/hello", **query: Any) -> str:
    """Start an execution over the API and run it to where nothing is left to do now."""
    answer = client.post(f"/executions/{path}", **query)
    assert answer.status_code == 200, answer.content
    runner.jobs.run()
    return str(answer.json()["id"])


def errors_of(answer: Any) -> list[dict[str, Any]]:
    """The problems in an error's body."""
    found: list[dict[str, Any]] = json.loads(answer.content)["_embedded"]["errors"]
    return found


def explain(sql: str, values: list[Any]) -> str:
    """PostgreSQL's plan as text."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql, values)
        return "\n".join(row[0] for row in cursor.fetchall())
