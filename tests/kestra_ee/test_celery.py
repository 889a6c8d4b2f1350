"""Jobs run in the tenant of their message; senders need not import them."""

from typing import Any

import pytest
from celery import shared_task
from django.db import connection
from kombu.exceptions import OperationalError
from pytest_django import Settings

from apps.common import dispatch
from apps.common.current_tenant import current_tenant_id
from apps.tenants.scope import UnknownTenant, tenant_scope
from kestra_ee.celery import TENANT_HEADER, CeleryDispatcher, app, check_connection

seen: list[Any] = []


@shared_task(name="test.note")
def note(word: str) -> None:
    seen.append((word, current_tenant_id()))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    seen.clear()


def test_job_runs_in_the_tenant_of_its_header(db: None) -> None:
    note.apply(("a",), headers={TENANT_HEADER: "alpha"}).get()
    note.apply(("b",), headers={TENANT_HEADER: "beta"}).get()
    note.apply(("c",)).get()
    assert seen == [("a", "alpha"), ("b", "beta"), ("c", None)]
    assert current_tenant_id() is None


def test_job_without_tenant_runs_in_public_even_if_a_tenant_was_left_open(db: None) -> None:
    with tenant_scope("alpha"):
        note.apply(("x",)).get()
    assert seen == [("x", None)]


def test_job_of_a_dropped_tenant_fails_before_it_begins(db: None) -> None:
    with pytest.raises(UnknownTenant):
        note.apply(("x",), headers={TENANT_HEADER: "dropped"}).get()
    assert seen == []


def test_dispatcher_sends_name_arguments_queue_and_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(app, "send_task", lambda *args, **options: sent.append((args, options)))
    CeleryDispatcher().send("workflows.advance_execution", ("id", {"a": 1}), tenant="alpha", queue="worker.default")
    ((args, options),) = sent
    assert args == ("workflows.advance_execution",)
    assert options["args"] == ("id", {"a": 1})
    assert options["queue"] == "worker.default"
    assert options["headers"] == {TENANT_HEADER: "alpha"}


def test_unreachable_broker_is_said_in_the_product_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(app, "send_task", refuse)
    with pytest.raises(dispatch.BrokerUnreachable, match="refused"):
        CeleryDispatcher().send("a.b", (), tenant=None, queue="executor")


def test_lost_nudge_does_not_fail_what_was_committed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KESTRA_DISPATCHER = "kestra_ee.celery.CeleryDispatcher"

    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(app, "send_task", refuse)
    assert dispatch.send_now("a.b", "x") is False


def test_jobs_are_named_by_app_and_function() -> None:
    assert app.gen_task_name("tick", "apps.workflows.jobs") == "workflows.tick"
    app.loader.import_default_modules()
    assert "workflows.tick" in app.tasks


def test_job_of_a_tenant_finds_out_by_itself_that_its_connection_died(committed_alpha: str) -> None:
    other = connection.copy()
    with connection.cursor() as cursor, other.cursor() as killer:
        cursor.execute("SELECT pg_backend_pid()")
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone())
    other.close()
    note.apply(("x",), headers={TENANT_HEADER: "alpha"}).get()
    assert seen == [("x", "alpha")]


def test_connection_that_died_is_replaced_before_the_next_job(committed_alpha: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    check_connection(note)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_schema()")
        new_pid, schema = cursor.fetchone()
    assert new_pid != pid
    assert schema == "t_alpha", "the new connection is in the same tenant"
