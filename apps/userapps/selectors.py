"""Reads of Apps: lists, the catalog, what waits for a person, what was started and decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Max, Q, QuerySet

from apps.accounts.models import User
from apps.common.clock import now as read_clock
from apps.common.ids import from_uuid
from apps.rbac.decisions import visible_namespaces, visible_within
from apps.rbac.models import GroupMember
from apps.userapps.models import AppBrand, AppDecision, AppFavourite, AppRevision, AppRun, UserApp
from apps.workflows.models import Execution
from apps.workflows.selectors.paused_runs import pause_deadlines

MOST_WAITING: Final = 200
"""Executions that wait are looked through up to this many, oldest first."""
MOST_TAGS: Final = 500
MOST_REVISIONS: Final = 200


def search_apps(
    namespaces: Sequence[str] | None,
    *,
    query: str = "",
    namespace: str = "",
    flow_id: str = "",
    tags: Iterable[str] = (),
) -> QuerySet[UserApp]:
    """Apps in these namespaces and below (None: in all), narrowed; all words in name, id or description."""
    found = UserApp.objects.filter(visible_within(namespaces))
    for word in query.split():
        found = found.filter(
            Q(display_name__icontains=word) | Q(app_id__icontains=word) | Q(description__icontains=word)
        )
    if namespace:
        found = found.filter(Q(namespace=namespace) | Q(namespace__startswith=namespace + "."))
    if flow_id:
        found = found.filter(flow_id=flow_id)
    for tag in tags:
        found = found.filter(tags__contains=[tag])
    return found


def catalog_of(user: User, *, query: str = "", namespace: str = "", tags: Iterable[str] = ()) -> QuerySet[UserApp]:
    """What the catalog shows a person: open now, in the catalog, allowed by permission and group."""
    now = read_clock()
    found = search_apps(visible_namespaces(user, "APPEXECUTION"), query=query, namespace=namespace, tags=tags)
    found = found.filter(disabled=False, in_catalog=True)
    found = found.filter(Q(opens__isnull=True) | Q(opens__lte=now), Q(closes__isnull=True) | Q(closes__gt=now))
    return found.filter(_for_groups(user))


def list_tags(namespaces: Sequence[str] | None) -> list[str]:
    """Every tag in use, in order."""
    held: set[str] = set()
    for tags in (
        UserApp.objects.filter(visible_within(namespaces)).exclude(tags=[]).values_list("tags", flat=True)[:5000]
    ):
        held.update(tags)
    return sorted(held, key=str.lower)[:MOST_TAGS]


def favourites_of(user_id: str) -> set[str]:
    """Keys of the Apps that a person marked."""
    return set(AppFavourite.objects.filter(user_id=user_id).values_list("app_id", flat=True))


def find_brand() -> AppBrand:
    """How the tenant's Apps look; an empty one when nobody has said. One query."""
    return AppBrand.objects.filter(pk=1).first() or AppBrand()


def last_decision(execution_id: str) -> AppDecision | None:
    return AppDecision.objects.filter(execution_id=execution_id).order_by("-created", "-id").first()


def find_run(execution_id: str) -> AppRun | None:
    return AppRun.objects.filter(pk=execution_id).first()


def requests_of(user_id: str, limit: int = 50) -> list[AppRun]:
    """What a person started through Apps, newest first."""
    found = AppRun.objects.filter(user_id=user_id).select_related("app").order_by("-created")
    return list(found[:limit])


def last_used_by(user_id: str) -> dict[str, datetime]:
    """When a person last sent the form of each App. One query."""
    found = AppRun.objects.filter(user_id=user_id, app__isnull=False).values_list("app_id").annotate(Max("created"))
    return {str(app_id): moment for app_id, moment in found}


def states_of(execution_ids: Iterable[str]) -> dict[str, str]:
    """The state of each execution that is still there. One query."""
    return {
        str(pk): state for pk, state in Execution.objects.filter(pk__in=list(execution_ids)).values_list("pk", "state")
    }


def list_revisions(app: UserApp) -> list[AppRevision]:
    """The newest MOST_REVISIONS revisions of an App, newest first."""
    return list(app.revisions.order_by("-revision")[:MOST_REVISIONS])


@dataclass(frozen=True, slots=True)
class Waiting:
    """An execution that waits for somebody to decide, with the App in which that can be done."""

    execution_id: str
    app: UserApp
    requester: str
    since: datetime
    deadline: datetime | None = None


def waiting_for(user: User) -> list[Waiting]:
    """Executions that are paused and that the person may let go on in their App, those that wait longest first.

    Three queries: what is paused comes from the index of open states.
    """
    apps = {
        app.pk: app
        for app in search_apps(visible_namespaces(user, "APPEXECUTION", "UPDATE"))
        .filter(_for_groups(user), disabled=False)
        .exclude(flow_id="")
    }
    if not apps:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.execution_id, r.app_id, r.user_name, (e.histories -> -1 ->> 'date')::timestamptz AS since"
            " FROM execution e JOIN userapps_apprun r ON r.execution_id = e.id"
            " WHERE e.state = 'PAUSED' AND r.app_id IS NOT NULL ORDER BY since LIMIT %s",
            [MOST_WAITING],
        )
        rows: list[Any] = cursor.fetchall()
    found = [
        Waiting(from_uuid(execution_id), apps[key], requester, since)
        for execution_id, app_key, requester, since in rows
        if (key := from_uuid(app_key)) in apps
    ]
    deadlines = pause_deadlines(one.execution_id for one in found)
    return [replace(one, deadline=deadlines.get(one.execution_id)) for one in found]


def _for_groups(user: User) -> Q:
    names = GroupMember.objects.filter(user_id=user.pk).values_list("group__name", flat=True)
    allowed = Q(groups=[])
    for name in names:
        allowed |= Q(groups__contains=[name])
    return allowed
