"""What a person is told now, when that changes next, and the news he has not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.announcements.models import Banner, News, NewsReader
from apps.common.clock import now
from apps.common.current_tenant import current_tenant_id
from apps.common.errors import NotFound
from apps.common.ids import is_id, to_uuid
from apps.rbac.models import GroupMember
from apps.tenants.scope import public_scope

AHEAD: Final = timedelta(days=1)
"""Banners that begin within this are looked at, to know when what is shown changes."""
MOST: Final = 50
NEWS_SHOWN: Final = 20
NEWS_UNREAD: Final = timedelta(days=60)
"""Older news is not counted as unread for somebody who has never looked."""


@dataclass(frozen=True)
class Shown:
    """A banner as a page shows it; `scope` says whose it is: instance or tenant."""

    banner: Banner
    scope: str


@dataclass(frozen=True)
class Told:
    """What a person is told now, newest start first, and when that changes (None: not within a day)."""

    banners: list[Shown] = field(default_factory=list)
    next_change: datetime | None = None


def told_to(user: User, *, in_apps: bool = False) -> Told:
    """One query for the installation's and the open tenant's; one more for the person's groups if a banner is for
    some. Every page asks."""
    tenant_id, moment = current_tenant_id(), now()
    near = {"user": to_uuid(user.pk), "tenant": tenant_id or "", "now": moment, "ahead": moment + AHEAD, "most": MOST}
    sql = _NEAR if tenant_id is None else f"{_NEAR} UNION ALL {_NEAR_OWN}"
    found = [Shown(banner, banner.scope) for banner in Banner.objects.raw(sql, near)]  # type: ignore[attr-defined]
    if any(one.banner.group_ids for one in found):
        groups = set(GroupMember.objects.filter(user_id=user.pk).values_list("group_id", flat=True))
        found = [one for one in found if not one.banner.group_ids or groups.intersection(one.banner.group_ids)]
    return _told(one for one in found if one.banner.in_apps or not in_apps)


def told_at_sign_in() -> Told:
    """For those who are not known yet: what is for everybody and says so. One query."""
    moment = now()
    still = Q(end_date=None) | Q(end_date__gt=moment)
    with public_scope():
        rows = Banner.objects.filter(still, on_sign_in=True, tenants=[], start_date__lte=moment)[:MOST]
        return _told(Shown(banner, "instance") for banner in rows)


def list_banners() -> QuerySet[Banner]:
    """Those of the open schema, newest start first."""
    return Banner.objects.all()


def get_banner(banner_id: str) -> Banner:
    """Of the open schema. Raises NotFound."""
    found = Banner.objects.filter(pk=banner_id).first() if is_id(banner_id) else None
    if found is None:
        raise NotFound(f"There is no announcement '{banner_id[:60]}'.")
    return found


def list_news() -> list[News]:
    """The latest that are published, newest first."""
    with public_scope():
        return list(News.objects.filter(published__lte=now())[:NEWS_SHOWN])


def read_until(user: User) -> datetime:
    """What was published later is unread."""
    with public_scope():
        reader = NewsReader.objects.filter(pk=user.pk).first()
    return max(user.created, now() - NEWS_UNREAD) if reader is None else reader.read_until


def has_unread_news(user: User) -> bool:
    """For the dot of the sidebar. One query, whatever schema is open."""
    moment = now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM public.announcements_news WHERE published <= %(now)s"
            " AND published > COALESCE((SELECT read_until FROM public.announcements_newsreader"
            " WHERE user_id = %(user)s), %(since)s))",
            {"now": moment, "user": to_uuid(user.pk), "since": max(user.created, moment - NEWS_UNREAD)},
        )
        return bool(cursor.fetchone()[0])


def count_unread_news(user: User) -> int:
    """Two queries."""
    until = read_until(user)
    with public_scope():
        return News.objects.filter(published__lte=now(), published__gt=until).count()


def _told(shown: Iterable[Shown]) -> Told:
    moment, active, changes = now(), list[Shown](), list[datetime]()
    for one in shown:
        if one.banner.start_date > moment:
            changes.append(one.banner.start_date)
            continue
        active.append(one)
        if one.banner.end_date is not None:
            changes.append(one.banner.end_date)
    active.sort(key=lambda one: (one.banner.start_date, one.banner.id), reverse=True)
    return Told(active, min(changes, default=None))


_WHEN: Final = (
    "(b.end_date IS NULL OR b.end_date > %(now)s) AND b.start_date < %(ahead)s"
    " AND NOT EXISTS (SELECT 1 FROM {schema}announcements_dismissal d"
    " WHERE d.banner_id = b.id AND d.user_id = %(user)s) ORDER BY b.start_date DESC LIMIT %(most)s)"
)
_NEAR: Final = (
    "(SELECT b.*, 'instance' AS scope FROM public.announcements_banner b"  # noqa: S608 - constants only
    " WHERE (b.tenants = '[]' OR b.tenants @> to_jsonb(%(tenant)s::text)) AND " + _WHEN.format(schema="public.")
)
_NEAR_OWN: Final = "(SELECT b.*, 'tenant' AS scope FROM announcements_banner b WHERE " + _WHEN.format(schema="")  # noqa: S608
"""What has not ended and begins within a day, without what the person has dismissed; unqualified names are those of the
open tenant, whose schema is searched first."""
