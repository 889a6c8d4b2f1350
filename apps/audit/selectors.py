"""Reads of the audit log."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.audit.models import AuditEntry, AuditSeal
from apps.common.errors import NotFound
from apps.common.ids import is_id


@dataclass(frozen=True)
class AuditFilter:
    """What a list of entries is narrowed to; empty values narrow nothing."""

    query: str = ""
    types: tuple[str, ...] = ()
    resource: str = ""
    permission: str = ""
    namespace: str = ""
    """With all below it."""
    user_id: str = ""
    user_name: str = ""
    entry_id: str = ""
    ip_address: str = ""
    means: str = ""
    details: tuple[tuple[str, str], ...] = ()
    """Each pair must be there."""
    start: datetime | None = None
    end: datetime | None = None

    def as_detail(self) -> dict[str, object]:
        """What narrowed, for the entry about an export."""
        given = {name: value for name, value in asdict(self).items() if value}
        return given | ({"details": [f"{name}:{value}" for name, value in self.details]} if self.details else {})


def search_entries(wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """Newest first."""
    found = AuditEntry.objects.filter(*_conditions(wanted))
    for name, value in wanted.details:
        found = found.filter(Q(detail__contains={name: value}) | Q(detail__contains={name: _number(value)}))
    for word in wanted.query.split():
        found = found.filter(
            Q(resource__icontains=word)
            | Q(user_name__icontains=word)
            | Q(type__iexact=word)
            | Q(detail__icontains=word)
        )
    return found


def page_of_entries(
    wanted: AuditFilter, *, size: int, before: str = "", after: str = ""
) -> tuple[list[AuditEntry], bool]:
    """Up to `size` entries, newest first, and whether there are more; `before` is the id of an entry: those older than
    it. `after`: those next newer. One query, which costs the same on the last page as on the first."""
    found = search_entries(wanted)
    if before:
        found = found.filter(pk__lt=before)
    if after:
        newer = list(found.filter(pk__gt=after).order_by("pk")[: size + 1])
        return newer[:size][::-1], len(newer) > size
    rows = list(found[: size + 1])
    return rows[:size], len(rows) > size


def all_entries(wanted: AuditFilter, *, at_once: int = 500) -> Iterator[AuditEntry]:
    """All of them, newest first, a few hundred in memory at a time."""
    before, more = "", True
    while more:
        rows, more = page_of_entries(wanted, size=at_once, before=before)
        yield from rows
        before = rows[-1].id if rows else ""


@dataclass(frozen=True)
class ChainState:
    """How far the log is sealed."""

    seals: int
    sealed_at: datetime | None
    head: str
    waiting: bool
    """Whether entries wait for their seal."""


def chain_state() -> ChainState:
    """Of the open schema, without verifying anything. Two queries."""
    last = AuditSeal.objects.defer("leaves").first()
    newest = AuditEntry.objects.order_by("-id").first()
    if last is None:
        return ChainState(0, None, "", newest is not None)
    waiting = newest is not None and newest.date > last.sealed_at
    return ChainState(last.number, last.sealed_at, last.hash, waiting)


def get_entry(entry_id: str) -> AuditEntry:
    """Raises NotFound."""
    found = AuditEntry.objects.filter(pk=entry_id).first() if is_id(entry_id) else None
    if found is None:
        raise NotFound(f"There is no audit entry '{entry_id[:60]}'.")
    return found


def _number(value: str) -> object:
    return int(value) if value.isdecimal() else value


def _conditions(wanted: AuditFilter) -> Iterator[Q]:
    if wanted.types:
        yield Q(type__in=wanted.types)
    if wanted.namespace:
        yield Q(namespace=wanted.namespace) | Q(namespace__startswith=wanted.namespace + ".")
    for field in ("resource", "permission", "means", "user_name"):
        if value := getattr(wanted, field):
            yield Q(**{f"{field}__iexact": value})
    for field, value in (("user_id", wanted.user_id), ("pk", wanted.entry_id)):
        if value:
            yield Q(**{field: value}) if is_id(value) else Q(pk__in=[])
    if wanted.ip_address:
        yield Q(ip_address=wanted.ip_address)
    if wanted.start is not None:
        yield Q(date__gte=wanted.start)
    if wanted.end is not None:
        yield Q(date__lte=wanted.end)
