"""Secrets in whole flows: found by namespace, masked wherever a run could show them, one call for many tasks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from pytest_django import Settings

from apps.secrets.services import default_backend, save_secret, secret_cache
from tests.support.flow_runner import FlowRunner

VALUE = 'p4ss "word" & / é'


@pytest.fixture(autouse=True)
def _own_secrets(settings: Settings) -> Iterator[None]:
    settings.KESTRA_MASTER_KEY = base64.b64encode(b"0" * 32).decode()
    secret_cache.forget_all()
    yield
    secret_cache.forget_all()


def everything_stored() -> str:
    """Each row of the open tenant's and the public tables, as text; but for the table of secrets itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema IN ('t_alpha', 'public') AND table_name <> 'secrets_secret'"
        )
        rows = []
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT to_jsonb(found)::text FROM "{schema}"."{table}" found')
            rows += [text for (text,) in cursor.fetchall()]
    return "\n".join(rows)


def test_secret_is_used_and_shown_nowhere(flows: FlowRunner) -> None:
    save_secret(acting_user=None, namespace="company", key="PASSWORD", value=VALUE)
    ran = flows.run(
        """
        id: uses_a_secret
        namespace: company.team
        tasks:
          - id: logs
            type: io.kestra.plugin.core.log.Log
            message: "the password is {{ secret('PASSWORD') }}."
          - id: fits
            type: io.kestra.plugin.core.debug.Return
            format: "{{ secret('PASSWORD') | length }}"
          - id: gives
            type: io.kestra.plugin.core.debug.Return
            format: "it is {{ secret('PASSWORD') }}"
          - id: fails
            type: io.kestra.plugin.core.execution.Fail
            errorMessage: "wrong: {{ secret('PASSWORD') }}"
        """
    )

    assert ran.state == "FAILED"
    assert ran.logs("logs") == ["the password is ********."]
    assert ran.run_of("fits").outputs == {"value": str(len(VALUE))}
    assert ran.run_of("gives").outputs == {"value": "it is ********"}
    stored = everything_stored()
    assert "the password is" in stored
    for shown in (VALUE, json.dumps(VALUE)[1:-1], quote(VALUE), base64.b64encode(VALUE.encode()).decode()):
        assert shown not in stored


def test_secret_in_an_output_of_the_flow_or_of_a_flowable_is_masked(flows: FlowRunner) -> None:
    save_secret(acting_user=None, namespace="company", key="PASSWORD", value="of-the-backend")
    ran = flows.run(
        """
        id: gives_a_secret
        namespace: company.team
        outputs: [{id: given, type: STRING, value: "{{ secret('PASSWORD') }}"}]
        tasks:
          - id: choose
            type: io.kestra.plugin.core.flow.Switch
            value: "{{ secret('PASSWORD') }}"
            cases:
              of-the-backend: [{id: met, type: io.kestra.plugin.core.log.Log, message: met}]
        """
    )

    assert ran.states == [("choose", "SUCCESS"), ("met", "SUCCESS")]
    assert ran.execution.outputs == {"given": "********"}
    assert ran.run_of("choose").outputs["value"] == "********"


def test_secret_input_is_clear_where_it_is_rendered_and_masked_in_the_log(flows: FlowRunner) -> None:
    save_secret(acting_user=None, namespace="company", key="PASSWORD", value="of-the-backend")
    ran = flows.run(
        """
        id: takes_a_secret
        namespace: company.team
        inputs: [{id: token, type: SECRET}]
        tasks:
          - id: both
            type: io.kestra.plugin.core.debug.Return
            format: "{{ inputs.token }} {{ secret('PASSWORD') }}"
          - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ inputs.token }} {{ outputs.both.value }}"}
        """,
        {"token": "of-the-person"},
    )

    assert ran.run_of("both").outputs == {"value": "of-the-person ********"}
    assert ran.logs("log") == ["******** ******** ********"]
    assert ran.execution.inputs["token"]["type"] == "io.kestra.datatype:aes_encrypted"
    assert "of-the-backend" not in everything_stored()


def test_missing_secret_fails_the_task_and_names_the_key(flows: FlowRunner) -> None:
    ran = flows.run(
        """
        id: misses_a_secret
        namespace: company.team
        tasks:
          - {id: a, type: io.kestra.plugin.core.log.Log, message: "{{ secret('NONE') }}"}
        """
    )

    assert ran.state == "FAILED"
    assert any("Cannot find secret for key 'NONE'" in line for line in ran.logs("a"))


def test_forty_tasks_make_one_call(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    save_secret(acting_user=None, namespace="company", key="TOKEN", value="t0ken")
    calls: list[Any] = []
    backend = default_backend()
    read = backend.read
    monkeypatch.setattr(backend, "read", lambda place, key: calls.append((place.namespace, key)) or read(place, key))
    tasks = "\n".join(
        f"          - {{id: t{number}, type: io.kestra.plugin.core.log.Log, message: \"{{{{ secret('TOKEN') }}}}\"}}"
        for number in range(40)
    )

    ran = flows.run(f"\n        id: forty\n        namespace: company\n        tasks:\n{tasks}\n")

    assert ran.state == "SUCCESS"
    assert ran.logs() == ["********"] * 40
    assert calls == [("company", "TOKEN")]


def test_field_of_a_secret(flows: FlowRunner) -> None:
    save_secret(acting_user=None, namespace="company", key="DB", value='{"user": "ann", "port": 5432}')
    ran = flows.run(
        """
        id: field
        namespace: company
        tasks:
          - id: a
            type: io.kestra.plugin.core.debug.Return
            format: "{{ secret('DB', subkey='user') == 'ann' }} {{ secret('DB', subkey='port') == '5432' }}"
          - id: b
            type: io.kestra.plugin.core.debug.Return
            format: "{{ secret('DB', namespace='company', subkey='none', errorOnMissing=false) ?? 'absent' }}"
        """
    )

    assert ran.state == "SUCCESS"
    assert ran.run_of("a").outputs == {"value": "true true"}
    assert ran.run_of("b").outputs == {"value": "absent"}
