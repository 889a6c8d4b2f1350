"""The page of bindings: who has which role where; several people, groups and namespaces are bound at once."""

from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.accounts.models import User
from apps.accounts.selectors import current_user, find_user
from apps.common.access import access
from apps.common.errors import Invalid, Problem
from apps.console.views.iam.frame import Deed, address, perform, show, words
from apps.rbac.decisions import visible_namespaces, visible_within
from apps.rbac.models import BindingType
from apps.rbac.selectors import (
    get_binding,
    get_group,
    get_member,
    get_role,
    groups_by_id,
    search_bindings,
    search_groups,
    search_roles,
    users_by_id,
)
from apps.rbac.services.bindings import create_binding, delete_binding

SIZE = 50
MOST_AT_ONCE = 200


@access("BINDING", "READ", delegated=True)
def list_bindings(request: HttpRequest) -> HttpResponse:
    """Newest first, of the namespaces the person may see. Six queries."""
    person, number = current_user(request), request.GET.get("page", "1")
    page = int(number) if number.isdecimal() and 0 < int(number) < 20_000 else 1
    namespace, role_id = request.GET.get("namespace", "").strip(), request.GET.get("role", "")
    subject = request.GET.get("type", "")
    found = search_bindings(subject=subject, namespace=namespace, within=_within(person, "READ"))
    if role_id:
        found = found.filter(role=get_role(role_id))
    total = found.count()
    rows = list(found[(page - 1) * SIZE : page * SIZE])
    only_in = visible_namespaces(person, "BINDING", "CREATE")
    given = {"namespace": namespace, "role": role_id, "type": subject}
    context = {
        "rows": rows,
        "users": users_by_id(row.external_id for row in rows if row.type == BindingType.USER),
        "groups": groups_by_id(row.external_id for row in rows if row.type == BindingType.GROUP),
        "roles": list(search_roles().order_by("name")[:200]),
        "all_groups": list(search_groups().order_by("name")[:200]) if only_in is None else [],
        "only_in": only_in or [],
        "may_bind": only_in is None or bool(only_in),
        "given": given,
        "filtered": any(given.values()),
        "total": total,
        "newer": urlencode({**given, "page": page - 1}) if page > 1 else "",
        "older": urlencode({**given, "page": page + 1}) if page * SIZE < total else "",
    }
    return show(request, "bindings", "bindings", context)


@access("BINDING", "READ", delegated=True)
def change_bindings(request: HttpRequest) -> HttpResponseBase:
    """Binds, or takes away."""
    return perform(request, DEEDS, None, address("iam_bindings"))


def bind_namespaces(request: HttpRequest, person: User, subject: BindingType, subject_id: str) -> str:
    """The role `role` in each of `namespaces`, none of them is the whole tenant. All or none."""
    role = get_role(request.POST.get("role", ""))
    places: list[str | None] = [*words(request.POST.get("namespaces", ""))] or [None]
    with transaction.atomic():
        for namespace in places:
            create_binding(acting_user=person, subject=subject, subject_id=subject_id, role=role, namespace=namespace)
    return f"{role.name} is given in {', '.join(place for place in places if place) or 'the whole tenant'}."


def unbind(request: HttpRequest, person: User, _: Any) -> str:
    """Takes the binding `binding` away."""
    binding = get_binding(request.POST.get("binding", ""), _within(person, "DELETE"))
    delete_binding(acting_user=person, binding=binding)
    return f"{binding.role.name} in {binding.namespace or 'the whole tenant'} is taken away."


def _bind_many(request: HttpRequest, person: User, _: Any) -> str:
    names, group_ids = words(request.POST.get("people", "")), request.POST.getlist("group")
    places = max(1, len(words(request.POST.get("namespaces", ""))))
    count = (len(names) + len(group_ids)) * places
    if not 1 <= count <= MOST_AT_ONCE:
        raise Invalid(problems=[Problem(f"Name people or groups, for 1 to {MOST_AT_ONCE} bindings.", "people")])
    subjects = [(BindingType.USER, _member_named(name)) for name in names]
    subjects += [(BindingType.GROUP, get_group(group_id).pk) for group_id in group_ids]
    with transaction.atomic():
        for subject, subject_id in subjects:
            bind_namespaces(request, person, subject, subject_id)
    return f"{count} {'binding is' if count == 1 else 'bindings are'} made."


def _member_named(name: str) -> str:
    known = find_user(name)
    if known is None:
        raise Invalid(problems=[Problem(f"There is no user '{name[:60]}' in this tenant.", "people")])
    return get_member(known.pk).pk


def _within(person: User, action: str) -> Q:
    return visible_within(visible_namespaces(person, "BINDING", action))


DEEDS = {
    "bind": Deed(_bind_many, "BINDING", "CREATE", delegated=True),
    "unbind": Deed(unbind, "BINDING", "DELETE", delegated=True),
}
