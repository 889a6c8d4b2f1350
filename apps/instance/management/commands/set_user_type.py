"""`manage.py set_user_type`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from apps.accounts.models import UserType
from apps.accounts.selectors import named_user
from apps.accounts.services.people import set_user_type
from apps.common.commands import Answer, ProductCommand


class Command(ProductCommand):
    help = "Makes a person a super admin, or takes that back. The last super admin stays one."
    examples = """
  manage.py set_user_type ada@acme.example SUPER_ADMIN"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("type", choices=[UserType.STANDARD.value, UserType.SUPER_ADMIN.value])

    def run(self, options: Mapping[str, Any]) -> Answer:
        changed = set_user_type(acting_user=None, user=named_user(options["user"]), user_type=UserType(options["type"]))
        return {"username": changed.username, "type": changed.type}
