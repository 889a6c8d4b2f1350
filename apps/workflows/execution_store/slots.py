"""Places of a flow's concurrency limit: taken and given back by conditional updates."""

from __future__ import annotations

from django.db import connection


def take_slot(namespace: str, flow_id: str, limit: int) -> bool:
    """Take a place in this transaction if fewer than ``limit`` are taken. False: none is free."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO flow_slot (namespace, flow_id, running) VALUES (%s, %s, 0) ON CONFLICT DO NOTHING",
            [namespace, flow_id],
        )
        cursor.execute(
            "UPDATE flow_slot SET running = running + 1 WHERE namespace = %s AND flow_id = %s AND running < %s",
            [namespace, flow_id, limit],
        )
        return bool(cursor.rowcount == 1)


def give_slot_back(namespace: str, flow_id: str) -> None:
    """Free a place. The caller's execution held one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE flow_slot SET running = greatest(running - 1, 0) WHERE namespace = %s AND flow_id = %s",
            [namespace, flow_id],
        )
