"""Writes of the pages around the apps."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.models import User


def save_preferences(*, acting_user: User, changes: Mapping[str, Any]) -> None:
    """Change some of one's own preferences; an empty value takes one back to its default."""
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=acting_user.pk)
        merged = {**row.preferences, **changes}
        row.preferences = {name: value for name, value in merged.items() if value not in ("", None)}
        row.save(update_fields=["preferences"])
    acting_user.preferences = row.preferences
