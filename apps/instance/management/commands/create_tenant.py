"""`manage.py create_tenant`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from apps.accounts.selectors import named_user
from apps.common.commands import Answer, ProductCommand
from apps.instance.services.tenants import create_tenant


class Command(ProductCommand):
    help = "Makes a tenant with its schema and managed roles. Without --admin nobody is bound: a super admin can enter."
    examples = """
  manage.py create_tenant acme --name 'Acme Corp' --admin ada@acme.example
  manage.py create_tenant acme --json"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="lower-case letters, digits, - and _; part of every address, never changes")
        parser.add_argument("--name", default="", help="what people read; the id when left out")
        parser.add_argument("--admin", metavar="USER", help="an existing person who gets the role Admin")

    def run(self, options: Mapping[str, Any]) -> Answer:
        admin = named_user(options["admin"]) if options["admin"] else None
        made = create_tenant(acting_user=None, tenant_id=options["id"], name=options["name"], admin=admin)
        return {"id": made.pk, "name": made.name, "admin": None if admin is None else admin.username}
