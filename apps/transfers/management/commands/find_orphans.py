"""`manage.py find_orphans`: files whose execution or pair is gone, told or deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.errors import ProductError
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.transfers.services.orphans import STRANDED, find_orphans


class Command(BaseCommand):
    """Set KESTRA_EE_PROCESS to that of a worker where others may not touch dedicated backends."""

    help = "Lists files in internal storage that nothing points to, of the tenants named or of all; deletes on demand."

    def add_arguments(self, parser: CommandParser) -> None:
        """Tenants by id."""
        parser.add_argument("tenants", nargs="*", metavar="TENANT")
        parser.add_argument("--delete", action="store_true", help="delete them, but never stranded ones")
        parser.add_argument("--older-than", type=float, default=24.0, metavar="HOURS", help="default: 24, at least 1")
        parser.add_argument("--stranded", action="store_true", help="also tell what a former choice of backend left")

    def handle(self, *args: Any, **options: Any) -> None:
        """Paths one a line, then the sums."""
        if options["older_than"] < 1:
            raise CommandError("--older-than is at least 1 hour: bytes are written before their row.")
        known = list(Tenant.objects.filter(deleted_at=None).order_by("pk").values_list("pk", flat=True))
        for tenant_id in options["tenants"] or known:
            if tenant_id not in known:
                raise CommandError(f"There is no tenant '{tenant_id}'.")
            self._look(tenant_id, options)

    def _look(self, tenant_id: str, options: dict[str, Any]) -> None:
        sums: dict[str, tuple[int, int]] = {}
        try:
            with tenant_scope(tenant_id):
                for found in find_orphans(
                    older_than=timedelta(hours=options["older_than"]),
                    delete=options["delete"],
                    stranded=options["stranded"],
                ):
                    count, size = sums.get(found.why, (0, 0))
                    sums[found.why] = (count + 1, size + found.size)
                    self.stdout.write(f"{found.why}\t{found.size}\t{found.path}")
        except ProductError as error:
            raise CommandError(f"{tenant_id}: {error.message}") from error
        for why, (count, size) in sorted(sums.items()):
            done = "deleted" if options["delete"] and why != STRANDED else "found"
            self.stdout.write(f"{tenant_id}: {count} files, {size} bytes {done}: {why}")
        if not sums:
            self.stdout.write(f"{tenant_id}: no orphans")
