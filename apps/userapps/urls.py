"""Routes of Apps."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.views.decorators.csrf import csrf_exempt

from apps.common.ids import LENGTH
from apps.common.pages import page
from apps.userapps.api import apps as apps_api
from apps.userapps.api import views as view_api
from apps.userapps.views import app_page, brand, builder, catalog, manage, page_files
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
    path("apps", page(GET=manage.list_apps), name="apps"),
    path("apps/export", page(GET=manage.export_apps), name="apps_export"),
    path("apps/import", page(POST=manage.import_file), name="apps_import"),
    path("apps/change/<app:uid>", page(POST=manage.change_app), name="app_change"),
    path("apps/share/<app:uid>", page(GET=manage.show_share, POST=manage.save_hosts), name="app_share"),
    path("apps/new", page(GET=builder.show_new, POST=builder.save_new), name="app_new"),
    path("apps/edit/<app:uid>", page(GET=builder.show_edit, POST=builder.save_edit), name="app_edit"),
    path("apps/revisions/<app:uid>", page(GET=builder.show_revisions, POST=builder.restore), name="app_revisions"),
    path("apps/validate", page(POST=builder.validate), name="app_validate"),
    path("apps/preview", page(POST=builder.preview), name="app_preview"),
    path("apps/catalog", page(GET=catalog.show_catalog), name="app_catalog"),
    path("apps/favourite/<app:uid>", page(POST=catalog.mark_favourite), name="app_favourite"),
    path("apps/brand", page(GET=brand.show_brand, POST=brand.change_brand), name="app_brand"),
    path("apps/logo", page(GET=brand.show_logo), name="app_logo"),
    path("apps/<app:uid>/thumbnail", page(GET=page_files.show_thumbnail), name="app_thumbnail"),
    path("apps/<app:uid>", csrf_exempt(page(GET=app_page.show_app, POST=app_page.act)), name="app"),
    path("apps/<app:uid>/inputs", csrf_exempt(page(POST=app_page.refresh_fields)), name="app_inputs"),
    path("apps/<app:uid>/events", page(GET=page_files.stream_events), name="app_events"),
    path("apps/<app:uid>/file", page(GET=page_files.download_file), name="app_file"),
    path("apps/<app:uid>/logs", page(GET=page_files.download_logs), name="app_logs"),
]
