"""`manage.py rotate_data_keys`: a new data key for each tenant, and its secrets encrypted with it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.encryption.services import EncryptionError
from apps.secrets.services.rotation import rotate_tenant_key
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope


class Command(BaseCommand):
    """While the product runs: former keys stay, to read what they wrote."""

    help = "Makes a new data key for the tenants named (all of them when none is) and encrypts their secrets anew."

    def add_arguments(self, parser: CommandParser) -> None:
        """Tenants by id."""
        parser.add_argument("tenants", nargs="*", metavar="TENANT")
        parser.add_argument("--only-reencrypt", action="store_true", help="go on after a failure, without another key")

    def handle(self, *args: Any, **options: Any) -> None:
        """One tenant after another; the first that fails ends it, those before are done."""
        known = list(Tenant.objects.order_by("pk").values_list("pk", flat=True))
        wanted = options["tenants"] or known
        for tenant_id in wanted:
            if tenant_id not in known:
                raise CommandError(f"There is no tenant '{tenant_id}'.")
        for tenant_id in wanted:
            try:
                with tenant_scope(tenant_id):
                    count = rotate_tenant_key(only_reencrypt=options["only_reencrypt"])
            except EncryptionError as error:
                raise CommandError(f"{tenant_id}: {error}") from error
            self.stdout.write(f"{tenant_id}: {count} texts encrypted anew")
