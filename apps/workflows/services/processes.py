"""Processes that hold claims: registering, heartbeats, and finding those whose heartbeat stopped."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from django.db import connection

from apps.common.ids import from_uuid, to_uuid

HEARTBEAT = timedelta(seconds=4)
"""How often a process says that it lives."""
LOST_AFTER = timedelta(seconds=16)
"""After this long without a heartbeat a process counts as gone and its claims are given back."""


def register_process(process_id: str, kind: str, worker_group: str, version: str, now: datetime) -> None:
    """Tell that this process runs. Its id starts its claim tokens."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.service_instance (id, kind, host, pid, worker_group, version, state, started,"
            " heartbeat) VALUES (%s, %s, %s, %s, %s, %s, 'RUNNING', %s, %s)",
            [to_uuid(process_id), kind, socket.gethostname(), os.getpid(), worker_group, version, now, now],
        )


def beat(process_id: str, now: datetime) -> bool:
    """Say that the process lives. False: it was declared gone meanwhile; it must take a new id for new claims."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.service_instance SET heartbeat = %s WHERE id = %s AND state = 'RUNNING'",
            [now, to_uuid(process_id)],
        )
        return bool(cursor.rowcount == 1)


def sign_off(process_id: str) -> None:
    """The process ends by itself and holds no claim any more, or its claims are for the next look to find."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.service_instance SET state = 'DISCONNECTED' WHERE id = %s AND state = 'RUNNING'",
            [to_uuid(process_id)],
        )


def lost_processes(now: datetime, limit: int = 50) -> list[str]:
    """Ids of processes whose claims are to be given back: silent for too long, or signed off. Marks them so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.service_instance SET state = 'DISCONNECTED' WHERE id IN ("
            " SELECT id FROM public.service_instance WHERE state = 'DISCONNECTED'"
            " OR (state = 'RUNNING' AND heartbeat < %s) ORDER BY heartbeat LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING id",
            [now - LOST_AFTER, limit],
        )
        return [from_uuid(row[0]) for row in cursor.fetchall()]


def bury_process(process_id: str) -> None:
    """No tenant has a claim of it any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.service_instance SET state = 'NOT_RUNNING' WHERE id = %s AND state = 'DISCONNECTED'",
            [to_uuid(process_id)],
        )


def forget_processes(before: datetime) -> int:
    """Delete rows of processes that ended long ago; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.service_instance WHERE state = 'NOT_RUNNING' AND heartbeat < %s", [before])
        return int(cursor.rowcount)
