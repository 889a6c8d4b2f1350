"""The page of a person as the tenant sees him: what he may and why, groups, bindings, tokens."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.accounts.models import ApiToken, User
from apps.accounts.selectors import current_user, list_sessions, list_tokens
from apps.accounts.services.sessions import revoke_sessions
from apps.accounts.services.tokens import create_api_token, delete_api_token
from apps.common.access import access
from apps.common.errors import BadRequest, Forbidden, ProductError
from apps.console.views.account import AGES
from apps.console.views.iam.bindings import bind_namespaces, unbind
from apps.console.views.iam.frame import Deed, address, perform, show
from apps.rbac.catalog import NAMESPACED, Action, Permission
from apps.rbac.decisions import check_can
from apps.rbac.models import BindingType
from apps.rbac.selectors import (
    Reason,
    bindings_of,
    explain_permissions,
    get_group,
    get_member,
    groups_by_id,
    groups_of,
    search_groups,
    search_roles,
)
from apps.rbac.services.groups import add_member, remove_member
from apps.rbac.services.people import check_may_manage_tokens, remove_person

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
def show_person(
    request: HttpRequest, user_id: str, *, made: tuple[ApiToken, str] | None = None, problem: str = ""
) -> HttpResponse:
    """Groups, bindings, tokens, and the matrix of what they give together. A dozen queries.

    The full text of a token that was just made is on this answer, and never again.
    """
    person, viewer = get_member(user_id), current_user(request)
    bindings = bindings_of(person)
    memberships = groups_of([person.pk]).get(person.pk, [])
    joined = {one.group_id for one in memberships}
    context = {
        "person": person,
        "memberships": memberships,
        "bindings": bindings,
        "groups": groups_by_id(row.external_id for row in bindings if row.type == BindingType.GROUP),
        "actions": [action.value.capitalize() for action in Action],
        "sections": _sections(explain_permissions(person)),
        "roles": list(search_roles().order_by("name")[:200]),
        "free_groups": [
            one for one in search_groups().filter(provider="").order_by("name")[:200] if one.pk not in joined
        ],
        "tokens": list_tokens(person) if person.is_service_account else [],
        "sessions": list_sessions(person) if viewer.is_super_admin and not person.is_service_account else [],
        "ages": AGES,
        "made": made,
        "problem": problem,
    }
    answer = show(request, "person", "accounts" if person.is_service_account else "users", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@access("USER", "READ")
def change_person(request: HttpRequest, user_id: str) -> HttpResponseBase:
    """One button each; a new token is shown instead of going back."""
    person = get_member(user_id)
    if request.POST.get("do") == "token":
        return _make_token(request, person)
    gone = address("iam_accounts" if person.is_service_account else "iam_users")
    back = gone if request.POST.get("do") == "remove" else address("iam_user", user_id=person.pk)
    return perform(request, DEEDS, person, back)


def _make_token(request: HttpRequest, person: User) -> HttpResponse:
    given, acting_user = request.POST, current_user(request)
    check_can(acting_user, "USER", "UPDATE")
    check_may_manage_tokens(acting_user, person)
    age = given.get("age", "")
    if age not in AGES:
        raise BadRequest(f"'age' is one of {', '.join(AGES)}.")
    try:
        made = create_api_token(
            acting_user=acting_user,
            user=person,
            name=given.get("name", "").strip(),
            description=given.get("description", "").strip()[:500],
            max_age=timedelta(days=int(age)) if age else None,
            extended=bool(given.get("extended")),
        )
    except ProductError as error:
        return show_person(request, person.pk, problem=error.message)
    return show_person(request, person.pk, made=made)


def _join(request: HttpRequest, acting_user: User, person: User) -> str:
    group = get_group(request.POST.get("group", ""))
    add_member(acting_user=acting_user, group=group, user=person)
    return f"{person.full_name} is in {group.name}."


def _leave(request: HttpRequest, acting_user: User, person: User) -> str:
    group = get_group(request.POST.get("group", ""))
    remove_member(acting_user=acting_user, group=group, user=person)
    return f"{person.full_name} is in {group.name} no more."


def _bind(request: HttpRequest, acting_user: User, person: User) -> str:
    return bind_namespaces(request, acting_user, BindingType.USER, person.pk)


def _remove(request: HttpRequest, acting_user: User, person: User) -> str:
    remove_person(acting_user=acting_user, user=person)
    return f"{person.full_name} has no access any more."


def _revoke(request: HttpRequest, acting_user: User, person: User) -> str:
    check_may_manage_tokens(acting_user, person)
    delete_api_token(acting_user=acting_user, user=person, token_id=request.POST.get("token", ""))
    return "The token is revoked."


def _sign_out(request: HttpRequest, acting_user: User, person: User) -> str:
    if not acting_user.is_super_admin:
        raise Forbidden("Only a super admin ends the sessions of others.")
    revoke_sessions(acting_user=acting_user, user=person)
    return f"{person.full_name} is signed out everywhere."


DEEDS: Final = {
    "join": Deed(_join, "USER", "UPDATE"),
    "leave": Deed(_leave, "USER", "UPDATE"),
    "bind": Deed(_bind, "BINDING", "CREATE", delegated=True),
    "unbind": Deed(unbind, "BINDING", "DELETE", delegated=True),
    "remove": Deed(_remove, "USER", "DELETE"),
    "revoke": Deed(_revoke, "USER", "UPDATE"),
    "sign-out": Deed(_sign_out, "USER", "UPDATE"),
}


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
