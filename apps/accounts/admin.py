"""People and tokens in the admin console, for super admins."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.accounts.models import ApiToken, IdentityProvider, SignInGuard, User, UserType
from apps.accounts.selectors import current_user, find_user
from apps.accounts.services import (
    check_password,
    check_username,
    create_user,
    delete_api_token,
    delete_user,
    set_password,
    set_user_type,
    unlock_sign_in,
    update_user,
)
from apps.accounts.services.providers import check_provider, delete_provider, save_provider
from apps.accounts.services.second_factor import reset_second_factor
from apps.accounts.services.sessions import revoke_sessions
from apps.audit.services import record
from apps.common.admin import ProductAdmin
from apps.common.errors import ProductError

for _foreign in (EmailAddress, SocialAccount, SocialApp, SocialToken, Authenticator):
    admin.site.unregister(_foreign)  # kept by the product's own services


class UserForm(forms.ModelForm[User]):
    """What a super admin may set; the password is never shown."""

    new_password = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Empty: unchanged.",
    )

    class Meta:
        model = User
        fields = ("username", "type", "first_name", "last_name", "description", "is_active")

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        other = find_user(username)
        if other is not None and other.pk != self.instance.pk:
            raise ValidationError("There is already such a user.")
        return username

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            if "username" in given and "type" in given:
                check_username(given["username"], UserType(given["type"]))
            if given.get("new_password"):
                check_password(given["new_password"])
        except ProductError as error:
            raise ValidationError(error.message) from error
        return given


@admin.register(User)
class UserAdmin(ProductAdmin[User]):
    """Writes go through the services, so they are checked and audited as anywhere."""

    form = UserForm
    list_display = ("username", "full_name", "type", "is_active", "second_factor", "last_login", "home_tenant")
    list_filter = ("type", "is_active")
    search_fields = ("username", "first_name", "last_name", "description")
    ordering = ("username",)
    actions = ("unlock", "sign_out", "reset_factor")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return () if obj is None else ("username",)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        acting_user, given = current_user(request), form.cleaned_data
        try:
            if not change:
                self._create(acting_user, obj, given)
                return
            stored = User.objects.get(pk=obj.pk)
            if stored.type != given["type"]:
                set_user_type(acting_user=acting_user, user=stored, user_type=UserType(given["type"]))
            if given["new_password"]:
                set_password(acting_user=acting_user, user=stored, password=given["new_password"])
            names = {name: given[name] for name in ("first_name", "last_name", "description", "is_active")}
            update_user(acting_user=acting_user, user=stored, **names)
        except ProductError as error:
            messages.error(request, error.message)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        try:
            delete_user(acting_user=current_user(request), user=obj)
        except ProductError as error:
            messages.error(request, error.message)

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            revoke_sessions(acting_user=current_user(request), user=user)

    @admin.action(description="Reset the second factor")
    def reset_factor(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            reset_second_factor(acting_user=current_user(request), user=user)

    @admin.action(description="Unlock sign-in")
    def unlock(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            unlock_sign_in(acting_user=current_user(request), user=user)

    def _create(self, acting_user: User, obj: User, given: dict[str, Any]) -> None:
        made = create_user(
            acting_user=acting_user,
            username=given["username"],
            password=given["new_password"] or None,
            first_name=given["first_name"],
            last_name=given["last_name"],
            description=given["description"],
            user_type=UserType(given["type"]),
        )
        obj.__dict__.update(made.__dict__)


@admin.register(ApiToken)
class ApiTokenAdmin(ProductAdmin[ApiToken]):
    """Seen and revoked here; made where the full token can be shown to its owner."""

    list_display = ("name", "user", "prefix", "created", "expires", "last_used")
    search_fields = ("name", "prefix", "user__username")
    fields = ("name", "user", "description", "prefix", "created", "expires", "max_age", "extended", "last_used")

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        delete_api_token(acting_user=current_user(request), user=obj.user, token_id=obj.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False


@admin.register(SignInGuard)
class SignInGuardAdmin(ProductAdmin[SignInGuard]):
    """Names that are locked out; deleting one unlocks it."""

    list_display = ("username", "failures", "first_failure", "locked_until")
    search_fields = ("username",)

    def delete_model(self, request: HttpRequest, obj: SignInGuard) -> None:
        """The name may belong to nobody, so there is no person to unlock."""
        record(
            acting_user=current_user(request),
            action="UPDATE",
            resource="User",
            detail={"username": obj.username, "unlocked": True},
        )
        super().delete_model(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SignInGuard | None = None) -> bool:
        return False


class AddressField(forms.URLField):
    """An address without a scheme is meant as https."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", **kwargs)


class ProviderForm(forms.ModelForm[IdentityProvider]):
    """The secret is never shown: empty keeps the one that is stored."""

    client_secret = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Stored sealed, never shown again. Empty: unchanged.",
    )

    class Meta:
        model = IdentityProvider
        fields = (
            "name",
            "label",
            "issuer",
            "client_id",
            "scopes",
            "domains",
            "groups_claim",
            "group_mapping",
            "trusts_email",
            "enabled",
        )
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {"issuer": AddressField}

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check_provider(IdentityProvider(**{name: given[name] for name in given if name != "client_secret"}))
            except ProductError as error:
                raise ValidationError([f"{one.path}: {one.message}" for one in error.problems]) from error
        return given


@admin.register(IdentityProvider)
class IdentityProviderAdmin(ProductAdmin[IdentityProvider]):
    """Single sign-on. The callback to enter at the provider is /oauth/callback/ and the name."""

    form = ProviderForm
    list_display = ("name", "label", "issuer", "enabled")
    search_fields = ("name", "label", "issuer")

    def get_readonly_fields(self, request: HttpRequest, obj: IdentityProvider | None = None) -> tuple[str, ...]:
        return () if obj is None else ("name",)

    def save_model(self, request: HttpRequest, obj: IdentityProvider, form: Any, change: bool) -> None:
        save_provider(
            acting_user=current_user(request), provider=obj, client_secret=form.cleaned_data.get("client_secret", "")
        )

    def delete_model(self, request: HttpRequest, obj: IdentityProvider) -> None:
        delete_provider(acting_user=current_user(request), provider=obj)
