"""The lists of people and of service accounts, and adding one."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from apps.accounts.models import UserType
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.errors import ProductError
from apps.console.views.iam.frame import address, show
from apps.rbac.decisions import can_everywhere
from apps.rbac.selectors import get_group, groups_of, held_roles, search_groups, search_members
from apps.rbac.services.people import create_service_account, invite_person

SIZE = 50


@access("USER", "READ")
def list_users(request: HttpRequest) -> HttpResponse:
    """People of the tenant, by name. Seven queries."""
    return _page(request, "users")


@access("USER", "CREATE")
def add_user(request: HttpRequest) -> HttpResponseBase:
    """A new person, or one who is known in the installation and is let in."""
    given, person = request.POST, current_user(request)
    try:
        user = invite_person(
            acting_user=person,
            username=given.get("username", "").strip(),
            password=given.get("password") or None,
            first_name=given.get("first_name", "").strip()[:150],
            last_name=given.get("last_name", "").strip()[:150],
            groups=[get_group(group_id) for group_id in given.getlist("group")],
        )
    except ProductError as error:
        return _page(request, "users", problem=error, status=error.status)
    messages.success(request, f"{user.full_name} may enter. Bind a role, so that there is something to see.")
    return redirect(address("iam_user", user_id=user.pk))


@access("USER", "READ")
def list_accounts(request: HttpRequest) -> HttpResponse:
    """Those programs use. Seven queries."""
    return _page(request, "accounts")


@access("USER", "CREATE")
def add_account(request: HttpRequest) -> HttpResponseBase:
    """Its page then makes tokens and binds roles."""
    given = request.POST
    try:
        made = create_service_account(
            acting_user=current_user(request),
            name=given.get("username", "").strip(),
            description=given.get("description", "").strip()[:500],
            groups=[get_group(group_id) for group_id in given.getlist("group")],
        )
    except ProductError as error:
        return _page(request, "accounts", problem=error, status=error.status)
    messages.success(request, f"The service account {made.username} is made: bind a role and make a token.")
    return redirect(address("iam_user", user_id=made.pk))


def _page(request: HttpRequest, tab: str, *, problem: ProductError | None = None, status: int = 200) -> HttpResponse:
    query, number = request.GET.get("q", "").strip(), request.GET.get("page", "1")
    page = int(number) if number.isdecimal() and 0 < int(number) < 20_000 else 1
    found = search_members(query=query, user_type=UserType.SERVICE_ACCOUNT if tab == "accounts" else "")
    if tab == "users":
        found = found.exclude(type=UserType.SERVICE_ACCOUNT)
    total = found.count()
    people = list(found.order_by("username")[(page - 1) * SIZE : page * SIZE])
    memberships, roles = groups_of(one.pk for one in people), held_roles(one.pk for one in people)
    context = {
        "rows": [(one, memberships.get(one.pk, []), roles.get(one.pk, [])) for one in people],
        "total": total,
        "q": query,
        "all_groups": list(search_groups().filter(provider="").order_by("name")[:200]),
        "may_add": can_everywhere(current_user(request), "USER", "CREATE"),
        "problems": [] if problem is None else [one.message for one in problem.problems] or [problem.message],
        "given": request.POST if problem is not None else {},
        "newer": urlencode({"q": query, "page": page - 1}) if page > 1 else "",
        "older": urlencode({"q": query, "page": page + 1}) if page * SIZE < total else "",
    }
    return show(request, "people", tab, context, status=status)
