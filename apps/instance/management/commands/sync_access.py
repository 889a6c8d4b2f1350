"""`manage.py sync_access`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.accounts.models import User, UserType
from apps.common.commands import Answer, ProductCommand
from apps.rbac.selectors import member_ids
from apps.rbac.services.bindings import add_access
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant


class Command(ProductCommand):
    help = (
        "Lets every active person of the installation into a tenant, without giving rights: for an installation that "
        "had one tenant and gets several. Who has access already stays as he is; it may be run again."
    )
    examples = """
  manage.py sync_access
  manage.py sync_access --tenant acme --dry-run"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="ID", default=settings.KESTRA_DEFAULT_TENANT)
        parser.add_argument("--dry-run", action="store_true", help="only tell who would be let in")

    def run(self, options: Mapping[str, Any]) -> Answer:
        with tenant_scope(get_tenant(options["tenant"]).pk):
            missing = User.objects.filter(is_active=True, type=UserType.STANDARD).exclude(pk__in=member_ids())
            people = list(missing.order_by("username"))
            if not options["dry_run"]:
                for person in people:
                    add_access(acting_user=None, user=person)
        names = [person.username for person in people]
        return {"tenant": options["tenant"], "count": len(names), "people": names[:1000]}
