"""`manage.py list_users`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from apps.accounts.models import UserType
from apps.accounts.selectors import search_users
from apps.common.commands import Answer, ProductCommand
from apps.rbac.selectors import search_members
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant


class Command(ProductCommand):
    help = "Lists people and service accounts by name: of the installation, or those with access to one tenant."
    examples = """
  manage.py list_users --type SUPER_ADMIN
  manage.py list_users --tenant acme --search ada --json"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="ID")
        parser.add_argument("--type", choices=UserType.values, default="")
        parser.add_argument("--search", default="", help="words that the name, e-mail or description must have")
        parser.add_argument("--limit", type=int, default=1000, help="at most so many (1000)")

    def run(self, options: Mapping[str, Any]) -> Answer:
        wanted = {"query": options["search"], "user_type": options["type"]}
        if not options["tenant"]:
            found = search_users(**wanted)
        else:
            with tenant_scope(get_tenant(options["tenant"]).pk):
                found = search_members(**wanted)
        return [
            {"username": one.username, "type": one.type, "active": one.is_active, "lastLogin": one.last_login}
            for one in found.order_by("username")[: options["limit"]]
        ]
