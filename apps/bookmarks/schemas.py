"""Bookmarks and saved searches as the API shows and takes them."""

from typing import Literal, Self

from apps.bookmarks.models import Bookmark, SavedSearch
from apps.common.json_values import Shape

Sharing = Literal["NOBODY", "GROUP", "TENANT"]


class BookmarkBody(Shape):
    """`url` is a page of this tenant; what else a query holds than its filters is dropped."""

    name: str
    url: str
    folder: str | None = None
    shared: Sharing = "NOBODY"
    group_id: str | None = None


class OrderBody(Shape):
    ids: list[str]


class BookmarkShape(Shape):
    id: str
    name: str
    url: str
    folder: str
    position: int
    shared: str
    group_id: str | None = None
    mine: bool

    @classmethod
    def of(cls, row: Bookmark, user_id: str) -> Self:
        return cls(
            id=row.id,
            name=row.name,
            url=row.url,
            folder=row.folder,
            position=row.position,
            shared=row.shared,
            group_id=row.group_id,
            mine=row.user_id == user_id,
        )


class SearchBody(Shape):
    """The filters of a list page, as they stand in its address."""

    page: str
    name: str
    query: str
    is_default: bool = False
    shared: Sharing = "NOBODY"
    group_id: str | None = None


class SearchShape(Shape):
    id: str
    page: str
    name: str
    query: str
    is_default: bool
    shared: str
    group_id: str | None = None
    mine: bool

    @classmethod
    def of(cls, row: SavedSearch, user_id: str) -> Self:
        return cls(
            id=row.id,
            page=row.page,
            name=row.name,
            query=row.query,
            is_default=row.is_default and row.user_id == user_id,
            shared=row.shared,
            group_id=row.group_id,
            mine=row.user_id == user_id,
        )
