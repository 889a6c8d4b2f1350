"""Places of a flow's concurrency limit: taken and given back by conditional updates, and counted anew."""

from __future__ import annotations

from typing import Final

from django.db import connection

SLOTS_TIMER: Final = "slots"
"""Kind of the timer that looks after a flow whose places are all taken."""
_HOLDING: Final = ("RUNNING", "PAUSED", "RESTARTED", "RETRYING", "KILLING")


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


def recount_slots(namespace: str, flow_id: str) -> int:
    """Set the number of taken places to the number of open executions that hold one; by how much it was wrong.

    The row is locked first: whoever takes or gives a place holds it until the commit. Call inside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT running FROM flow_slot WHERE namespace = %s AND flow_id = %s FOR NO KEY UPDATE",
            [namespace, flow_id],
        )
        held = cursor.fetchone()
        if held is None:
            return 0
        cursor.execute(
            "SELECT count(*) FROM execution WHERE namespace = %s AND flow_id = %s AND slot AND state = ANY(%s)",
            [namespace, flow_id, list(_HOLDING)],
        )
        counted = int(cursor.fetchone()[0])
        if counted != held[0]:
            cursor.execute(
                "UPDATE flow_slot SET running = %s WHERE namespace = %s AND flow_id = %s",
                [counted, namespace, flow_id],
            )
    return int(held[0]) - counted


def slots_key(namespace: str, flow_id: str) -> str:
    """Key of a flow's SLOTS_TIMER."""
    return f"{namespace}/{flow_id}"
