"""Routes of Apps."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.views.decorators.csrf import csrf_exempt

from apps.common.ids import LENGTH
from apps.common.pages import page
from apps.userapps.views import app_page, page_files


class AppUidConverter:
    """<app:uid> in a URL: what looks like an App's key, so that other pages may stand beside it."""

    regex = rf"[0-9A-Za-z]{{{LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AppUidConverter, "app")

# What is sent from an App's page carries a signed dispatch made for its sender, which stands for Django's own token:
# in a frame on another site there is no cookie to compare.
ui_urls: list[URLPattern] = [
    path("apps/<app:uid>", csrf_exempt(page(GET=app_page.show_app, POST=app_page.act)), name="app"),
    path("apps/<app:uid>/inputs", csrf_exempt(page(POST=app_page.refresh_fields)), name="app_inputs"),
    path("apps/<app:uid>/events", page(GET=page_files.stream_events), name="app_events"),
    path("apps/<app:uid>/file", page(GET=page_files.download_file), name="app_file"),
    path("apps/<app:uid>/logs", page(GET=page_files.download_logs), name="app_logs"),
]
