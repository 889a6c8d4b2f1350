"""`manage.py create_user`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.services.people import create_user
from apps.common.commands import Answer, ProductCommand
from apps.common.errors import IllegalArgument
from apps.instance.services.given_passwords import read_password
from apps.rbac.models import BindingType
from apps.rbac.selectors import named_role
from apps.rbac.services.bindings import create_binding
from apps.rbac.services.people import create_service_account, invite_person
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant


class Command(ProductCommand):
    help = (
        "Makes a person or, with --service-account, a service account. With --tenant it gets access there, and with "
        "--role rights. A person who is known already only gets access. The password comes from KESTRA_EE_NEW_PASSWORD "
        "or is asked for; with --no-password the person signs in by single sign-on or resets it."
    )
    examples = """
  manage.py create_user ada@acme.example --tenant acme --role Developer --namespace company.data
  manage.py create_user terraform --service-account --tenant acme --role Admin --json"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the e-mail of a person, or the name of a service account")
        parser.add_argument("--service-account", action="store_true")
        parser.add_argument("--no-password", action="store_true")
        parser.add_argument("--first-name", default="")
        parser.add_argument("--last-name", default="")
        parser.add_argument("--tenant", metavar="ID")
        parser.add_argument("--role", help="name of a role of that tenant")
        parser.add_argument("--namespace", help="the role holds there and below; in the whole tenant when left out")

    def run(self, options: Mapping[str, Any]) -> Answer:
        if options["role"] and not options["tenant"]:
            raise IllegalArgument("--role needs --tenant: roles belong to tenants.")
        if not options["tenant"]:
            if options["service_account"]:
                raise IllegalArgument("--service-account needs --tenant: its admins look after it.")
            made = create_user(
                acting_user=None, username=options["name"], password=_password(options), **_names(options)
            )
            return {"id": made.pk, "username": made.username, "type": made.type}
        with tenant_scope(get_tenant(options["tenant"]).pk), transaction.atomic():
            role = named_role(options["role"]) if options["role"] else None
            if options["service_account"]:
                made = create_service_account(acting_user=None, name=options["name"])
            else:
                made = invite_person(
                    acting_user=None, username=options["name"], password=_password(options), **_names(options)
                )
            if role is not None:
                create_binding(
                    acting_user=None,
                    subject=BindingType.USER,
                    subject_id=made.pk,
                    role=role,
                    namespace=options["namespace"],
                )
        return {
            "id": made.pk,
            "username": made.username,
            "type": made.type,
            "tenant": options["tenant"],
            "role": None if role is None else role.name,
            "namespace": options["namespace"],
        }


def _password(options: Mapping[str, Any]) -> str | None:
    return None if options["no_password"] else read_password()


def _names(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"first_name": options["first_name"], "last_name": options["last_name"]}
