"""`manage.py check_members`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, cast

from apps.common.commands import Answer, ProductCommand
from apps.rbac.services.members import compare_members, mend_members
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import get_tenant


class Command(ProductCommand):
    help = (
        "Compares the index of who may enter which tenant, which the tenant switcher reads, with what the tenants "
        "themselves say. Ends with 1 when they differ, unless --repair mended it. Whether somebody may enter is never "
        "read from the index."
    )
    examples = """
  manage.py check_members
  manage.py check_members --tenant acme --repair      after tables were restored or written by hand"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="ID", help="one tenant; all when left out")
        parser.add_argument("--repair", action="store_true", help="make the index what it should be")

    def run(self, options: Mapping[str, Any]) -> Answer:
        if options["tenant"]:
            names = [get_tenant(options["tenant"]).pk]
        else:
            names = list(Tenant.objects.filter(deleted_at=None).order_by("pk").values_list("pk", flat=True))
        answer: list[dict[str, Any]] = []
        for name in names:
            with tenant_scope(name):
                found = mend_members() if options["repair"] else compare_members()
            answer.append(
                {
                    "tenant": name,
                    "lacking": found.lacking,
                    "left_over": found.left_over,
                    "right": options["repair"] or not (found.lacking or found.left_over),
                }
            )
        return answer

    def show(self, answer: Answer) -> str:
        rows = cast("list[dict[str, Any]]", answer)
        return "\n".join(f"{row['tenant']}\tlacking {row['lacking']}\tleft over {row['left_over']}" for row in rows)

    def code_of(self, answer: Answer) -> int:
        return 0 if all(row["right"] for row in cast("list[dict[str, Any]]", answer)) else 1
