"""Routes of announcements and news."""

from django.urls import URLPattern, path

from apps.announcements import api
from apps.announcements.views import editing, showing
from apps.common.api import endpoint
from apps.common.pages import page

api_urls: list[URLPattern] = [
    path("banners", endpoint(GET=api.list_my_banners, POST=api.post_banner)),
    path("banners/search", endpoint(GET=api.search_banners)),
    path("banners/<str:banner_id>", endpoint(PUT=api.put_banner, DELETE=api.remove_banner)),
    path("banners/<str:scope>/<str:banner_id>/dismiss", endpoint(POST=api.post_dismissal)),
]
# These are without a tenant in the path, and come before those of the default tenant.
instance_api_urls: list[URLPattern] = [
    path("banners", endpoint(POST=api.post_instance_banner)),
    path("banners/search", endpoint(GET=api.list_instance_banners)),
    path("banners/<str:banner_id>", endpoint(PUT=api.put_instance_banner, DELETE=api.remove_instance_banner)),
    path("me/news", endpoint(GET=api.show_news)),
    path("me/news/read", endpoint(POST=api.post_news_read)),
]
ui_urls: list[URLPattern] = [
    path("banners", page(GET=showing.show_banners), name="banners"),
    path("banners/<str:scope>/<str:banner_id>/dismiss", page(POST=showing.dismiss), name="banner_dismiss"),
    path("news", page(GET=showing.show_news, POST=showing.mark_read), name="news"),
    path("admin/announcements", page(GET=editing.list_all, POST=editing.create), name="announcements"),
    path("admin/announcements/preview", page(POST=editing.preview), name="announcement_preview"),
    path(
        "admin/announcements/<str:scope>/<str:banner_id>",
        page(GET=editing.edit, POST=editing.save),
        name="announcement",
    ),
    path(
        "admin/announcements/<str:scope>/<str:banner_id>/delete", page(POST=editing.delete), name="announcement_delete"
    ),
]
