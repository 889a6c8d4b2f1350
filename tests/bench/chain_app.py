"""A bare Celery application whose one task does nothing: `celery -A tests.bench.chain_app worker`."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"], backend=os.environ["BENCH_REDIS_URL"])
app.conf.update(worker_prefetch_multiplier=1, task_acks_late=True, broker_connection_retry_on_startup=True)


@app.task
def step(value: int) -> int:
    """Hands on what it was given, and one more."""
    return value + 1
