"""`manage.py delete_tenant`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from apps.common.commands import Answer, ProductCommand
from apps.common.errors import IllegalArgument
from apps.instance.services.deletion import mark_deleted, take_away
from apps.tenants.selectors import get_tenant


class Command(ProductCommand):
    help = (
        "Deletes a tenant with everything in it: flows, executions, secrets, files, audit log. It cannot be had back. "
        "Nobody enters it from now on; its bytes go within a minute, or before this ends with --now."
    )
    examples = """
  manage.py delete_tenant acme --confirm acme
  manage.py delete_tenant acme --confirm acme --now"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--confirm", required=True, metavar="ID", help="the id once more, so that it is no slip")
        parser.add_argument(
            "--now", action="store_true", help="do not wait for the chore; other processes may still serve it for 30 s"
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        if options["confirm"] != options["id"]:
            raise IllegalArgument(f"--confirm says '{options['confirm'][:60]}': it must be '{options['id'][:60]}'.")
        tenant = get_tenant(options["id"])
        mark_deleted(acting_user=None, tenant=tenant)
        if options["now"]:
            take_away(tenant)
        return {"id": options["id"], "deleted": True, "gone": bool(options["now"])}
