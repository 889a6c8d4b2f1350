"""What the admin pages of all apps have in common."""

from typing import Any, Final, TypeVar

from django import forms
from django.db import models
from django.http import HttpRequest
from unfold import widgets
from unfold.admin import ModelAdmin

Row = TypeVar("Row", bound=models.Model)

_STYLED: Final[dict[type[forms.Widget], type[forms.Widget]]] = {
    forms.TextInput: widgets.UnfoldAdminTextInputWidget,
    forms.NumberInput: widgets.UnfoldAdminIntegerFieldWidget,
    forms.EmailInput: widgets.UnfoldAdminEmailInputWidget,
    forms.PasswordInput: widgets.UnfoldAdminPasswordWidget,
    forms.Textarea: widgets.UnfoldAdminTextareaWidget,
    forms.Select: widgets.UnfoldAdminSelectWidget,
    forms.SelectMultiple: widgets.UnfoldAdminSelectMultipleWidget,
    forms.CheckboxInput: widgets.UnfoldBooleanSwitchWidget,
}
"""The theme dresses fields of models; those that a form declares itself get the same look by this."""


class ProductAdmin(ModelAdmin[Row]):  # type: ignore[type-arg,misc,unused-ignore]
    """One row at a time: nothing is deleted in bulk, and writes go through services or `ReadOnlyAdmin` has none."""

    list_per_page = 50
    show_full_result_count = False
    """A count of the whole table beside the filtered one would read it all at each page."""
    warn_unsaved_form = True

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        found.pop("delete_selected", None)  # one by one, through the service
        return found

    def get_form(self, request: HttpRequest, obj: Row | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        for field in form.base_fields.values():
            dress(field)
        return form


class ReadOnlyAdmin(ProductAdmin[Row]):
    """Looked at here, changed elsewhere or never."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


def dress(field: forms.Field) -> None:
    """The theme's widget in place of the plain one of the same kind; choices and attributes stay."""
    plain = field.widget
    styled = _STYLED.get(type(plain))
    if styled is None:
        return
    made = styled(attrs=plain.attrs or None)
    made.is_required, made.is_localized = plain.is_required, plain.is_localized
    if isinstance(plain, forms.Select):
        made.choices = plain.choices  # type: ignore[attr-defined]
    field.widget = made
