"""Endpoints of invitations: those of a tenant, those of the installation, and accepting."""

from django.db.models import Q
from rest_framework.request import Request

from apps.accounts.schemas import UserShape
from apps.accounts.selectors import current_user
from apps.audit.services import current_caller
from apps.common.access import access, public, signed_in, super_admin
from apps.common.api import read_body
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound, TooManyRequests
from apps.common.pagination import Page, paginate, read_page
from apps.invitations.models import Invitation
from apps.invitations.schemas import InvitationBody, InvitationShape, NewPersonBody
from apps.invitations.selectors import get_invitation, is_guessing, pending_for, search_invitations, seen_by
from apps.invitations.services.inviting import create_invitation, resend_invitation, revoke_invitation
from apps.invitations.services.joining import accept_invitation, join_as_new_person, note_miss
from apps.tenants.selectors import get_tenant

SORTABLE = {"email": "email", "sentAt": "sent_at", "expiredAt": "expires_at", "status": "status", "id": "id"}


@access("USER", "CREATE", delegated=True)
def post_invitation(request: Request) -> InvitationShape:
    """Invites to the open tenant; the answer has the link to copy."""
    return _create(request, require_tenant())


@access("USER", "READ", delegated=True)
def list_invitations(request: Request) -> Page[InvitationShape]:
    return _search(request, require_tenant(), seen_by(current_user(request)))


@access("USER", "READ", delegated=True)
def invitations_of_email(request: Request, email: str) -> list[InvitationShape]:
    """All of one address, newest first."""
    seen = seen_by(current_user(request))
    rows = Invitation.objects.filter(seen, tenant_id=require_tenant(), email=email.strip().lower())
    return InvitationShape.of_all(rows[:100])


@access("USER", "READ", delegated=True)
def show_invitation(request: Request, invitation_id: str) -> InvitationShape:
    return InvitationShape.of_all([_get(request, invitation_id, "READ")])[0]


@access("USER", "DELETE", delegated=True)
def remove_invitation(request: Request, invitation_id: str) -> None:
    """Revokes the link; the row stays, as REVOKED."""
    revoke_invitation(acting_user=current_user(request), invitation=_get(request, invitation_id, "DELETE"))


@access("USER", "CREATE", delegated=True)
def post_resend(request: Request, invitation_id: str) -> InvitationShape:
    """Mailed again, good for the whole time again."""
    found = _get(request, invitation_id, "CREATE")
    return InvitationShape.of_all([resend_invitation(acting_user=current_user(request), invitation=found)])[0]


# Of the installation


@super_admin
def post_any_invitation(request: Request) -> InvitationShape:
    """To the tenant the body names, or to the installation."""
    tenant_id = read_body(request, InvitationBody).tenant_id
    return _create(request, get_tenant(tenant_id).pk if tenant_id else "")


@super_admin
def list_all_invitations(request: Request) -> Page[InvitationShape]:
    """Of all tenants and of the installation."""
    return _search(request, None, Q())


@super_admin
def show_any_invitation(request: Request, invitation_id: str) -> InvitationShape:
    return InvitationShape.of_all([get_invitation(invitation_id)])[0]


@super_admin
def remove_any_invitation(request: Request, invitation_id: str) -> None:
    revoke_invitation(acting_user=current_user(request), invitation=get_invitation(invitation_id))


# Accepting


@public
def create_person(request: Request, invitation_id: str) -> UserShape:
    """A new person takes the invitation: the account is made, signing in is the next call."""
    check_not_guessing()
    body = read_body(request, NewPersonBody)
    try:
        user = join_as_new_person(
            invitation_id=invitation_id,
            first_name=body.first_name or "",
            last_name=body.last_name or "",
            password=body.password,
        )
    except NotFound:
        note_miss(current_caller.get().ip_address)
        raise
    return UserShape.of(user)


@signed_in
def accept(request: Request, invitation_id: str) -> InvitationShape:
    """A person who has an account takes it."""
    check_not_guessing()
    try:
        return InvitationShape.of(accept_invitation(acting_user=current_user(request), invitation_id=invitation_id))
    except NotFound:
        note_miss(current_caller.get().ip_address)
        raise


@signed_in
def my_invitations(request: Request) -> list[InvitationShape]:
    """What waits for the person, in whatever tenant."""
    return [InvitationShape.of(row) for row in pending_for(current_user(request))]


def check_not_guessing() -> None:
    """Raises TooManyRequests for an address that tried many links that do not exist."""
    if is_guessing(current_caller.get().ip_address):
        raise TooManyRequests("Too many links that do not exist were asked from here: wait ten minutes.")


def _create(request: Request, tenant_id: str) -> InvitationShape:
    body = read_body(request, InvitationBody)
    made = create_invitation(
        acting_user=current_user(request),
        tenant_id=tenant_id,
        email=body.email,
        preset=body.preset(),
        message=body.message or "",
    )
    return InvitationShape.of_all([made])[0]


def _get(request: Request, invitation_id: str, action: str) -> Invitation:
    return get_invitation(invitation_id, tenant_id=require_tenant(), seen=seen_by(current_user(request), action))


def _search(request: Request, tenant_id: str | None, seen: Q) -> Page[InvitationShape]:
    query = request.query_params
    rows = search_invitations(
        tenant_id=tenant_id, email=query.get("email", ""), statuses=query.getlist("status"), seen=seen
    )
    page = paginate(rows, read_page(query, sortable=SORTABLE, default=("-sent_at",)))
    return Page(InvitationShape.of_all(page.results), page.total)
