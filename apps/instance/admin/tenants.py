"""Tenants in the admin console: making one makes its schema, deleting one asks for its id."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.admin import ProductAdmin
from apps.common.errors import ProductError
from apps.instance.services.deletion import mark_deleted
from apps.instance.services.tenant_settings import LONGEST_RETENTION, update_tenant
from apps.instance.services.tenants import choose_tenant_backends, create_tenant
from apps.isolation.catalog import Kind, backend_entries
from apps.isolation.forms import backend_fields, read_fields, shown_values
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.schemas import IsolationFields
from apps.isolation.selectors import show_choice
from apps.tenants.catalog import ENVIRONMENT_COLOR, QUOTAS, RETENTIONS
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant


class TenantForm(forms.ModelForm[Tenant]):
    """The id is chosen once."""

    first_admin = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        required=False,
        help_text="Becomes Admin of the new tenant. Without one, a super admin binds people from its IAM pages.",
    )

    class Meta:
        model = Tenant
        fields = (
            "id", "name", "environment_name", "environment_color", "mfa_required", "require_existing_namespace",
        )  # fmt: skip
        labels: ClassVar[dict[str, str]] = {
            "mfa_required": "Second factor required",
            "require_existing_namespace": "Namespaces are created first",
        }
        help_texts: ClassVar[dict[str, str]] = {
            "id": "Lower-case letters, digits, - and _. Part of every address; never changes.",
            "name": "What people read in the tenant switcher.",
            "environment_name": "Shown on top of each page of the tenant, such as Production.",
            "environment_color": "#rrggbb of the stripe on top of each page; empty for none.",
            "mfa_required": "People of this tenant sign in with a second factor.",
            "require_existing_namespace": "Flows are saved only in namespaces that were created.",
        }

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        color = given.get("environment_color") or ""
        if color and not ENVIRONMENT_COLOR.fullmatch(color):
            self.add_error("environment_color", "It must look like #d33838.")
        return given


def limit_fields() -> dict[str, forms.Field]:
    """A number for each quota and retention there is, named quotas.flows and so on."""
    found: dict[str, forms.Field] = {}
    for group, known, unit in (("quotas", QUOTAS, "no limit"), ("retention", RETENTIONS, "kept for ever")):
        for name, text in known.items():
            found[f"{group}.{name}"] = forms.IntegerField(
                label=text + (" (days)" if group == "retention" else ""),
                required=False,
                min_value=1,
                max_value=LONGEST_RETENTION if group == "retention" else 10**9,
                help_text=f"Empty: {unit}.",
            )
    return found


@admin.register(Tenant)
class TenantAdmin(ProductAdmin[Tenant]):
    """Writes go through the services, so they are checked and audited as anywhere."""

    form = TenantForm
    list_display = ("id", "name", "environment_name", "mfa_required", "created", "deleted_at")
    list_filter = ("mfa_required", "environment_name")
    search_fields = ("id", "name")
    ordering = ("id",)
    delete_confirmation_template = "admin/tenants/tenant/delete_confirmation.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:
        return () if obj is None else ("id",)

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        """A new tenant first gets its schema, then backends of its own."""
        if obj is None:
            return [(None, {"fields": ("id", "name", "first_admin")})]
        limits = limit_fields()
        return [
            (None, {"fields": TenantForm.Meta.fields}),
            *(
                (title, {"fields": tuple(name for name in limits if name.startswith(group)), "description": text})
                for group, title, text in (
                    ("quotas", "Quotas", "People, clients, triggers, subflows and retries are refused beyond them."),
                    ("retention", "Retention", "Older things are deleted hourly, in small steps."),
                )
            ),
            *(
                (f"Backend: {kind}", {"fields": tuple(backend_fields(kind)), "classes": ("collapse",)})
                for kind in Kind
                if backend_entries(kind)
            ),
        ]

    def get_form(self, request: HttpRequest, obj: Tenant | None = None, change: bool = False, **kwargs: Any) -> Any:
        """With the fields of each type of backend, made from its model."""
        if obj is not None:
            fields: dict[str, Any] = limit_fields()
            for name, field in fields.items():
                group, _, key = name.partition(".")
                field.initial = getattr(obj, group).get(key)
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
                plain = TenantForm.Meta.fields[1:]
                limits: dict[str, dict[str, int]] = {"quotas": {}, "retention": {}}
                for name in limit_fields():
                    group, _, key = name.partition(".")
                    limits[group][key] = given[name]
                update_tenant(acting_user=acting_user, tenant=tenant, **{name: given[name] for name in plain}, **limits)
                return
            made = create_tenant(
                acting_user=acting_user, tenant_id=given["id"], name=given["name"], admin=given["first_admin"]
            )
            obj.__dict__.update(made.__dict__)
        except ProductError as error:
            messages.error(request, error.message)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Deletes only when the id was typed once more."""
        if request.method == "POST" and request.POST.get("confirm") != object_id:
            messages.error(request, f"Nothing was deleted: type {object_id} to confirm.")
            return HttpResponseRedirect(request.path)
        answer: HttpResponse = super().delete_view(request, object_id, extra_context)
        return answer

    def delete_model(self, request: HttpRequest, obj: Tenant) -> None:
        try:
            mark_deleted(acting_user=current_user(request), tenant=obj)
        except ProductError as error:
            messages.error(request, error.message)


def _chosen(given: dict[str, Any]) -> IsolationFields:
    body: dict[str, Any] = {}
    for kind in Kind:
        if str(kind) in given:
            body[f"{kind}_type"], body[f"{kind}_configuration"] = read_fields(kind, given)
    return IsolationFields(**body)
