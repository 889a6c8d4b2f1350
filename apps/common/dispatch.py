"""Hands a job to the background after commit, through the dispatcher named in settings; knows no broker.

A message is only a nudge: rows and timers hold the truth. So a broker that cannot be reached is logged, not raised.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from apps.common.current_tenant import current_tenant_id

log = structlog.get_logger(__name__)

EXECUTOR_QUEUE: Final = "executor"
CURRENT: Final = "*current*"
"""In place of a tenant's id: the one that is open now; none when none is."""

Argument = str | int | float | bool | None | Sequence["Argument"] | Mapping[str, "Argument"]


class BrokerUnreachable(ConnectionError):
    """The broker did not take the message."""


class Dispatcher(Protocol):
    """Takes `job`, written <app>.<function of its jobs.py>, with JSON arguments. Raises BrokerUnreachable: then some of
    several messages may have been taken."""

    def send(self, job: str, args: tuple[Argument, ...], *, tenant: str | None, queue: str) -> None: ...

    def send_each(self, job: str, arguments: Sequence[tuple[Argument, ...]], *, tenant: str | None, queue: str) -> None:
        """A message for each of the arguments."""


def worker_queue(group: str) -> str:
    """The queue of a worker group."""
    return f"worker.{group}"


def send(job: str, *args: Argument, queue: str = EXECUTOR_QUEUE, tenant: str | None = CURRENT) -> None:
    """Hand over when the transaction commits, at once when there is none; never when it rolls back."""
    transaction.on_commit(_sender(job, [args], queue, _tenant_of(tenant)))


def send_each(job: str, arguments: Sequence[tuple[Argument, ...]], *, queue: str) -> None:
    """The same for several of the open tenant, which costs the broker one statement."""
    if arguments:
        transaction.on_commit(_sender(job, arguments, queue, _tenant_of(CURRENT)))


def send_now(job: str, *args: Argument, queue: str = EXECUTOR_QUEUE, tenant: str | None = CURRENT) -> bool:
    """Hand over without waiting for a commit; for callers that have committed. False: the broker was not reached."""
    return _sender(job, [args], queue, _tenant_of(tenant))()


def _tenant_of(tenant: str | None) -> str | None:
    return current_tenant_id() if tenant == CURRENT else tenant


def _sender(job: str, arguments: Sequence[tuple[Argument, ...]], queue: str, tenant: str | None) -> Callable[[], bool]:
    def hand_over() -> bool:
        try:
            dispatcher = _dispatcher(settings.KESTRA_DISPATCHER)
            if len(arguments) == 1:
                dispatcher.send(job, arguments[0], tenant=tenant, queue=queue)
            else:
                dispatcher.send_each(job, arguments, tenant=tenant, queue=queue)
        except BrokerUnreachable as error:
            log.warning("job not sent, its timer will send it again", job=job, queue=queue, error=str(error))
            return False
        return True

    return hand_over


@cache
def _dispatcher(path: str) -> Dispatcher:
    made: Dispatcher = import_string(path)()
    return made
