"""The Celery app: queues, tenants, each app's `jobs`; and the dispatcher behind apps.common.dispatch."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import psycopg
import structlog
from celery import Celery, Task, signals
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from kombu.exceptions import OperationalError as BrokerError

from apps.common.dispatch import Argument, BrokerUnreachable
from apps.tenants.scope import public_scope, tenant_scope
from kestra_ee.launcher import queue_transport

TENANT_HEADER = "kestra_tenant"


class ScopedJob(Task):
    """Opens the schema of the tenant named in the message's header around the job; public when there is none."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tenant = tenant_of(self)
        structlog.contextvars.bind_contextvars(tenant=tenant, job=self.name)
        try:
            with _scope_of(tenant):
                return super().__call__(*args, **kwargs)
        finally:
            structlog.contextvars.unbind_contextvars("tenant", "job")


@contextmanager
def _scope_of(tenant: str | None) -> Iterator[None]:
    """A connection kept for many jobs may have died with the server: the query that opens the schema finds it out."""
    with ExitStack() as scope:
        try:
            scope.enter_context(tenant_scope(tenant) if tenant else public_scope())
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            connection.close()
            scope.enter_context(tenant_scope(tenant) if tenant else public_scope())
        yield


def tenant_of(job: Task) -> str | None:
    """The tenant that the message of the job under way names."""
    named: str | None = job.request.get(TENANT_HEADER) or (job.request.headers or {}).get(TENANT_HEADER)
    return named


class KestraCelery(Celery):
    """Names a job <app>.<function>, as `send` does."""

    def gen_task_name(self, name: str, module: str) -> str:
        if module.startswith("apps.") and module.endswith(".jobs"):
            return f"{module.removeprefix('apps.').removesuffix('.jobs')}.{name}"
        made: str = super().gen_task_name(name, module)
        return made


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kestra_ee.settings")
queue_transport.register()
app = KestraCelery("kestra_ee", task_cls=ScopedJob)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(lambda: [name for name in settings.INSTALLED_APPS if name.startswith("apps.")], "jobs")


class CeleryDispatcher:
    """Sends jobs by name, so that the sender need not import them."""

    def send(self, job: str, args: tuple[Argument, ...], *, tenant: str | None, queue: str) -> None:
        self.send_each(job, [args], tenant=tenant, queue=queue)

    def send_each(self, job: str, arguments: Sequence[tuple[Argument, ...]], *, tenant: str | None, queue: str) -> None:
        """A message for each of the arguments, all in one statement where the broker is able to."""
        try:
            with queue_transport.gathered_messages() if len(arguments) > 1 else nullcontext():
                for args in arguments:
                    app.send_task(job, args=args, queue=queue, headers={TENANT_HEADER: tenant}, ignore_result=True)
        except (BrokerError, OSError, psycopg.Error) as error:
            raise BrokerUnreachable(str(error)) from error


@signals.task_prerun.connect(weak=False)
def check_connection(task: Task, **_: Any) -> None:
    """A connection that broke or is old is closed before the job. A job without a tenant, whose schema is opened
    without a query, also looks whether the connection is alive: it may have died with the server."""
    if connection.in_atomic_block:
        return  # run in place, within the caller's transaction
    if tenant_of(task) is None:
        connection.health_check_enabled = True  # type: ignore[attr-defined]
        connection.health_check_done = False  # type: ignore[attr-defined]
    close_old_connections()


@signals.worker_process_init.connect(weak=False)
def forget_context(**_: Any) -> None:
    """What the parent had bound for its log lines does not hold in the child."""
    structlog.contextvars.clear_contextvars()
