"""Writes of bookmarks and saved searches. They are a person's own, so only sharing is audited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.audit.services import record
from apps.bookmarks.catalog import check_list_key, normalise_query, normalise_url
from apps.bookmarks.models import Bookmark, OwnedRow, SavedSearch, Shared
from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden, IllegalState, Invalid, Problem
from apps.rbac.decisions import can_everywhere
from apps.rbac.models import GroupMember

MOST_OF_ONE: Final = 200
Owned = TypeVar("Owned", bound=OwnedRow)


def save_bookmark(
    *,
    acting_user: User,
    name: str,
    url: str,
    folder: str = "",
    shared: str = Shared.NOBODY,
    group_id: str | None = None,
    bookmark: Bookmark | None = None,
) -> Bookmark:
    """A new bookmark at the end, or another state of `bookmark`. Raises Invalid, Forbidden (sharing), IllegalState for
    a view that is bookmarked already or when there are too many."""
    made = bookmark or Bookmark(user_id=acting_user.pk, position=_next_position(Bookmark, acting_user))
    made.name, made.folder = _checked_name(name), " ".join(folder.split())[:60]
    made.url = normalise_url(url, require_tenant())
    return _save(made, acting_user, shared, group_id, new=bookmark is None, taken="This view is bookmarked already.")


def save_search(
    *,
    acting_user: User,
    page: str,
    name: str,
    query: str,
    is_default: bool = False,
    shared: str = Shared.NOBODY,
    group_id: str | None = None,
    search: SavedSearch | None = None,
) -> SavedSearch:
    """The same for the filters of a list; the latest default of a page is the only one."""
    made = search or SavedSearch(user_id=acting_user.pk, position=_next_position(SavedSearch, acting_user))
    made.page, made.name, made.query = check_list_key(page), _checked_name(name), normalise_query(query)
    made.is_default = is_default
    with transaction.atomic():
        if is_default:
            others = SavedSearch.objects.filter(user_id=acting_user.pk, page=page, is_default=True)
            others.exclude(pk=made.pk).update(is_default=False)
        taken = f"You have a search '{made.name}' here already."
        return _save(made, acting_user, shared, group_id, new=search is None, taken=taken)


def delete_row(*, acting_user: User, row: OwnedRow) -> None:
    """A bookmark or a search of the person's own."""
    with transaction.atomic():
        if row.shared != Shared.NOBODY:
            _note(acting_user, "DELETE", row)
        row.delete()


def order_bookmarks(*, acting_user: User, ids: Sequence[str]) -> None:
    """The person's bookmarks in this order, those that are not named after them. Ids of others change nothing."""
    with transaction.atomic():
        own = {one.pk: one for one in Bookmark.objects.select_for_update().filter(user_id=acting_user.pk)}
        named = [own[one] for one in dict.fromkeys(ids) if one in own]
        rest = [one for pk, one in own.items() if pk not in set(ids)]
        for position, one in enumerate([*named, *sorted(rest, key=lambda row: row.position)]):
            one.position = position
        Bookmark.objects.bulk_update(own.values(), ["position"])


def move_bookmark(*, acting_user: User, bookmark: Bookmark, up: bool) -> None:
    """One place up or down among the person's own."""
    ids = list(Bookmark.objects.filter(user_id=acting_user.pk).values_list("pk", flat=True))
    here = ids.index(bookmark.pk)
    there = max(0, here - 1) if up else min(len(ids) - 1, here + 1)
    ids.insert(there, ids.pop(here))
    order_bookmarks(acting_user=acting_user, ids=ids)


def _save(row: Owned, acting_user: User, shared: str, group_id: str | None, *, new: bool, taken: str) -> Owned:
    before = row.shared
    _set_shared(row, acting_user, shared, group_id)
    with transaction.atomic():
        if new and type(row)._default_manager.filter(user_id=acting_user.pk).count() >= MOST_OF_ONE:
            raise IllegalState(f"You have {MOST_OF_ONE} already: remove one first.")
        try:
            with transaction.atomic():
                row.save(force_insert=new)
        except IntegrityError as error:
            raise IllegalState(taken) from error
        if row.shared != before or (row.shared != Shared.NOBODY and not new):
            _note(acting_user, "CREATE" if new else "UPDATE", row)
    return row


def _set_shared(row: OwnedRow, acting_user: User, shared: str, group_id: str | None) -> None:
    """With a group by its members, with everybody by those who may change the tenant's settings."""
    if shared not in Shared.values:
        raise Invalid(problems=[Problem(f"'shared' is one of {', '.join(Shared.values)}.", "shared")])
    if shared == Shared.TENANT and not can_everywhere(acting_user, "SETTING", "UPDATE"):
        raise Forbidden("You need SETTING UPDATE to share with everybody in the tenant.")
    if shared == Shared.GROUP:
        member = GroupMember.objects.filter(group_id=group_id, user_id=acting_user.pk) if group_id else None
        if member is None or not member.exists():
            raise Forbidden("You share with groups that you are a member of.")
    row.shared, row.group_id = shared, group_id if shared == Shared.GROUP else None


def _checked_name(name: str) -> str:
    found = " ".join(name.split())
    if not 1 <= len(found) <= 150:
        raise Invalid(problems=[Problem("A name has 1 to 150 characters.", "name")])
    return found


def _next_position(model: type[Bookmark] | type[SavedSearch], user: User) -> int:
    last: int | None = model.objects.filter(user_id=user.pk).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _note(acting_user: User, action: str, row: OwnedRow) -> None:
    detail = {"id": row.id, "name": row.name, "shared": row.shared, "groupId": row.group_id}
    record(acting_user=acting_user, action=action, resource=type(row).__name__, detail=detail)
