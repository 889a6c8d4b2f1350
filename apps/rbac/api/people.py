"""Endpoints of people as the open tenant sees them; without a tenant in the path a super admin sees all."""

from collections.abc import Sequence

from rest_framework.request import Request

from apps.accounts.api import create_token_for, tokens_of
from apps.accounts.models import User, UserType
from apps.accounts.schemas import ApiTokenList, CreatedApiToken
from apps.accounts.selectors import current_user, get_user, search_users
from apps.accounts.services import delete_api_token, set_password, set_user_type
from apps.common.access import access, super_admin
from apps.common.api import read_body
from apps.common.current_tenant import require_tenant
from apps.common.errors import Invalid
from apps.common.pagination import Page, paginate, read_page
from apps.rbac.schemas import AutocompleteBody, GroupIdsBody, MemberShape, NewPasswordBody, UserBody
from apps.rbac.selectors import (
    Reason,
    explain_permissions,
    get_group,
    get_member,
    get_person,
    groups_of,
    search_members,
)
from apps.rbac.services.bindings import add_access
from apps.rbac.services.groups import set_groups
from apps.rbac.services.people import change_person, check_may_manage_tokens, invite_person, remove_person

SORTABLE = {"username": "username", "firstName": "first_name", "lastName": "last_name", "email": "email", "id": "id"}
SUGGESTED = 20


@access("USER", "READ")
def list_people(request: Request) -> Page[MemberShape]:
    query = request.query_params
    search = search_users if is_instance_wide(request) else search_members
    rows = search(query=query.get("q", ""), user_type=query.get("type", ""))
    page = paginate(rows, read_page(query, sortable=SORTABLE, default=("username",)))
    return Page(as_members(page.results), page.total)


@access("USER", "CREATE")
def post_person(request: Request) -> MemberShape:
    """Makes the person, or lets one who is known in the installation into the tenant."""
    body = read_body(request, UserBody)
    username = body.username or body.email
    if not username:
        raise Invalid("A person needs a username, which is the e-mail address.")
    user = invite_person(
        acting_user=current_user(request),
        username=username,
        password=body.password,
        first_name=body.first_name or "",
        last_name=body.last_name or "",
        description=body.description or "",
        groups=[get_group(group_id) for group_id in body.group_ids()],
        with_access=not is_instance_wide(request),
    )
    return as_member(user)


@access("USER", "READ")
def show_person(request: Request, user_id: str) -> MemberShape:
    return as_member(find_person(request, user_id))


@access("USER", "READ")
def show_permissions(request: Request, user_id: str) -> dict[str, dict[str, list[Reason]]]:
    """What the person may in this tenant, and why: permission → action → role, namespace, group of each reason."""
    return explain_permissions(find_person(request, user_id))


@access("USER", "UPDATE")
def put_person(request: Request, user_id: str) -> MemberShape:
    """Groups of this tenant; names only of those whom this tenant manages, or by a super admin."""
    body = read_body(request, UserBody)
    user = find_person(request, user_id)
    change_person(
        acting_user=current_user(request),
        user=user,
        first_name=body.first_name,
        last_name=body.last_name,
        description=body.description,
        groups=None if body.names_no_groups() else [get_group(group_id) for group_id in body.group_ids()],
    )
    return as_member(user)


@access("USER", "DELETE")
def delete_person(request: Request, user_id: str) -> None:
    """Takes the access to this tenant; a super admin without a tenant in the path deletes the person."""
    remove_person(
        acting_user=current_user(request), user=find_person(request, user_id), everywhere=is_instance_wide(request)
    )


@access("USER", "READ")
def suggest_people(request: Request) -> list[MemberShape]:
    body = read_body(request, AutocompleteBody)
    rows = [*search_members().filter(pk__in=body.ids or []), *search_members(query=body.q or "")[:SUGGESTED]]
    return as_members(list({user.id: user for user in rows}.values()))


@access("USER", "CREATE")
def put_access(request: Request, user_id: str) -> MemberShape:
    """Lets a person who is known in the installation into the tenant, without rights yet."""
    user = get_person(user_id)
    add_access(acting_user=current_user(request), user=user)
    return as_member(user)


@access("USER", "UPDATE")
def put_groups_of_person(request: Request, user_id: str) -> MemberShape:
    user = find_person(request, user_id)
    ids = read_body(request, GroupIdsBody).group_ids
    set_groups(acting_user=current_user(request), user=user, groups=[get_group(group_id) for group_id in ids])
    return as_member(user)


@super_admin
def put_password(request: Request, user_id: str) -> MemberShape:
    """A person may be at home in several tenants, so only a super admin sets another's password."""
    user = get_user(user_id)
    set_password(acting_user=current_user(request), user=user, password=read_body(request, NewPasswordBody).password)
    return as_member(user)


@super_admin
def put_super_admin(request: Request, user_id: str) -> MemberShape:
    """Body: true or false, or {"superAdmin": true}."""
    given = request.data.get("superAdmin") if isinstance(request.data, dict) else request.data
    if not isinstance(given, bool):
        raise Invalid("The body must be true or false.")
    user = get_user(user_id)
    set_user_type(
        acting_user=current_user(request), user=user, user_type=UserType.SUPER_ADMIN if given else UserType.STANDARD
    )
    return as_member(user)


@access("USER", "READ")
def list_tokens_of_person(request: Request, user_id: str) -> ApiTokenList:
    return tokens_of(_owner_of_tokens(request, user_id))


@access("USER", "UPDATE")
def create_token_of_person(request: Request, user_id: str) -> CreatedApiToken:
    """Only for oneself, for service accounts of this tenant, or by a super admin: a token is as good as the person."""
    return create_token_for(request, _owner_of_tokens(request, user_id))


@access("USER", "UPDATE")
def delete_token_of_person(request: Request, user_id: str, token_id: str) -> None:
    delete_api_token(acting_user=current_user(request), user=_owner_of_tokens(request, user_id), token_id=token_id)


def is_instance_wide(request: Request) -> bool:
    """A super admin asks about the installation, not about a tenant."""
    return current_user(request).is_super_admin and not getattr(request, "tenant_in_path", False)


def find_person(request: Request, user_id: str) -> User:
    """Raises NotFound, also for people of other tenants."""
    return get_user(user_id) if is_instance_wide(request) else get_member(user_id)


def as_members(users: Sequence[User]) -> list[MemberShape]:
    """One query for all their groups."""
    groups = groups_of(user.id for user in users)
    tenant_id = require_tenant("Groups")
    return [MemberShape.of_member(user, groups.get(user.id, []), tenant_id) for user in users]


def as_member(user: User) -> MemberShape:
    return as_members([user])[0]


def _owner_of_tokens(request: Request, user_id: str) -> User:
    owner = find_person(request, user_id)
    check_may_manage_tokens(current_user(request), owner)
    return owner
