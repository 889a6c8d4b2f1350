"""Setting, dropping and claiming timers and leases. Callers are in a transaction; both are part of their change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

GRACE = timedelta(seconds=15)
"""A claimed timer that nobody handles is due again after this: its nudge was lost."""


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that was claimed by a tick."""

    tenant: str
    kind: str
    key: str


Statement = tuple[str, list[Any]]
"""SQL and its values, to be run by itself or as a part of a larger statement."""


def setting(tenant: str, timers: Iterable[tuple[str, str, datetime]]) -> list[Statement]:
    """The statement that writes timers (kind, key, due); one that exists is moved. None when there is nothing."""
    rows = sorted(timers)
    if not rows:
        return []
    kinds, keys, dues = (list(column) for column in zip(*rows, strict=True))
    sql = (
        "INSERT INTO public.timer (tenant, kind, key, due_at)"
        " SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::timestamptz[])"
        " ON CONFLICT (tenant, kind, key) DO UPDATE SET due_at = EXCLUDED.due_at"
    )
    return [(sql, [tenant, kinds, keys, dues])]


def dropping(tenant: str, timers: Iterable[tuple[str, str]]) -> list[Statement]:
    """The statement that deletes timers (kind, key) if they are there. None when there is nothing."""
    rows = sorted(timers)
    if not rows:
        return []
    kinds, keys = (list(column) for column in zip(*rows, strict=True))
    sql = (
        "DELETE FROM public.timer t USING unnest(%s::text[], %s::text[]) AS d(kind, key)"
        " WHERE t.tenant = %s AND t.kind = d.kind AND t.key = d.key"
    )
    return [(sql, [kinds, keys, tenant])]


def set_timers(tenant: str, timers: Iterable[tuple[str, str, datetime]]) -> None:
    """Write timers (kind, key, due); one that exists is moved. One statement."""
    _run(setting(tenant, timers))


def keep_timer(tenant: str, kind: str, key: str, due: datetime) -> None:
    """Make sure there is a timer of this name when the transaction commits; one that is there keeps its date.

    Its row stays locked until then. So whoever drops the timer and then looks for what it stands for either waits
    for this transaction and finds it, or has dropped first, and this leaves a new timer.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.timer AS t (tenant, kind, key, due_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (tenant, kind, key) DO UPDATE SET due_at = t.due_at",
            [tenant, kind, key, due],
        )


def drop_timers(tenant: str, timers: Iterable[tuple[str, str]]) -> None:
    """Delete timers (kind, key) if they are there. One statement."""
    _run(dropping(tenant, timers))


def _run(statements: Iterable[Statement]) -> None:
    for sql, values in statements:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)


def take_timer(tenant: str, kind: str, key: str) -> bool:
    """Delete a timer; False when it is not there. Of two that try at once, one waits and gets False."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.timer WHERE tenant = %s AND kind = %s AND key = %s", [tenant, kind, key])
        return bool(cursor.rowcount)


def claim_due_timers(now: datetime, limit: int) -> list[DueTimer]:
    """Take due timers of all tenants, oldest first, each by one tick only.

    They are not deleted but put off by GRACE: whoever handles one drops it in its own transaction, so a lost message
    costs a delay and never a timer.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.timer SET due_at = %s WHERE id IN ("
            "SELECT id FROM public.timer WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING tenant, kind, key",
            [now + GRACE, now, limit],
        )
        return [DueTimer(*row) for row in cursor.fetchall()]


def tenants_with(kind: str) -> list[str]:
    """Tenants that have a timer of a kind: those where something is under way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant FROM public.timer WHERE kind = %s", [kind])
        return [row[0] for row in cursor.fetchall()]


def drop_tenant_timers(tenant: str) -> None:
    """Delete all timers and leases of a tenant that is gone."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.timer WHERE tenant = %s", [tenant])
        cursor.execute("DELETE FROM public.timer_lease WHERE tenant = %s", [tenant])


# Leases. Their time is the database's clock alone: the clocks of workers may differ.


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease that was taken: what it is about, and the token that proves it."""

    tenant: str
    key: str
    token: str


def offer_lease(tenant: str, kind: str, key: str, pool: str) -> None:
    """Let a process of the pool take the work, from now. Whoever holds it has lost it when this commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.timer_lease (tenant, kind, key, pool, token, free_at, failures)"
            " VALUES (%s, %s, %s, %s, '', now(), 0) ON CONFLICT (tenant, kind, key) DO UPDATE"
            " SET pool = EXCLUDED.pool, token = '', free_at = now(), failures = 0",
            [tenant, kind, key, pool],
        )


def withdraw_leases(tenant: str, kind: str, keys: Sequence[str]) -> None:
    """There is no such work any more. Whoever holds it has lost it when this commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM public.timer_lease WHERE tenant = %s AND kind = %s AND key = ANY(%s)",
            [tenant, kind, list(keys)],
        )


def take_leases(kind: str, pools: Sequence[str], tokens: Sequence[str], length: timedelta) -> list[HeldLease]:
    """Take work that is free, one lease per token at most; of two that try at once each gets other ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH free AS (SELECT id, row_number() OVER (ORDER BY free_at) AS n FROM (SELECT id, free_at"
            "  FROM public.timer_lease WHERE kind = %s AND pool = ANY(%s) AND free_at <= clock_timestamp()"
            "  ORDER BY free_at LIMIT %s FOR UPDATE SKIP LOCKED) AS found)"
            " UPDATE public.timer_lease l SET token = (%s::text[])[free.n],"
            " free_at = clock_timestamp() + %s * interval '1 second' FROM free WHERE l.id = free.id"
            " RETURNING l.tenant, l.key, l.token",
            [kind, list(pools), len(tokens), list(tokens), length.total_seconds()],
        )
        return [HeldLease(*row) for row in cursor.fetchall()]


def renew_leases(tokens: Sequence[str], length: timedelta) -> set[str]:
    """Say that the holders of these tokens live. The tokens that still hold; the others have lost their work."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.timer_lease SET free_at = clock_timestamp() + %s * interval '1 second'"
            " WHERE token = ANY(%s) RETURNING token",
            [length.total_seconds(), list(tokens)],
        )
        return {row[0] for row in cursor.fetchall()}


def keeps_lease(token: str) -> bool:
    """Whether the token still holds, and until the caller's transaction ends nobody else takes the work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM public.timer_lease WHERE token = %s FOR SHARE", [token])
        return cursor.fetchone() is not None


def went_well(token: str) -> None:
    """The work makes progress: earlier failures no longer put it off."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.timer_lease SET failures = 0 WHERE token = %s AND failures > 0", [token])


def give_lease_back(token: str, *, failed: bool, longest: timedelta = timedelta(minutes=1)) -> None:
    """Another process may take the work: at once, or, when it failed, after 1, 2, 4, … seconds, at most ``longest``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.timer_lease SET token = '', failures = CASE WHEN %s THEN failures + 1 ELSE failures END,"
            " free_at = clock_timestamp() + CASE WHEN %s THEN interval '1 second' * least(%s, 2 ^ least(failures, 20))"
            " ELSE interval '0' END WHERE token = %s",
            [failed, failed, longest.total_seconds(), token],
        )
