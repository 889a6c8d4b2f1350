"""Exchange the master key: wrap every data key, of all tenants and of the instance, by the new one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django_tenants.utils import schema_context

from apps.encryption.models import DataKey
from apps.encryption.services import EncryptionError, master_keys, rewrap_master_key


class Command(BaseCommand):
    """Keys come from the environment alone: an argument would be seen in the list of processes."""

    help = (
        "Wraps all data keys by the first key of KESTRA_EE_MASTER_KEY (new,old). To exchange the key without a stop: "
        "give every process old,new; then new,old; run this; then give them new alone."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            new, *former = master_keys()
            if not former:
                raise CommandError("KESTRA_EE_MASTER_KEY holds one key: set it to the new and the old, new,old.")
            for schema in _schemas():
                with schema_context(schema):
                    count = rewrap_master_key(old=former, new=new)
                self.stdout.write(f"{schema}: {count} data keys wrapped anew")
        except EncryptionError as error:
            raise CommandError(str(error)) from error


def _schemas() -> list[str]:
    """Those that hold data keys: read from the catalog, for tenants are an app above this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = %s ORDER BY 1",
            [DataKey._meta.db_table],
        )
        return [row[0] for row in cursor.fetchall()]
