"""The dispatcher of tests: keeps what was sent, and runs it in this process when asked."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from django.db import connection

from apps.common.dispatch import Argument
from apps.tenants.scope import public_scope, tenant_scope


@dataclass(frozen=True)
class SentJob:
    """One message."""

    job: str
    args: tuple[Argument, ...]
    tenant: str | None
    queue: str


class InlineDispatcher:
    """All instances share one list; the fixture `jobs` empties it before each test."""

    sent: ClassVar[deque[SentJob]] = deque()

    def send(self, job: str, args: tuple[Argument, ...], *, tenant: str | None, queue: str) -> None:
        self.sent.append(SentJob(job, args, tenant, queue))

    def send_each(self, job: str, arguments: Sequence[tuple[Argument, ...]], *, tenant: str | None, queue: str) -> None:
        for args in arguments:
            self.send(job, args, tenant=tenant, queue=queue)


class Jobs:
    """What a test sees of the background."""

    @property
    def sent(self) -> list[SentJob]:
        """What has been handed over so far, and not run. What waits for the commit goes first."""
        self.commit()
        return list(InlineDispatcher.sent)

    def commit(self) -> None:
        """Runs what waits for the commit of a test's transaction, which itself never commits."""
        while connection.run_on_commit:
            callback = connection.run_on_commit.pop(0)[1]
            callback()

    def run(self, *, most: int = 1000, only: Callable[[SentJob], bool] | None = None) -> int:
        """Runs jobs in the order sent, with those they send, until none is left; how many. Fails after `most`."""
        count = 0
        self.commit()
        while (job := self._take(only)) is not None:
            count += 1
            assert count <= most, f"more than {most} jobs: {job.job} never ends"
            run_job(job)
            self.commit()
        return count

    def take(self, job: SentJob) -> None:
        """Runs this one alone."""
        InlineDispatcher.sent.remove(job)
        run_job(job)
        self.commit()

    def clear(self) -> None:
        """As if the broker had been flushed."""
        self.commit()
        InlineDispatcher.sent.clear()

    def _take(self, only: Callable[[SentJob], bool] | None) -> SentJob | None:
        for job in InlineDispatcher.sent:
            if only is None or only(job):
                InlineDispatcher.sent.remove(job)
                return job
        return None


def run_job(job: SentJob) -> Any:
    """As a worker would: in the job's tenant, by the function of its app's `jobs`."""
    app, name = job.job.split(".", 1)
    found = getattr(import_module(f"apps.{app}.jobs"), name)
    with tenant_scope(job.tenant) if job.tenant else public_scope():
        return getattr(found, "run", found)(*job.args)
