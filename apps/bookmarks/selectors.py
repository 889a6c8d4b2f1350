"""Reads of bookmarks and saved searches: one's own, then those that others share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeVar

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.bookmarks.catalog import normalise_url
from apps.bookmarks.models import Bookmark, OwnedRow, SavedSearch, Shared
from apps.common.current_tenant import require_tenant
from apps.common.errors import Invalid, NotFound
from apps.common.ids import is_id
from apps.rbac.models import GroupMember

Row = TypeVar("Row", bound=OwnedRow)
MOST: Final = 200


@dataclass(frozen=True)
class Folder:
    """Bookmarks under one name; the first folder has none."""

    name: str
    bookmarks: list[Bookmark] = field(default_factory=list)


def list_bookmarks(user: User) -> list[Bookmark]:
    """Own ones in their order, then shared ones by name. One query."""
    return _own_first(Bookmark.objects.all(), user)


def folders_of(bookmarks: list[Bookmark], user: User) -> list[Folder]:
    """For the menu: own ones without a folder, own folders by name, then what others share."""
    found: dict[str, Folder] = {}
    shared = Folder("Shared with me")
    for one in bookmarks:
        if one.user_id == user.pk:
            found.setdefault(one.folder, Folder(one.folder)).bookmarks.append(one)
        else:
            shared.bookmarks.append(one)
    ordered = [found[name] for name in sorted(found, key=str.lower)]
    return [*ordered, shared] if shared.bookmarks else ordered


def find_own_bookmark(bookmarks: list[Bookmark], user: User, url: str) -> Bookmark | None:
    """Whether the person has starred exactly this view. No query."""
    try:
        wanted = normalise_url(url, require_tenant())
    except Invalid:
        return None
    return next((one for one in bookmarks if one.user_id == user.pk and one.url == wanted), None)


def list_saved_searches(user: User, page: str) -> list[SavedSearch]:
    """Of one list page, own ones first. One query."""
    return _own_first(SavedSearch.objects.filter(page=page), user)


def default_search(user: User, page: str) -> SavedSearch | None:
    """With what the person's list opens."""
    return SavedSearch.objects.filter(user_id=user.pk, page=page, is_default=True).first()


def get_bookmark(bookmark_id: str, user: User) -> Bookmark:
    """The person's own. Raises NotFound, also for those of others."""
    return _own(Bookmark.objects.all(), bookmark_id, user, "bookmark")


def get_saved_search(search_id: str, user: User) -> SavedSearch:
    """The person's own. Raises NotFound, also for those of others."""
    return _own(SavedSearch.objects.all(), search_id, user, "saved search")


def _own(rows: QuerySet[Row], row_id: str, user: User, noun: str) -> Row:
    found = rows.filter(pk=row_id, user_id=user.pk).first() if is_id(row_id) else None
    if found is None:
        raise NotFound(f"You have no {noun} '{row_id[:60]}'.")
    return found


def _own_first(rows: QuerySet[Row], user: User) -> list[Row]:
    groups = GroupMember.objects.filter(user_id=user.pk).values("group_id")
    seen = Q(user_id=user.pk) | Q(shared=Shared.TENANT) | Q(shared=Shared.GROUP, group_id__in=groups)
    found = list(rows.filter(seen)[:MOST])
    return [one for one in found if one.user_id == user.pk] + sorted(
        (one for one in found if one.user_id != user.pk), key=lambda one: one.name.lower()
    )
