"""A broker that can be hurt: nudges as rows of a table, on a connection of its own, so that a test can lose them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from apps.common.dispatch import Argument, BrokerUnreachable

CREATE = """
CREATE TABLE IF NOT EXISTS public.test_nudge (id bigserial PRIMARY KEY, tenant text, queue text, job text, args jsonb)
"""
_LOCAL = threading.local()


@dataclass(frozen=True)
class Nudge:
    """One message."""

    tenant: str | None
    job: str
    args: tuple[Argument, ...]


def broker() -> psycopg.Connection[tuple[object, ...]]:
    """This thread's connection to the table; a new one when it was cut."""
    held = getattr(_LOCAL, "connection", None)
    if held is None or held.closed:
        held = _LOCAL.connection = psycopg.connect(
            os.environ["DATABASE_URL"], autocommit=True, application_name="test broker"
        )
    return held


class TableDispatcher:
    """Sends into the table."""

    def send(self, job: str, args: tuple[Argument, ...], *, tenant: str | None, queue: str) -> None:
        try:
            broker().execute(
                "INSERT INTO public.test_nudge (tenant, queue, job, args) VALUES (%s, %s, %s, %s)",
                [tenant, queue, job, json.dumps(args)],
            )
        except psycopg.Error as error:
            broker().close()
            raise BrokerUnreachable(str(error)) from error

    def send_each(self, job: str, arguments: Sequence[tuple[Argument, ...]], *, tenant: str | None, queue: str) -> None:
        for args in arguments:
            self.send(job, args, tenant=tenant, queue=queue)


def take(queue: str) -> Nudge | None:
    """A nudge of a queue, in any order."""
    row = (
        broker()
        .execute(
            "DELETE FROM public.test_nudge WHERE id = (SELECT id FROM public.test_nudge WHERE queue = %s"
            " ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING tenant, job, args",
            [queue],
        )
        .fetchone()
    )
    return None if row is None else Nudge(row[0], str(row[1]), tuple(row[2]))  # type: ignore[arg-type]
