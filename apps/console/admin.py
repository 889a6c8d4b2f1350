"""What libraries register in the admin console, in our shape: what beat sends may be paused and paced, each change
audited; Django's own groups are not ours. Here, since this app is loaded after all libraries."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin as StockPeriodicTaskAdmin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from apps.accounts.selectors import current_user
from apps.audit.services import record
from apps.common.admin import ProductAdmin

for _model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule, Group):
    admin.site.unregister(_model)


class AuditedAdmin(ProductAdmin[Any]):
    """Of rows that belong to a library: no service of ours writes them, so the audit entry is written here."""

    def save_model(self, request: HttpRequest, obj: models.Model, form: ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        changed = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        before = {name: str(form.initial.get(name)) for name in form.changed_data} if change else None
        self._record(request, "UPDATE" if change else "CREATE", obj, before, changed)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        self._record(request, "DELETE", obj, None, None)
        super().delete_model(request, obj)

    def _record(self, request: HttpRequest, action: str, obj: models.Model, before: Any, after: Any) -> None:
        record(
            acting_user=current_user(request),
            action=action,
            resource=type(obj).__name__,
            detail={"id": str(obj.pk), "name": str(obj)[:200]},
            before=before,
            after=after,
            permission="SETTING",
        )


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(AuditedAdmin, StockPeriodicTaskAdmin):
    """Changes hold within a second, in every beat."""

    list_display = ("name", "task", "interval", "enabled", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    search_fields = ("name", "task")
    actions = ()


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(AuditedAdmin):
    list_display = ("every", "period")


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(AuditedAdmin):
    list_display = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
