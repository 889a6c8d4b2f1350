"""The Celery app: queues, tenants, each app's `jobs`; and the dispatcher behind apps.common.dispatch."""

import os
from typing import Any

import structlog
from celery import Celery, Task, signals
from django.conf import settings
from django.db import close_old_connections, connection
from kombu.exceptions import OperationalError

from apps.common.dispatch import Argument, BrokerUnreachable
from apps.tenants.scope import public_scope, tenant_scope
from kestra_ee.launcher import queue_transport

TENANT_HEADER = "kestra_tenant"


class ScopedJob(Task):
    """Opens the schema of the tenant named in the message's header around the job; public when there is none."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tenant = self.request.get(TENANT_HEADER) or (self.request.headers or {}).get(TENANT_HEADER)
        structlog.contextvars.bind_contextvars(tenant=tenant, job=self.name)
        try:
            with tenant_scope(tenant) if tenant else public_scope():
                return super().__call__(*args, **kwargs)
        finally:
            structlog.contextvars.unbind_contextvars("tenant", "job")


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
        try:
            app.send_task(job, args=args, queue=queue, headers={TENANT_HEADER: tenant}, ignore_result=True)
        except (OperationalError, OSError) as error:
            raise BrokerUnreachable(str(error)) from error


@signals.task_prerun.connect(weak=False)
def check_connection(**_: Any) -> None:
    """A connection kept for many jobs may have died with the server: look before the job, or all of them fail."""
    if connection.in_atomic_block:
        return  # run in place, within the caller's transaction
    connection.health_check_enabled = True  # type: ignore[attr-defined]
    connection.health_check_done = False  # type: ignore[attr-defined]
    close_old_connections()


@signals.worker_process_init.connect(weak=False)
def forget_context(**_: Any) -> None:
    """What the parent had bound for its log lines does not hold in the child."""
    structlog.contextvars.clear_contextvars()
