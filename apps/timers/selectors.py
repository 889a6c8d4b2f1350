"""When something that waits is due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from apps.timers.models import Timer


def find_due_date(tenant: str, kinds: Iterable[str], key: str) -> tuple[str, datetime] | None:
    """(kind, moment) of the first of these timers of a key that is due; None when none is set. One query."""
    due = Timer.objects.filter(tenant=tenant, kind__in=list(kinds), key=key).order_by("due_at")
    return due.values_list("kind", "due_at").first()
