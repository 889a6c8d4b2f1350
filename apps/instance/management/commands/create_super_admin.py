"""`manage.py create_super_admin`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from apps.accounts.models import UserType
from apps.accounts.services.people import create_user
from apps.common.commands import Answer, ProductCommand
from apps.instance.services.given_passwords import read_password


class Command(ProductCommand):
    help = (
        "Makes a super admin: manages tenants, people and the installation, and runs no flows unless he is bound. "
        "The password comes from the environment (KESTRA_EE_NEW_PASSWORD) or is asked for; never from an argument, "
        "which every process of the machine could read."
    )
    examples = """
  manage.py create_super_admin root@example.com
  KESTRA_EE_NEW_PASSWORD=… manage.py create_super_admin root@example.com --json"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--first-name", default="")
        parser.add_argument("--last-name", default="")

    def run(self, options: Mapping[str, Any]) -> Answer:
        made = create_user(
            acting_user=None,
            username=options["email"],
            password=read_password(),
            first_name=options["first_name"],
            last_name=options["last_name"],
            user_type=UserType.SUPER_ADMIN,
        )
        return {"id": made.pk, "username": made.username, "type": made.type}
