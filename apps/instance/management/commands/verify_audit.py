"""`manage.py verify_audit`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, cast

from apps.common.commands import Answer, ProductCommand
from apps.common.errors import IllegalArgument
from apps.instance.services.audit_chores import INSTANCE, verify
from apps.tenants.models import Tenant
from apps.tenants.selectors import get_tenant


class Command(ProductCommand):
    help = (
        "Verifies the chain over the audit log: every entry against its seal, every seal against the one before and "
        "its signature. Names the first place that is broken and then ends with 1. It reads everything and changes "
        "nothing. Note each head somewhere else (the log says it too): with --head it is told whether that seal is "
        "still there, even if somebody put the whole database back to an earlier day."
    )
    examples = """
  manage.py verify_audit                       the installation and all tenants
  manage.py verify_audit --tenant acme --json
  manage.py verify_audit --tenant acme --head 42:9f86d081884c…"""

    def add(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--tenant", metavar="ID", help=f"one tenant, or '{INSTANCE}' for the installation's own log"
        )
        parser.add_argument("--head", default="", metavar="N:HASH", help="a head that was noted earlier")

    def run(self, options: Mapping[str, Any]) -> Answer:
        if options["head"] and not options["tenant"]:
            raise IllegalArgument("--head needs --tenant: each log has a chain of its own.")
        if options["tenant"]:
            names = [options["tenant"] if options["tenant"] == INSTANCE else get_tenant(options["tenant"]).pk]
        else:
            names = [INSTANCE, *Tenant.objects.filter(deleted_at=None).order_by("pk").values_list("pk", flat=True)]
        return [_verdict(name, options["head"]) for name in names]

    def show(self, answer: Answer) -> str:
        return "\n".join(_line(row) for row in cast("list[dict[str, Any]]", answer))

    def code_of(self, answer: Answer) -> int:
        return 0 if all(row["whole"] for row in cast("list[dict[str, Any]]", answer)) else 1


def _verdict(name: str, head: str) -> dict[str, Any]:
    found = verify(name, expected_head=head)
    return {
        "log": name,
        "whole": found.whole,
        "broken": found.broken,
        "seals": found.seals,
        "entries": found.entries,
        "pending": found.pending,
        "purged": found.purged,
        "head": found.head,
        "warnings": found.warnings,
    }


def _line(row: dict[str, Any]) -> str:
    if row["whole"]:
        told = f"whole: {row['entries']} entries in {row['seals']} seals, {row['pending']} wait, {row['purged']} purged"
        line = f"{row['log']}\t{told}\thead {row['head'] or '-'}"
    else:
        broken = row["broken"]
        where = "" if broken.seal is None else f" at seal {broken.seal}"
        where += "" if broken.entry is None else f", entry {broken.entry}"
        line = f"{row['log']}\tBROKEN{where}: {broken.problem}"
    return "\n".join([line, *(f"{row['log']}\twarning: {text}" for text in row["warnings"])])
