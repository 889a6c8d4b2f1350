"""Invitations of all tenants in the admin console: seen, sent to the installation or a tenant, and revoked."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from apps.accounts.selectors import current_user
from apps.common.admin import ProductAdmin
from apps.common.errors import ProductError
from apps.invitations.models import Invitation
from apps.invitations.services.inviting import Preset, create_invitation, resend_invitation, revoke_invitation
from apps.tenants.models import Tenant


class InvitationForm(forms.ModelForm[Invitation]):
    """Roles and groups are chosen in the console of the tenant; here people get access, or the installation."""

    to_tenant = forms.ModelChoiceField(
        Tenant.objects.order_by("id"), required=False, label="Tenant", help_text="Empty: to the installation."
    )

    class Meta:
        model = Invitation
        fields = ("email", "super_admin", "message")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("to_tenant") and given.get("super_admin"):
            raise forms.ValidationError("A super admin is invited to the installation, not to a tenant.")
        return given


@admin.register(Invitation)
class InvitationAdmin(ProductAdmin[Invitation]):
    """Writes go through the services; deleting revokes the link and keeps the row."""

    form = InvitationForm
    list_display = ("email", "tenant_id", "state", "super_admin", "invited_by_name", "sent_at", "expires_at")
    list_filter = ("status", "tenant_id")
    search_fields = ("email",)
    actions = ("send_again",)

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return obj is None

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        given = form.cleaned_data
        try:
            made = create_invitation(
                acting_user=current_user(request),
                tenant_id=given["to_tenant"].pk if given["to_tenant"] else "",
                email=given["email"],
                preset=Preset(super_admin=given["super_admin"]),
                message=given["message"],
            )
        except ProductError as error:
            messages.error(request, error.message)
            return
        obj.__dict__.update(made.__dict__)
        messages.info(request, f"The link to hand over: {made.link}")

    def delete_model(self, request: HttpRequest, obj: Invitation) -> None:
        try:
            revoke_invitation(acting_user=current_user(request), invitation=obj)
        except ProductError as error:
            messages.error(request, error.message)

    @admin.action(description="Send again")
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            try:
                resend_invitation(acting_user=current_user(request), invitation=row)
            except ProductError as error:
                messages.error(request, f"{row.email}: {error.message}")
