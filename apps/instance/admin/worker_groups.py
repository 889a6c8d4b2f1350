"""Worker groups in the admin console."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from apps.accounts.selectors import current_user
from apps.common.admin import ProductAdmin
from apps.common.errors import ProductError
from apps.instance.models import WorkerGroup
from apps.instance.selectors import active_workers
from apps.instance.services.worker_groups import create_worker_group, delete_worker_group, update_worker_group
from apps.tenants.models import Tenant


class WorkerGroupForm(forms.ModelForm[WorkerGroup]):
    """The key is chosen once: workers and flows name it."""

    tenants = forms.ModelMultipleChoiceField(
        Tenant.objects.order_by("id"), required=False, help_text="None: flows of all tenants may use it."
    )

    class Meta:
        model = WorkerGroup
        fields = ("key", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tenants"].initial = self.instance.allowed_tenants


@admin.register(WorkerGroup)
class WorkerGroupAdmin(ProductAdmin[WorkerGroup]):
    """Writes go through the services, so they are checked and audited as anywhere."""

    form = WorkerGroupForm
    list_display = ("key", "description", "workers")
    search_fields = ("key", "description")
    ordering = ("key",)

    @admin.display(description="Workers now")
    def workers(self, group: WorkerGroup) -> int:
        return active_workers()[group.key]

    def get_readonly_fields(self, request: HttpRequest, obj: WorkerGroup | None = None) -> tuple[str, ...]:
        return () if obj is None else ("key",)

    def save_model(self, request: HttpRequest, obj: WorkerGroup, form: Any, change: bool) -> None:
        acting_user, given = current_user(request), form.cleaned_data
        values = {"description": given["description"], "allowed_tenants": [row.pk for row in given["tenants"]]}
        try:
            if change:
                stored = WorkerGroup.objects.get(pk=obj.pk)
                update_worker_group(acting_user=acting_user, group=stored, key=stored.key, **values)
            else:
                made = create_worker_group(acting_user=acting_user, key=given["key"], **values)
                obj.__dict__.update(made.__dict__)
        except ProductError as error:
            messages.error(request, error.message)

    def delete_model(self, request: HttpRequest, obj: WorkerGroup) -> None:
        delete_worker_group(acting_user=current_user(request), group=obj)
