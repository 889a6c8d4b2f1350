"""`manage.py list_tenants`."""

from collections.abc import Mapping
from typing import Any

from apps.common.commands import Answer, ProductCommand
from apps.tenants.models import Tenant


class Command(ProductCommand):
    help = "Lists the tenants by id: id, name, when it was made, whether it is being deleted."
    examples = """
  manage.py list_tenants
  manage.py list_tenants --json | jq -r '.[].id'"""

    def run(self, options: Mapping[str, Any]) -> Answer:
        return [
            {"id": one.pk, "name": one.name, "created": one.created, "deleting": one.deleted_at is not None}
            for one in Tenant.objects.order_by("pk")
        ]
