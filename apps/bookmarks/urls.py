"""Routes of bookmarks and saved searches."""

from django.urls import URLPattern, path

from apps.bookmarks import api, views
from apps.common.api import endpoint
from apps.common.pages import page

api_urls: list[URLPattern] = [
    path("bookmarks", endpoint(GET=api.show_bookmarks, POST=api.post_bookmark)),
    path("bookmarks/order", endpoint(PUT=api.put_order)),
    path("bookmarks/<str:bookmark_id>", endpoint(PUT=api.put_bookmark, DELETE=api.remove_bookmark)),
    path("saved-searches", endpoint(GET=api.show_searches, POST=api.post_search)),
    path("saved-searches/<str:search_id>", endpoint(PUT=api.put_search, DELETE=api.remove_search)),
]
ui_urls: list[URLPattern] = [
    path("bookmarks", page(GET=views.show_bookmarks), name="bookmarks"),
    path("bookmarks/star", page(POST=views.toggle), name="bookmark_star"),
    path("bookmarks/<str:bookmark_id>", page(POST=views.change), name="bookmark"),
    path("saved-searches/<str:page>", page(GET=views.show_searches, POST=views.keep_search), name="saved_searches"),
]
