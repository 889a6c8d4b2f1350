"""Announcements of the installation and news, written by the platform team."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.selectors import current_user
from apps.announcements.models import Banner, BannerType, News
from apps.announcements.services.banners import BannerFields, check_fields, delete_banner, save_banner
from apps.announcements.services.news import note_news
from apps.common.admin import ProductAdmin
from apps.common.errors import Invalid


class BannerForm(forms.ModelForm[Banner]):
    """The installation's; what is wrong is told in the form."""

    class Meta:
        model = Banner
        fields = ("message", "type", "start_date", "end_date", "tenants", "dismissible", "on_sign_in", "in_apps")
        help_texts = {"tenants": 'Ids such as ["main"]; [] is everybody.'}  # noqa: RUF012 - read by Django

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if "message" in given:
            try:
                check_fields(fields_of(given))
            except Invalid as error:
                raise forms.ValidationError(error.message) from error
        return given


@admin.register(Banner)
class BannerAdmin(ProductAdmin[Banner]):
    """Writes go through the services, so they are checked, audited and shown on open pages at once."""

    form = BannerForm
    list_display = ("message", "type", "start_date", "end_date", "active", "dismissible")
    list_filter = ("type",)
    search_fields = ("message",)

    def save_model(self, request: HttpRequest, obj: Banner, form: Any, change: bool) -> None:
        stored = Banner.objects.get(pk=obj.pk) if change else None
        made = save_banner(acting_user=current_user(request), fields=fields_of(form.cleaned_data), banner=stored)
        obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Banner) -> None:
        delete_banner(acting_user=current_user(request), banner=obj)


@admin.register(News)
class NewsAdmin(ProductAdmin[News]):
    """What the sidebar shows as news."""

    list_display = ("title", "published")
    search_fields = ("title", "body")
    fields = ("title", "body", "link", "published")

    def save_model(self, request: HttpRequest, obj: News, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            note_news(acting_user=current_user(request), action="UPDATE" if change else "CREATE", news=obj)

    def delete_model(self, request: HttpRequest, obj: News) -> None:
        with transaction.atomic():
            note_news(acting_user=current_user(request), action="DELETE", news=obj)
            super().delete_model(request, obj)


def fields_of(given: dict[str, Any]) -> BannerFields:
    return BannerFields(
        message=given["message"],
        type=given.get("type") or BannerType.INFO,
        start_date=given.get("start_date"),
        end_date=given.get("end_date"),
        tenants=tuple(given.get("tenants") or ()),
        dismissible=bool(given.get("dismissible")),
        on_sign_in=bool(given.get("on_sign_in")),
        in_apps=bool(given.get("in_apps")),
    )
