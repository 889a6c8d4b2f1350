"""Routes of Apps."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.views.decorators.csrf import csrf_exempt

from apps.common.ids import LENGTH
from apps.common.pages import page
from apps.userapps.api import apps as apps_api
from apps.userapps.api import views as view_api
from apps.userapps.views import app_page, page_files
from apps.workflows.api.describe import route


class AppUidConverter:
    """<app:uid> in a URL: what looks like an App's key, so that other pages may stand beside it."""

    regex = rf"[0-9A-Za-z]{{{LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AppUidConverter, "app")

api_urls: list[URLPattern] = [
    path("apps", route(POST=apps_api.post_app, DELETE=apps_api.remove_apps)),
    path("apps/search", route(GET=apps_api.find_apps)),
    path("apps/catalog", route(GET=apps_api.find_in_catalog)),
    path("apps/tags", route(GET=apps_api.find_tags)),
    path("apps/enable", route(POST=apps_api.enable_apps)),
    path("apps/disable", route(POST=apps_api.disable_apps)),
    path("apps/export", route(POST=apps_api.export_apps)),
    path("apps/import", route(POST=apps_api.post_import)),
    path("apps/preview", route(POST=view_api.preview_app)),
    path("apps/view/<str:uid>", route(GET=view_api.view_app)),
    path("apps/view/<str:uid>/dispatch/<str:dispatch>", csrf_exempt(route(POST=view_api.dispatch_app))),
    path("apps/view/<str:uid>/streams/<str:stream>", route(GET=view_api.stream_app)),
    path("apps/view/<str:uid>/file/meta", route(GET=view_api.read_file_meta)),
    path("apps/view/<str:uid>/file/preview", route(GET=view_api.read_file_preview)),
    path("apps/view/<str:uid>/file/download", route(GET=view_api.download_file)),
    path("apps/view/<str:uid>/logs/download", route(GET=view_api.download_logs)),
    path("apps/<str:uid>", route(GET=apps_api.get_app, PUT=apps_api.put_app, DELETE=apps_api.remove_app)),
    path("apps/<str:uid>/enable", route(POST=apps_api.enable_app)),
    path("apps/<str:uid>/disable", route(POST=apps_api.disable_app)),
    path("apps/<str:uid>/link", route(POST=apps_api.post_new_link)),
    path("apps/<str:uid>/embed-hosts", route(PUT=apps_api.put_embed_hosts)),
]

# What is sent from an App's page carries a signed dispatch made for its sender, which stands for Django's own token:
# in a frame on another site there is no cookie to compare.
ui_urls: list[URLPattern] = [
    path("apps/<app:uid>", csrf_exempt(page(GET=app_page.show_app, POST=app_page.act)), name="app"),
    path("apps/<app:uid>/inputs", csrf_exempt(page(POST=app_page.refresh_fields)), name="app_inputs"),
    path("apps/<app:uid>/events", page(GET=page_files.stream_events), name="app_events"),
    path("apps/<app:uid>/file", page(GET=page_files.download_file), name="app_file"),
    path("apps/<app:uid>/logs", page(GET=page_files.download_logs), name="app_logs"),
]
