"""One task run: render, run, collect. Touches no execution row; what it gives is a TaskRunEnded."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from pydantic import ValidationError

from apps.common.clock import now as read_clock
from apps.workflows.engine.events import TaskRunEnded
from apps.workflows.execution_store.json_text import clean
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.plugin_api.errors import TaskFailed, TaskKilled, TaskTimedOut
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level, Output, RunnableTask
from apps.workflows.services.stored_outputs import stored_if_large
from apps.workflows.worker.cancellation import Reason
from apps.workflows.worker.run_context import TaskRunContext

log = structlog.get_logger(__name__)

Watch = Callable[[TaskRunContext], AbstractContextManager[None]]
"""Puts a task under its process's pulse while it runs."""


def run_task(
    context: TaskRunContext, task: RunnableTask, watch: Watch, *, within: timedelta | None = None
) -> TaskRunEnded:
    """Run a claimed task run to its end. What the task does never raises: it becomes its state and its log.

    ``within`` is what the unit it runs in has left of its own ``timeout``; the shorter of the two holds.

    Raises OperationalError or InterfaceError when the product's own database went away while it ran: then the claim is
    to be given back, and the task run tried again.
    """

    def work() -> Output | dict[str, Any] | None:
        return task.run(context)

    try:
        return with_log_file(context, run_work(context, work, watch, timeout=task.timeout, within=within))
    finally:
        context.close()


def with_log_file(context: TaskRunContext, ended: TaskRunEnded) -> TaskRunEnded:
    """The result with the address of its log, when that goes to a file. Without a line there is no file.

    A storage that refuses the file changes nothing in the task's result: the reason and the log's end go to the table.
    """
    logs = context.logs
    file = logs.take_file()
    if file is None:
        return ended
    try:
        return ended if file.empty else replace(ended, log_file=file.store(context.storage, logs.attempt))
    except Exception as error:
        # Backends raise errors of many libraries; none of them is the task's failure.
        _check_own(error)
        logs.log(Level.ERROR, f"The log could not be stored as a file: {error}. Look after internal storage; its end:")
        logs.log(Level.INFO, file.tail())
        return ended
    finally:
        file.close()


def run_work(
    context: TaskRunContext,
    work: Callable[[], Output | dict[str, Any] | None],
    watch: Watch,
    *,
    timeout: Property[timedelta] | None = None,
    within: timedelta | None = None,
) -> TaskRunEnded:
    """Do a task run's work under the pulse's eye; errors as ``run_task``. What it made on this machine stays."""
    run = context.run
    state: State
    outputs: dict[str, Any] | None = None
    try:
        own = None if timeout is None else timeout.value(context)
        context.timeout = min((limit for limit in (own, within) if limit is not None), default=None)
        with watch(context):
            state, outputs = _finished(work())
    except TaskKilled:
        state = State.KILLED
    except TaskTimedOut:
        state = State.FAILED
    except TaskFailed as error:
        state, outputs = State.FAILED, error.outputs
        if not error.logged:
            context.log(Level.ERROR, str(error))
    except (ExpressionError, ValidationError) as error:
        _check_own(error)
        state = State.FAILED
        context.log(Level.ERROR, str(error))
    except Exception as error:
        # User work may raise anything; whatever it is fails this task run and is told in its log.
        _check_own(error)
        state = State.FAILED
        context.log(Level.ERROR, str(error) or type(error).__name__)
        context.log(Level.DEBUG, "".join(traceback.format_exception(error)))
    state = _stopped(context, state)
    try:
        outputs = _kept_outputs(context, outputs)
    except Exception as error:
        # Outputs of any kind, and a storage of any kind: what cannot be kept fails the task run that gave it.
        _check_own(error)
        context.log(Level.ERROR, f"The outputs could not be kept: {error}")
        outputs, state = None, State.FAILED
    token = run.token
    if token is None:
        raise ValueError(f"The task run {run.id} is run without a claim")
    return TaskRunEnded(run.id, token, state, outputs, read_clock())


def _check_own(error: BaseException) -> None:
    """Raise what lies behind an error when that is our database: its absence is no failure of the user's task."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OperationalError | InterfaceError):
            raise seen
        seen = seen.__cause__ or seen.__context__


def _finished(output: Output | dict[str, Any] | None) -> tuple[State, dict[str, Any] | None]:
    if output is None:
        return State.SUCCESS, None
    if isinstance(output, Output):
        state = output.final_state or State.SUCCESS
        return state, output.model_dump(mode="json", by_alias=True)
    return State.SUCCESS, output


def _stopped(context: TaskRunContext, state: State) -> State:
    """A task that was told to stop ends as it was told; one that a kill met after its good end keeps that."""
    reason = context.cancellation.reason
    if reason is Reason.KILLED and state is not State.SUCCESS:
        return State.KILLED
    if reason is Reason.TIMED_OUT:
        context.log(Level.ERROR, f"Timeout after {hours(context.timeout or timedelta())}")
        return State.FAILED
    return state


def _kept_outputs(context: TaskRunContext, outputs: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The outputs as the row holds them: plain JSON; what is too large for it lies in a file, named by a marker."""
    if outputs is None:
        return None
    cleaned = context.logs.masked_tree(clean(outputs))
    if not isinstance(cleaned, dict):
        raise TypeError("A task's outputs must be a map")
    attempt = max(len(context.run.attempts) - 1, 0)
    return stored_if_large(cleaned, lambda content: context.storage.put(content, f"outputs/attempt-{attempt}.json"))


def hours(duration: timedelta) -> str:
    """``00:00:05.000``, as the log of a time-out writes it."""
    millis = round(duration.total_seconds() * 1000)
    seconds, millis = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    whole, minutes = divmod(minutes, 60)
    return f"{whole:02d}:{minutes:02d}:{seconds:02d}.{millis:03d}"
