"""``logToFile``: the log of each try is a file in internal storage, and nothing of it is in the table."""

from __future__ import annotations

import pytest

from apps.storage.internal_storage import InternalStorage, open_storage, task_file_address
from tests.support.flow_runner import FlowRunner, Ran

FLOW = """
id: quiet
namespace: company.team
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: [one, "{{ taskrun.id }}"], logToFile: true}
  - {id: aloud, type: io.kestra.plugin.core.log.Log, message: heard}
"""


def stored_log(ran: Ran, task_id: str, attempt: int) -> str:
    """The text of a try's log, read at the address the attempt names."""
    run = ran.run_of(task_id)
    attempts = run.attempts or []
    address = attempts[attempt]["logFile"]
    wanted = task_file_address(
        "company.team", ran.execution.flow_id, ran.execution_id, task_id, run.id, f"logs/attempt-{attempt}.log"
    )
    assert address == wanted
    return open_storage().read(address).decode()


def test_the_log_lies_in_a_file_and_not_in_the_table(flows: FlowRunner) -> None:
    ran = flows.run(FLOW)
    lines = stored_log(ran, "say", 0).splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["INFO one", f"INFO {ran.run_of('say').id}"]
    assert ran.logs("say") == []
    assert ran.logs("aloud") == ["heard"]
    assert "logFile" not in (ran.run_of("aloud").attempts or [{}])[0]


def test_each_try_has_its_own_file_and_the_level_counts(flows: FlowRunner) -> None:
    ran = flows.run(
        """
id: tries
namespace: company.team
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: "try {{ taskrun.attemptsCount }}"
    logToFile: true
    logLevel: WARN
    retry: {type: constant, interval: PT0.01S, maxAttempt: 2}
"""
    )
    assert ran.state == "FAILED"
    texts = [stored_log(ran, "fail", attempt) for attempt in (0, 1)]
    assert ["try 0" in texts[0], "try 1" in texts[1]] == [True, True]
    assert all(" INFO " not in text for text in texts)
    assert not [line for line in ran.logs("fail") if line.startswith("try")]


def test_a_unit_and_its_children_keep_theirs(flows: FlowRunner) -> None:
    ran = flows.run(
        """
id: unit
namespace: company.team
tasks:
  - id: dir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks: [{id: say, type: io.kestra.plugin.core.log.Log, message: inside, logToFile: true}]
"""
    )
    assert ran.state == "SUCCESS"
    assert stored_log(ran, "say", 0).endswith("INFO inside\n")


def test_a_storage_that_refuses_the_file_changes_no_result(flows: FlowRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: InternalStorage, address: str, content: object) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(InternalStorage, "put", refuse)
    ran = flows.run(FLOW)
    assert ran.state == "SUCCESS"
    told, tail = ran.logs("say")
    assert "no space left" in told
    assert "INFO one\n" in tail
