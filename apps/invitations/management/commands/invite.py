"""`manage.py invite`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from apps.accounts.selectors import named_user
from apps.common.commands import Answer, ProductCommand
from apps.common.errors import IllegalArgument
from apps.invitations.services.inviting import Preset, create_invitation
from apps.rbac.selectors import named_role
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant


class Command(ProductCommand):
    help = (
        "Invites somebody by e-mail, in the name of an administrator, and prints the link. Mail goes out when a mail "
        "server is set; the link works without one."
    )
    examples = """
  manage.py invite ada@acme.example --by root@example.com --tenant acme --role Developer@company.data --role Viewer
  manage.py invite root2@example.com --by root@example.com --super-admin --json"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--by", required=True, metavar="USER", help="who invites, with the rights that needs")
        parser.add_argument("--tenant", metavar="ID", help="to the installation alone when left out")
        parser.add_argument(
            "--role", action="append", default=[], metavar="ROLE[@NAMESPACE]", help="may be given several times"
        )
        parser.add_argument("--super-admin", action="store_true", help="to the installation, as a super admin")
        parser.add_argument("--message", default="", help="a few words that the mail begins with")

    def run(self, options: Mapping[str, Any]) -> Answer:
        tenant_id = get_tenant(options["tenant"]).pk if options["tenant"] else ""
        if options["role"] and not tenant_id:
            raise IllegalArgument("--role needs --tenant: roles belong to tenants.")
        bindings = []
        for text in options["role"]:
            name, _, namespace = text.partition("@")
            with tenant_scope(tenant_id):
                bindings.append((named_role(name).pk, namespace))
        made = create_invitation(
            acting_user=named_user(options["by"]),
            tenant_id=tenant_id,
            email=options["email"],
            preset=Preset(bindings=tuple(bindings), super_admin=options["super_admin"]),
            message=options["message"],
        )
        return {"id": made.pk, "email": made.email, "expires": made.expires_at, "link": made.link}
