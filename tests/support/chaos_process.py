"""A process of the concurrency test: `worker`, `executor` or `chaos`, with a seed; runs until it is told to stop.

The product's waiting times are shortened here, so that what is lost is looked for within seconds.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import timedelta
from types import FrameType
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "kestra_ee.settings"

import django

django.setup()

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections

settings.KESTRA_DISPATCHER = "tests.support.table_dispatcher.TableDispatcher"

import psycopg

from apps.common.clock import now
from apps.tenants.scope import public_scope, tenant_scope
from apps.timers import services as timers
from apps.workflows import jobs
from apps.workflows.services import advance, new_executions
from apps.workflows.services.chores import give_lost_claims_back
from apps.workflows.services.clock import tick_timers
from apps.workflows.worker.drive import Driver
from apps.workflows.worker.pulse import Pulse
from tests.support.table_dispatcher import broker, take

STOP: list[int] = []
SHORT_WATCH = timedelta(seconds=2)


def shorten_waits() -> None:
    """Every copy of the watch's period, and the grace of a claimed timer."""
    for name, module in list(sys.modules.items()):
        if name.startswith("apps.workflows.engine") and hasattr(module, "WATCH_EVERY"):
            module.WATCH_EVERY = SHORT_WATCH
    new_executions.WATCH_EVERY = SHORT_WATCH
    timers.GRACE = timedelta(seconds=1)


def delay_commits(chance: random.Random) -> None:
    """One commit in ten waits up to 10 ms, so that other steps meet its locks."""
    wrapper: Any = type(connections["default"])
    original = wrapper._commit

    def commit(self: Any) -> Any:
        if chance.random() < 0.1:
            time.sleep(chance.random() * 0.01)  # the fault that is injected
        return original(self)

    wrapper._commit = commit


def tell_of_the_busy_path() -> None:
    """A line for each result that was stored beside a busy execution, so that the test can see that it happened."""
    original = advance._store_beside

    def store(*args: Any) -> bool:
        stored = original(*args)
        if stored:
            print("stored beside", flush=True)
        return stored

    advance._store_beside = store


def work(queue: str, chance: random.Random, *, ticking: bool) -> None:
    """Take nudges and run them; what fails is dropped, as Celery drops it."""
    next_tick = 0.0
    while not STOP:
        try:
            if not ticking and not jobs._DRIVERS:
                pulse = Pulse("WORKER", "default", "test")
                pulse.start()
                jobs._DRIVERS.append(Driver(pulse, frozenset({"default"})))
            if ticking and time.monotonic() >= next_tick:
                next_tick = time.monotonic() + 0.2
                with public_scope():
                    tick_timers(now())
                    give_lost_claims_back(now())
            nudge = take(queue)
            if nudge is None:
                time.sleep(0.005)  # an idle worker's poll
                continue
            function = getattr(jobs, nudge.job.split(".", 1)[1])
            with tenant_scope(nudge.tenant) if nudge.tenant else public_scope():
                function.run(*nudge.args)
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            print(f"{queue}: {type(error).__name__} {str(error).strip()[:100]}", flush=True)
            connection.close()
            if broker().broken:
                broker().close()
    while jobs._DRIVERS:
        jobs._DRIVERS.pop().pulse.stop()


def harm(chance: random.Random) -> None:
    """Cut connections, double and lose nudges, until told to stop."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, application_name="test chaos") as server:
        while not STOP:
            time.sleep(0.05 + chance.random() * 0.1)  # the pace of the faults
            match chance.randrange(4):
                case 0 | 1:
                    server.execute(
                        "INSERT INTO public.test_nudge (tenant, queue, job, args)"
                        " SELECT tenant, queue, job, args FROM public.test_nudge ORDER BY random() LIMIT 5"
                    )
                case 2:
                    server.execute(
                        "DELETE FROM public.test_nudge WHERE id IN (SELECT id FROM public.test_nudge"
                        " ORDER BY random() LIMIT 3 FOR UPDATE SKIP LOCKED)"
                    )
                case 3:
                    server.execute(
                        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        " AND application_name LIKE 'kestra-ee worker%%' ORDER BY random() LIMIT 1) victims"
                    )


def stop(number: int, frame: FrameType | None) -> None:
    """End at the next turn."""
    STOP.append(number)


def main(role: str, seed: int) -> None:
    """Run a role until SIGTERM."""
    signal.signal(signal.SIGTERM, stop)
    chance = random.Random(seed)
    shorten_waits()
    if role == "chaos":
        harm(chance)
        return
    delay_commits(chance)
    tell_of_the_busy_path()
    work("worker.default" if role == "worker" else "executor", chance, ticking=role == "executor")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
