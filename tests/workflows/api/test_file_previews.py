"""Previews of an execution's files: rows, text, pictures; bounded, and only its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from amazon.ion.simpleion import dumps as dump_ion

from apps.storage.internal_storage import execution_address, open_storage
from apps.workflows.models import Execution
from apps.workflows.services.file_previews import MOST_BYTES, MOST_PICTURE_BYTES
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.support.inline_dispatcher import Jobs

FLOW = "id: f\nnamespace: {ns}\ntasks:\n  - {{id: t, type: io.kestra.plugin.core.debug.Return, format: x}}\n"
Ask = Callable[..., Any]


def started(jobs: Jobs, namespace: str = "company.team") -> Execution:
    return FlowRunner(jobs).start(FLOW.format(ns=namespace)).execution


def stored(execution: Execution, name: str, content: bytes) -> str:
    address = execution_address(execution.namespace, execution.flow_id, execution.pk) + "/" + name
    open_storage().put(address, content)
    return address


def preview(client: ApiClient, execution: Execution, **query: Any) -> Any:
    return client.client.get(client.url(f"/executions/{execution.pk}/file/preview"), query_params=query)


@pytest.fixture
def execution(in_alpha: object, jobs: Jobs) -> Execution:
    return started(jobs)


@pytest.fixture
def ask(as_alice: ApiClient, execution: Execution) -> Ask:
    """The preview of a new file of the execution, by name and bytes."""

    def asked(name: str, content: bytes, **query: Any) -> Any:
        address = stored(execution, name, content)
        return preview(as_alice, execution, path=address, **query)

    return asked


def test_rows_of_ion_and_of_lines_of_json(ask: Ask) -> None:
    rows = [{"id": number, "name": f"é{number}"} for number in range(120)]
    ion = dump_ion(rows, binary=False, sequence_as_stream=True).encode()
    found = ask("rows.ion", ion).json()
    assert (found["type"], found["extension"], found["truncated"]) == ("list", "ion", True)
    assert found["content"] == rows[:100]
    assert ask("rows.ion", ion, maxRows=120).json() == {**found, "content": rows, "truncated": False}

    lines = "\n\n".join(json.dumps(row) for row in rows[:3]).encode()
    found = ask("rows.jsonl", lines, maxRows=2).json()
    assert (found["type"], found["content"], found["truncated"]) == ("list", rows[:2], True)


def test_what_is_not_what_its_name_says_is_told(ask: Ask) -> None:
    for name, content in (("bad.ion", b"{a: 1} {b:"), ("bad.jsonl", b'{"a": 1}\nnone')):
        found = ask(name, content)
        assert found.status_code == 200
        assert found.json()["type"] == "text"
        assert found.json()["content"].startswith("The file cannot be read as")


def test_text_is_cut_by_lines_and_by_size(ask: Ask) -> None:
    found = ask("table.csv", b"a,b\n1,2\n3,4\n", maxRows=2).json()
    assert found == {"extension": "csv", "type": "text", "content": "a,b\n1,2\n", "truncated": True}
    assert ask("read.md", b"# Title").json()["type"] == "markdown"
    large = ask("large.txt", b"x" * (MOST_BYTES + 10)).json()
    assert (len(large["content"]), large["truncated"]) == (MOST_BYTES, True)


def test_encodings(ask: Ask) -> None:
    assert ask("old.txt", "é".encode("latin-1"), encoding="latin-1").json()["content"] == "é"
    assert ask("old.txt", b"caf\xe9").json()["content"] == "caf\ufffd", "a wrong guess shows what can be read"
    refused = ask("old.txt", b"x", encoding="klingon")
    assert refused.status_code == 422
    assert "There is no encoding 'klingon'" in refused.json()["message"]
    assert ask("old.txt", b"x", encoding="base64").status_code == 422, "a codec of bytes is no encoding of text"
    for rows in ("0", "5001", "x"):
        assert ask("old.txt", b"x", maxRows=rows).status_code in (400, 422)


def test_pictures(ask: Ask) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    found = ask("plot.PNG", picture).json()
    assert (found["type"], found["extension"], base64.b64decode(found["content"])) == ("image", "png", picture)
    assert ask("large.png", b"\0" * (MOST_PICTURE_BYTES + 1)).json()["truncated"] is True
    assert ask("page.pdf", b"%PDF").json()["type"] == "pdf"


def test_only_files_of_the_execution(
    ask: Ask, as_alice: ApiClient, as_bob: ApiClient, execution: Execution, jobs: Jobs
) -> None:
    hidden = started(jobs, "secret.team")
    address = stored(hidden, "x.txt", b"hidden")
    moved = preview(as_alice, execution, path=address)
    assert moved.status_code == 307
    assert f"/executions/{hidden.pk}/file/preview" in moved.headers["Location"]
    refused = preview(as_bob, execution, path=address)
    assert refused.status_code == 422
    assert "does not belong to execution" in refused.json()["message"]
    assert preview(as_bob, hidden, path=address).status_code in (403, 404)
    gone = execution_address(execution.namespace, execution.flow_id, execution.pk) + "/none.txt"
    assert preview(as_alice, execution, path=gone).status_code == 404
    assert preview(as_alice, execution, path="kestra:///company/team/_files/x").status_code == 422
    assert preview(as_alice, execution).status_code == 400
