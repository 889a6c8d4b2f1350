"""How often the database commits while an execution runs: at most once per task, and three more."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections

from tests.support.flow_runner import FlowRunner

LIGHT_TASKS = 40


@contextmanager
def counted_commits() -> Iterator[list[str]]:
    """Every write that this connection commits: one entry per transaction that wrote, by its first write."""
    commits: list[str] = []
    written: list[str] = []

    def watch(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        answer = execute(sql, params, many, context)
        verb = sql.lstrip().split(None, 1)[0].upper()
        if verb in {"INSERT", "UPDATE", "DELETE", "WITH"} or "FOR NO KEY UPDATE" in sql:
            (written if connection.in_atomic_block else commits).append(sql[:60])
        return answer

    wrapper = type(connections["default"])
    original = wrapper._commit

    def commit(self):  # type: ignore[no-untyped-def]
        if written:
            commits.append(written[0])
            written.clear()
        return original(self)

    wrapper._commit = commit
    try:
        with connection.execute_wrapper(watch):
            yield commits
    finally:
        wrapper._commit = original


def many_tasks(count: int) -> str:
    tasks = "".join(
        f"  - id: t{number}\n    type: io.kestra.plugin.core.log.Log\n    message: line {number}\n"
        for number in range(count)
    )
    return f"id: many\nnamespace: company.team\ntasks:\n{tasks}"


def test_an_execution_of_40_light_tasks_commits_once_per_task_and_three_times_more(flows: FlowRunner) -> None:
    flows.run(many_tasks(1))  # the process's driver registers with its first job
    with counted_commits() as commits:
        ran = flows.run(many_tasks(LIGHT_TASKS))
    assert ran.state == "SUCCESS"
    assert len(ran.logs()) == LIGHT_TASKS
    starting = [sql for sql in commits if "flow" in sql.split("\n")[0].lower() and "execution" not in sql.lower()]
    of_execution = [sql for sql in commits if sql not in starting]
    assert len(of_execution) <= LIGHT_TASKS + 3, of_execution


def test_each_task_run_was_ended_by_a_transaction_of_its_own(flows: FlowRunner) -> None:
    ran = flows.run(many_tasks(LIGHT_TASKS))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text), count(*) FROM task_run")
        transactions, runs = cursor.fetchone()
    assert (transactions, runs) == (LIGHT_TASKS, LIGHT_TASKS), ran.states
