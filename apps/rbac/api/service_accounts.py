"""Endpoints of service accounts: users without password, managed by the tenant that made them."""

from rest_framework.request import Request

from apps.accounts.models import UserType
from apps.accounts.selectors import current_user, search_users
from apps.common.access import access
from apps.common.api import read_body
from apps.common.errors import Invalid, NotFound
from apps.common.pagination import Page, paginate, read_page
from apps.rbac.api.people import SORTABLE, as_member, as_members, find_person, is_instance_wide
from apps.rbac.schemas import MemberShape, ServiceAccountBody
from apps.rbac.selectors import get_group, search_members
from apps.rbac.services.people import change_person, create_service_account, remove_person


@access("USER", "READ")
def list_service_accounts(request: Request) -> Page[MemberShape]:
    search = search_users if is_instance_wide(request) else search_members
    rows = search(query=request.query_params.get("q", ""), user_type=UserType.SERVICE_ACCOUNT)
    page = paginate(rows, read_page(request.query_params, sortable=SORTABLE, default=("username",)))
    return Page(as_members(page.results), page.total)


@access("USER", "CREATE")
def post_service_account(request: Request) -> MemberShape:
    body = read_body(request, ServiceAccountBody)
    name = body.name or body.username
    if not name:
        raise Invalid("A service account needs a name.")
    user = create_service_account(
        acting_user=current_user(request),
        name=name,
        description=body.description or "",
        groups=[get_group(group_id) for group_id in body.group_ids()],
        with_access=not is_instance_wide(request),
    )
    return as_member(user)


@access("USER", "READ")
def show_service_account(request: Request, user_id: str) -> MemberShape:
    return _checked(request, user_id)


@access("USER", "UPDATE")
def put_service_account(request: Request, user_id: str) -> MemberShape:
    _checked(request, user_id)
    body = read_body(request, ServiceAccountBody)
    user = find_person(request, user_id)
    groups = None if body.group_list is None else [get_group(group_id) for group_id in body.group_ids()]
    change_person(acting_user=current_user(request), user=user, description=body.description, groups=groups)
    return as_member(user)


@access("USER", "DELETE")
def delete_service_account(request: Request, user_id: str) -> None:
    """With its tokens."""
    _checked(request, user_id)
    remove_person(
        acting_user=current_user(request), user=find_person(request, user_id), everywhere=is_instance_wide(request)
    )


def _checked(request: Request, user_id: str) -> MemberShape:
    user = find_person(request, user_id)
    if not user.is_service_account:
        raise NotFound(f"There is no service account '{user_id[:60]}'.")
    return as_member(user)
