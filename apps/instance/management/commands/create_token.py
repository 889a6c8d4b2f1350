"""`manage.py create_token`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from apps.accounts.selectors import named_user
from apps.accounts.services.tokens import create_api_token
from apps.common.commands import Answer, ProductCommand
from apps.common.errors import IllegalArgument


class Command(ProductCommand):
    help = (
        "Makes an API token that carries exactly its owner's rights, and prints it this once: nothing keeps it. "
        "It is sent as `Authorization: Bearer …`."
    )
    examples = """
  manage.py create_token terraform ci --days 90
  TOKEN=$(manage.py create_token terraform ci --days 90 --json | jq -r .token)"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="a person or service account")
        parser.add_argument("name", help="lower-case letters, digits and single hyphens; once for each owner")
        parser.add_argument("--description", default="")
        parser.add_argument("--days", type=float, help="ends after so many days; never when left out")
        parser.add_argument("--extended", action="store_true", help="each use begins the days anew")

    def run(self, options: Mapping[str, Any]) -> Answer:
        if options["extended"] and options["days"] is None:
            raise IllegalArgument("--extended needs --days: without them the token never ends.")
        owner = named_user(options["user"])
        row, full_token = create_api_token(
            acting_user=None,
            user=owner,
            name=options["name"],
            description=options["description"],
            max_age=None if options["days"] is None else timedelta(days=options["days"]),
            extended=options["extended"],
        )
        return {"owner": owner.username, "name": row.name, "expires": row.expires, "token": full_token}
