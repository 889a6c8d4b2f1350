"""The page of a person as the tenant sees him: what he may, and why."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.common.access import access
from apps.rbac.catalog import NAMESPACED, Action, Permission
from apps.rbac.selectors import Reason, bindings_of, explain_permissions, get_member, groups_by_id, groups_of

NAMES: Final = {
    Permission.KVSTORE: "KV store",
    Permission.APPEXECUTION: "App execution",
    Permission.AUDITLOG: "Audit log",
    Permission.APITOKEN: "API token",
    Permission.AI_COPILOT: "AI copilot",
}
"""Those whose words run together in the API."""


@dataclass(frozen=True)
class Cell:
    """What a person may with one action: everywhere, in some namespaces, or not at all."""

    reasons: list[Reason]

    @property
    def everywhere(self) -> bool:
        return any(reason.namespace is None for reason in self.reasons)

    @property
    def namespaces(self) -> list[str]:
        return sorted({reason.namespace for reason in self.reasons if reason.namespace is not None})


@dataclass(frozen=True)
class PermissionRow:
    """One resource with its four cells and each different reason."""

    name: str
    cells: list[Cell]
    reasons: list[Reason]


@access("USER", "READ")
def show_person(request: HttpRequest, user_id: str) -> HttpResponse:
    """Groups, bindings, and the matrix of what they give together. Nine queries."""
    person = get_member(user_id)
    bindings = bindings_of(person)
    context = {
        "person": person,
        "memberships": groups_of([person.pk]).get(person.pk, []),
        "bindings": bindings,
        "groups": groups_by_id(row.external_id for row in bindings if row.type == "GROUP"),
        "actions": [action.value.capitalize() for action in Action],
        "sections": _sections(explain_permissions(person)),
    }
    return render(request, "console/person.html", context)


def _sections(found: dict[str, dict[str, list[Reason]]]) -> list[tuple[str, list[PermissionRow]]]:
    return [
        ("In namespaces", [_row(name, found.get(name, {})) for name in Permission if name in NAMESPACED]),
        ("In the tenant", [_row(name, found.get(name, {})) for name in Permission if name not in NAMESPACED]),
    ]


def _row(name: Permission, actions: dict[str, list[Reason]]) -> PermissionRow:
    reasons = list(dict.fromkeys(reason for given in actions.values() for reason in given))
    return PermissionRow(
        NAMES.get(name, name.replace("_", " ").capitalize()),
        [Cell(actions.get(action, [])) for action in Action],
        reasons,
    )
