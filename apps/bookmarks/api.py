"""Endpoints of one's own bookmarks and saved searches."""

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.bookmarks.catalog import check_list_key
from apps.bookmarks.schemas import BookmarkBody, BookmarkShape, OrderBody, SearchBody, SearchShape
from apps.bookmarks.selectors import get_bookmark, get_saved_search, list_bookmarks, list_saved_searches
from apps.bookmarks.services import delete_row, order_bookmarks, save_bookmark, save_search
from apps.common.access import member
from apps.common.api import read_body, required_query


@member
def show_bookmarks(request: Request) -> list[BookmarkShape]:
    """Own ones in their order, then those that others share."""
    user = current_user(request)
    return [BookmarkShape.of(row, user.pk) for row in list_bookmarks(user)]


@member
def post_bookmark(request: Request) -> BookmarkShape:
    user, body = current_user(request), read_body(request, BookmarkBody)
    made = save_bookmark(
        acting_user=user,
        name=body.name,
        url=body.url,
        folder=body.folder or "",
        shared=body.shared,
        group_id=body.group_id,
    )
    return BookmarkShape.of(made, user.pk)


@member
def put_bookmark(request: Request, bookmark_id: str) -> BookmarkShape:
    user, body = current_user(request), read_body(request, BookmarkBody)
    changed = save_bookmark(
        acting_user=user,
        bookmark=get_bookmark(bookmark_id, user),
        name=body.name,
        url=body.url,
        folder=body.folder or "",
        shared=body.shared,
        group_id=body.group_id,
    )
    return BookmarkShape.of(changed, user.pk)


@member
def remove_bookmark(request: Request, bookmark_id: str) -> None:
    user = current_user(request)
    delete_row(acting_user=user, row=get_bookmark(bookmark_id, user))


@member
def put_order(request: Request) -> list[BookmarkShape]:
    """The order of one's own."""
    order_bookmarks(acting_user=current_user(request), ids=read_body(request, OrderBody).ids)
    return show_bookmarks(request)


@member
def show_searches(request: Request) -> list[SearchShape]:
    """Of the list page in `page`."""
    user = current_user(request)
    page = check_list_key(required_query(request.query_params, "page"))
    return [SearchShape.of(row, user.pk) for row in list_saved_searches(user, page)]


@member
def post_search(request: Request) -> SearchShape:
    user, body = current_user(request), read_body(request, SearchBody)
    return SearchShape.of(save_search(acting_user=user, **body.model_dump()), user.pk)


@member
def put_search(request: Request, search_id: str) -> SearchShape:
    user, body = current_user(request), read_body(request, SearchBody)
    search = get_saved_search(search_id, user)
    return SearchShape.of(save_search(acting_user=user, search=search, **body.model_dump()), user.pk)


@member
def remove_search(request: Request, search_id: str) -> None:
    user = current_user(request)
    delete_row(acting_user=user, row=get_saved_search(search_id, user))
