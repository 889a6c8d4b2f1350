"""Commands of a step → jobs and their queues, sent by common.dispatch after the commit. Messages carry ids alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from apps.common.dispatch import EXECUTOR_QUEUE, send, send_each, worker_queue
from apps.workflows.engine.commands import (
    AnnounceEnd,
    Command,
    Continue,
    KillChildren,
    KillTask,
    RetryExecution,
    RunTask,
    StartExecution,
)

DEFAULT_GROUP = "default"
"""The worker group of tasks that name none."""
DRAINS = 8
"""Messages for a fan-out that is wider than this."""


def send_created(execution_ids: Sequence[str]) -> None:
    """New executions go to their workers: the first step of one and its first task are one hop, and one message."""
    send_each("workflows.begin_execution", [(one,) for one in execution_ids], queue=worker_queue(DEFAULT_GROUP))


def send_restarted(execution_id: str) -> None:
    """An execution whose rows a surgery has changed, or that begins with copied ones, goes on."""
    send("workflows.go_on_restarted", execution_id, queue=EXECUTOR_QUEUE)


def send_commands(execution_id: str, commands: Iterable[Command]) -> None:
    """Send what a step commanded, when its transaction commits."""
    waiting: dict[str, list[RunTask]] = defaultdict(list)
    for command in commands:
        match command:
            case RunTask(_, worker_group):
                waiting[DEFAULT_GROUP if worker_group is None else worker_group.key].append(command)
            case KillTask():
                pass  # whoever holds the claim looks at its own row twice a second (engine-frames §9.3)
            case Continue():
                send("workflows.continue_execution", execution_id, queue=EXECUTOR_QUEUE)
            case AnnounceEnd():
                send("workflows.announce_end", execution_id, command.slot_freed, queue=EXECUTOR_QUEUE)
            case StartExecution(run_id, child_id, token, batch):
                send("workflows.start_child", execution_id, run_id, child_id, token, batch, queue=EXECUTOR_QUEUE)
            case KillChildren(run_id):
                send("workflows.kill_children", execution_id, run_id, queue=EXECUTOR_QUEUE)
            case RetryExecution(new_id):
                send("workflows.retry_execution", execution_id, new_id, queue=EXECUTOR_QUEUE)
    for group, tasks in waiting.items():
        _send_waiting(execution_id, group, tasks)


def send_drain(execution_id: str, group: str) -> None:
    """Ask a worker of the group to take what waits in an execution, one task run after another."""
    send("workflows.drain_execution", execution_id, queue=worker_queue(group))


def _send_waiting(execution_id: str, group: str, tasks: list[RunTask]) -> None:
    """A message for each run, or, for a wide fan-out, a few that each drain it: a message costs more than a task.

    Who drains goes by the groups that the flow names, so runs whose group was computed are told each.
    """
    if len(tasks) <= DRAINS or any(task.computed for task in tasks):
        for task in tasks:
            send("workflows.run_task_run", execution_id, task.run_id, queue=worker_queue(group))
        return
    for _ in range(DRAINS):
        send_drain(execution_id, group)
