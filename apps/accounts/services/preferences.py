"""What a person chose for the tables of the console: columns and their order, length of a page, height of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User

TABLES: Final = "tables"


def save_table_choice(*, acting_user: User, table: str, choice: Mapping[str, Any]) -> None:
    """Of one table; an empty choice takes it back to the usual. The row is locked: two windows may save at once."""
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=acting_user.pk)
        tables = {name: held for name, held in row.preferences.get(TABLES, {}).items() if name != table}
        if choice:
            tables[table] = dict(choice)
        row.preferences = {name: value for name, value in row.preferences.items() if name != TABLES}
        if tables:
            row.preferences[TABLES] = tables
        row.save(update_fields=["preferences"])
    acting_user.preferences = row.preferences


def table_choice(user: User, table: str) -> Mapping[str, Any]:
    """What is kept of one table; empty for the usual."""
    held = user.preferences.get(TABLES, {}).get(table, {})
    return held if isinstance(held, Mapping) else {}
