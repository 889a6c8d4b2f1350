"""News of executions' states, for the triggers that wait for them: the names of its timers, and that of a beginning."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

NEWS_TIMER: Final = "news"
"""Kind of the timer that stands behind each piece of news; its key is ``<execution id>:<place in the history>``."""
ALL_STATES: Final = 2
"""Some Flow trigger of the tenant listens to states before the end too."""


def news_key(execution_id: str, number: int) -> str:
    """The name of a piece of news."""
    return f"{execution_id}:{number}"


def news_of_beginning(tenant: str, now: datetime) -> tuple[str, list[Any]]:
    """The timers of the news of executions that begin: a part of the statement that inserts them as ``w0`` from ``r``.

    They are due at once, without a message: states before the end are rarely listened to, and this asks about them
    in the insert's own statement.
    """
    sql = (
        "INSERT INTO public.timer (tenant, kind, key, due_at)"
        " SELECT %s, %s, r.news, %s FROM r JOIN w0 ON w0.id = r.id WHERE EXISTS (SELECT 1 FROM trigger_state t"
        " WHERE t.listens >= %s AND t.states @> ARRAY[r.state]::varchar[]) ON CONFLICT DO NOTHING"
    )
    return sql, [tenant, NEWS_TIMER, now, ALL_STATES]
