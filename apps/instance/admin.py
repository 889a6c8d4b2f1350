"""Tenants and worker groups in the admin console: making a tenant makes its schema."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.errors import ProductError
from apps.instance.models import WorkerGroup
from apps.instance.selectors import active_workers
from apps.instance.services.deletion import mark_deleted
from apps.instance.services.tenant_settings import update_tenant
from apps.instance.services.tenants import choose_tenant_backends, create_tenant
from apps.instance.services.worker_groups import create_worker_group, delete_worker_group, update_worker_group
from apps.isolation.catalog import Kind, backend_entries
from apps.isolation.forms import backend_fields, read_fields, shown_values
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.schemas import IsolationFields
from apps.isolation.selectors import show_choice
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant

admin.site.site_title = admin.site.site_header = "Platform administration"
admin.site.index_title = "Installation"
admin.site.site_url = "/ui/"


class TenantForm(forms.ModelForm[Tenant]):
    """The id is chosen once."""

    first_admin = forms.ModelChoiceField(
        User.objects.filter(is_active=True), required=False, help_text="Becomes Admin of the new tenant."
    )

    class Meta:
        model = Tenant
        fields = ("id", "name")


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin[Tenant]):
    """Writes go through the services, so they are checked and audited as anywhere."""

    form = TenantForm
    list_display = ("id", "name", "created")
    search_fields = ("id", "name")
    ordering = ("id",)

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:
        return () if obj is None else ("id",)

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        """A new tenant first gets its schema, then backends of its own."""
        if obj is None:
            return [(None, {"fields": ("id", "name", "first_admin")})]
        return [
            (None, {"fields": ("id", "name")}),
            *(
                (f"Backend: {kind}", {"fields": tuple(backend_fields(kind)), "classes": ("collapse",)})
                for kind in Kind
                if backend_entries(kind)
            ),
        ]

    def get_form(self, request: HttpRequest, obj: Tenant | None = None, change: bool = False, **kwargs: Any) -> Any:
        """With the fields of each type of backend, made from its model."""
        if obj is not None:
            fields: dict[str, Any] = {}
            with tenant_scope(obj.pk):
                for kind in Kind:
                    made = backend_fields(kind)
                    for name, value in shown_values(kind, show_choice(kind, WHOLE_TENANT)).items():
                        made[name].initial = value
                    fields |= made
            kwargs["form"] = type("TenantWithBackends", (TenantForm,), fields)
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        acting_user, given = current_user(request), form.cleaned_data
        try:
            if change:
                tenant = get_tenant(obj.pk)
                choose_tenant_backends(acting_user=acting_user, tenant=tenant, body=_chosen(given))
                update_tenant(acting_user=acting_user, tenant=tenant, name=given["name"])
                return
            made = create_tenant(
                acting_user=acting_user, tenant_id=given["id"], name=given["name"], admin=given["first_admin"]
            )
            obj.__dict__.update(made.__dict__)
        except ProductError as error:
            messages.error(request, error.message)

    def delete_model(self, request: HttpRequest, obj: Tenant) -> None:
        try:
            mark_deleted(acting_user=current_user(request), tenant=obj)
        except ProductError as error:
            messages.error(request, error.message)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_actions(request)
        found.pop("delete_selected", None)  # one by one, through the service
        return found


def _chosen(given: dict[str, Any]) -> IsolationFields:
    body: dict[str, Any] = {}
    for kind in Kind:
        if str(kind) in given:
            body[f"{kind}_type"], body[f"{kind}_configuration"] = read_fields(kind, given)
    return IsolationFields(**body)


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
class WorkerGroupAdmin(admin.ModelAdmin[WorkerGroup]):
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

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_actions(request)
        found.pop("delete_selected", None)  # one by one, through the service
        return found
