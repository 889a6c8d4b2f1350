"""How Apps are used: counted by day, one statement each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection

from apps.common.clock import now as read_clock
from apps.common.ids import from_uuid, to_uuid
from apps.userapps.models import UserApp

DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class AppUse:
    """The use of an App over the last DAYS days. ``approval`` is the median wait for a decision, in seconds."""

    opened: int = 0
    submitted: int = 0
    done: int = 0
    approval: float | None = None


def count_opened(app: UserApp) -> None:
    """One more page was opened today."""
    _count(app, "opened")


def count_submitted(app: UserApp) -> None:
    """One more form was sent today."""
    _count(app, "submitted")


def _count(app: UserApp, column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO userapps_appday AS d (app_id, day, opened, submitted) VALUES (%s, %s, %s, %s)"  # noqa: S608
            f" ON CONFLICT (app_id, day) DO UPDATE SET {column} = d.{column} + 1",
            [to_uuid(app.pk), read_clock().date(), int(column == "opened"), int(column == "submitted")],
        )


def use_of(app_keys: Iterable[str]) -> dict[str, AppUse]:
    """The use of each App. Three queries, whatever their number; runs of the last DAYS days are counted."""
    keys = [to_uuid(key) for key in app_keys]
    if not keys:
        return {}
    since = read_clock() - timedelta(days=DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT app_id, sum(opened), sum(submitted) FROM userapps_appday WHERE app_id = ANY(%s) AND day >= %s"
            " GROUP BY app_id",
            [keys, since.date()],
        )
        counted = {row[0]: (int(row[1]), int(row[2])) for row in cursor.fetchall()}
        cursor.execute(
            "SELECT r.app_id, count(*) FROM userapps_apprun r JOIN execution e ON e.id = r.execution_id"
            " WHERE r.app_id = ANY(%s) AND r.created >= %s AND e.state IN ('SUCCESS', 'WARNING') GROUP BY r.app_id",
            [keys, since],
        )
        done = {row[0]: int(row[1]) for row in cursor.fetchall()}
        cursor.execute(
            "SELECT app_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY waited) FROM userapps_appdecision"
            " WHERE app_id = ANY(%s) AND created >= %s AND waited IS NOT NULL GROUP BY app_id",
            [keys, since],
        )
        waited = {row[0]: float(row[1]) for row in cursor.fetchall()}
    return {from_uuid(key): AppUse(*counted.get(key, (0, 0)), done.get(key, 0), waited.get(key)) for key in keys}
