"""What Celery runs. Thin: each job calls a service or the driver; ids in, nothing out; all may come twice or never."""

from __future__ import annotations

from importlib.metadata import version

from celery import current_app, shared_task, signals

from apps.common.clock import now as read_clock
from apps.workflows.services.announcements import announce_execution_end
from apps.workflows.services.chores import run_chores
from apps.workflows.services.clock import tick_timers, wake
from apps.workflows.services.continuing import continue_execution as continue_step
from apps.workflows.services.continuing import go_on_restarted as restarted_step
from apps.workflows.services.flow_triggers import tell_triggers as tell
from apps.workflows.services.handing_over import here_or_on_workers
from apps.workflows.services.retention import purge_by_retention as purge_old
from apps.workflows.services.retrying import create_retry
from apps.workflows.services.rollups import fold_rollups as fold_counts
from apps.workflows.services.subflows import create_child, kill_children_of
from apps.workflows.worker.drive import Driver
from apps.workflows.worker.poll_trigger import poll_trigger as look
from apps.workflows.worker.pulse import Pulse
from apps.workflows.worker.streams import StreamKeeper
from apps.workflows.worker.working_directory import sweep_working_directories

_DRIVERS: list[Driver] = []
"""The one driver of this process, made when the process starts or runs its first task."""
_KEEPERS: list[StreamKeeper] = []
"""The one keeper of streams of this process, made when the process starts."""


def driver() -> Driver:
    """This process's driver, with its pulse running."""
    if not _DRIVERS:
        groups = served_groups()
        pulse = Pulse("WORKER", ",".join(sorted(groups)), version("kestra-ee"))
        pulse.start()
        _DRIVERS.append(Driver(pulse, groups))
    return _DRIVERS[0]


def served_groups() -> frozenset[str]:
    """The worker groups whose queues this process consumes."""
    queues = current_app.amqp.queues.consume_from
    return frozenset(name.removeprefix("worker.") for name in queues if name.startswith("worker."))


@signals.worker_process_init.connect(weak=False)
def start_driver(**_: object) -> None:
    """A worker's pool process starts: its heartbeat begins before its first claim."""
    if served_groups():
        made = driver()
        sweep_working_directories()
        _KEEPERS.append(StreamKeeper(lambda: made.pulse.process_id, made.groups))
        _KEEPERS[0].start()


@signals.worker_process_shutdown.connect(weak=False)
def stop_driver(**_: object) -> None:
    """A pool process ends by itself: say so, so that nobody waits for its heartbeat to stop."""
    while _KEEPERS:
        _KEEPERS.pop().stop()
    while _DRIVERS:
        _DRIVERS.pop().pulse.stop()


@shared_task
def begin_execution(execution_id: str) -> None:
    """First step of a new execution, and its tasks from there."""
    driver().begin(execution_id)


@shared_task
def run_task_run(execution_id: str, run_id: str) -> None:
    """Claim a task run that waits, run it, and go on from there."""
    driver().run(execution_id, run_id)


@shared_task
def drain_execution(execution_id: str) -> None:
    """Take what waits for a worker in an execution, one task run after another."""
    driver().drain(execution_id)


@shared_task
def continue_execution(execution_id: str) -> None:
    """A step that had more to do than one slice."""
    continue_step(execution_id)


@shared_task
def go_on_restarted(execution_id: str) -> None:
    """The first step after a surgery."""
    restarted_step(execution_id)


@shared_task
def start_child(execution_id: str, run_id: str, child_id: str, token: str, batch: int | None) -> None:
    """A task run asks for the execution of a subflow."""
    here_or_on_workers(
        lambda: create_child(execution_id, run_id, child_id=child_id, token=token, batch=batch),
        "workflows.start_child", execution_id, run_id, child_id, token, batch,
    )  # fmt: skip


@shared_task
def kill_children(execution_id: str, run_id: str) -> None:
    """A task run was killed: so is what it started."""
    kill_children_of(run_id)


@shared_task
def retry_execution(execution_id: str, new_id: str) -> None:
    """An execution ended RETRIED: the next one starts."""
    create_retry(execution_id, new_id)


@shared_task
def announce_end(execution_id: str, slot_freed: bool) -> None:
    """An execution has ended: tell who waits for it."""
    here_or_on_workers(
        lambda: announce_execution_end(execution_id, slot_freed=slot_freed),
        "workflows.announce_end", execution_id, slot_freed,
    )  # fmt: skip


@shared_task
def tell_triggers(execution_id: str, number: int) -> None:
    """An execution has entered a state that triggers wait for."""
    here_or_on_workers(lambda: tell(execution_id, number), "workflows.tell_triggers", execution_id, number)


@shared_task
def poll_trigger(number: int, claim: str) -> None:
    """One look of a polling trigger."""
    look(number, claim, driver().pulse.process_id)


@shared_task
def wake_timers(timers: list[list[str]]) -> None:
    """Steps for due timers (kind, key) of the open tenant."""
    wake([(kind, key) for kind, key in timers])


@shared_task
def tick() -> None:
    """Each second: claim what is due, find lost processes, keep house."""
    now = read_clock()
    tick_timers(now)
    run_chores(now)


@shared_task
def purge_by_retention() -> None:
    """What tenants keep for some days only goes."""
    purge_old()


@shared_task
def fold_rollups() -> None:
    """Each minute: what dashboards count."""
    fold_counts()
