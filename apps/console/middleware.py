"""Dates on pages in the reader's own zone and form."""

from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from apps.accounts.models import User
from apps.common.display import DATE_FORMS, date_form

PAGES: Final = "/ui/"


class ReaderMiddleware:
    """Opens the person's time zone and form of dates for a page, after it is known who that is; UTC for programs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PAGES):
            return self.get_response(request)
        token = date_form.set("")
        try:
            with timezone.override(None):
                return self.get_response(request)
        finally:
            date_form.reset(token)

    def process_view(self, request: HttpRequest, view: Any, args: Any, arguments: Any) -> None:
        """Runs after the access check, so whom the person acts as counts."""
        user = getattr(request, "user", None)
        if not request.path_info.startswith(PAGES) or not isinstance(user, User):
            return
        zone, form = user.preferences.get("timeZone"), user.preferences.get("dateFormat")
        if zone and zone in available_timezones():
            timezone.activate(ZoneInfo(zone))
        if form in DATE_FORMS:
            date_form.set(form)
