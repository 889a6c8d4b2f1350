"""Inviting, sending again, revoking. An invitation gives nothing that its inviter could not give directly."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User, UserType
from apps.accounts.selectors import find_user
from apps.accounts.services.people import check_username
from apps.audit.services import record
from apps.common.clock import now
from apps.common.errors import Forbidden, IllegalState, Invalid, NotFound, Problem, TooManyRequests
from apps.common.mail import send_mail_later
from apps.common.namespace_paths import is_namespace
from apps.invitations.models import Invitation, Status
from apps.live.services import record_event
from apps.rbac.decisions import EVERYWHERE, check_delegated
from apps.rbac.models import Binding, BindingType
from apps.rbac.selectors import get_group, get_role
from apps.rbac.services.groups import check_may_manage, is_owner
from apps.rbac.services.roles import check_may_grant
from apps.tenants.scope import public_scope, tenant_scope

MOST_AT_ONCE: Final = 50
MOST_GIFTS: Final = 50
RESEND_AFTER: Final = timedelta(minutes=1)
TOPIC: Final = "invitations"


@dataclass(frozen=True)
class Preset:
    """What the invited will get: (role id, namespace or "" for the whole tenant), and groups."""

    bindings: tuple[tuple[str, str], ...] = ()
    group_ids: tuple[str, ...] = ()
    super_admin: bool = False


def create_invitation(
    *, acting_user: User, tenant_id: str, email: str, preset: Preset, message: str = ""
) -> Invitation:
    """One pending invitation per address and tenant: an earlier one is revoked. Mail goes out where a server is set.

    Raises Invalid, Forbidden for what the inviter may not give, IllegalState for somebody who has the tenant already
    and would get nothing.
    """
    return create_invitations(
        acting_user=acting_user, tenant_id=tenant_id, emails=[email], preset=preset, message=message
    )[0]


def create_invitations(
    *, acting_user: User, tenant_id: str, emails: Sequence[str], preset: Preset, message: str = ""
) -> list[Invitation]:
    """The same for several, all or none. Raises Invalid naming each address that is none."""
    addresses = _checked_addresses(emails)
    with transaction.atomic(), scope_of(tenant_id):
        check_may_invite(acting_user, tenant_id, preset)
        return [_create(acting_user, tenant_id, address, preset, message) for address in addresses]


def resend_invitation(*, acting_user: User, invitation: Invitation) -> Invitation:
    """The same link is good for the whole time again, and mailed again. Raises IllegalState, TooManyRequests."""
    if invitation.status != Status.PENDING:
        raise IllegalState(f"The invitation of {invitation.email} is {invitation.state.lower()}: invite anew.")
    if invitation.sent_at > now() - RESEND_AFTER:
        raise TooManyRequests("This invitation was sent less than a minute ago.")
    preset = preset_of(invitation)
    with transaction.atomic(), scope_of(invitation.tenant_id):
        check_may_invite(acting_user, invitation.tenant_id, preset)
        invitation.sent_at = now()
        invitation.expires_at = invitation.sent_at + expire_after()
        invitation.asked_again_at = None
        invitation.invited_by, invitation.invited_by_name = acting_user.pk, acting_user.full_name
        invitation.save()
        _mail(invitation)
        note(invitation, "UPDATE", acting_user, sent=True)
    return invitation


def revoke_invitation(*, acting_user: User, invitation: Invitation) -> None:
    """The link is dead from now on. Raises IllegalState for one that was accepted or revoked."""
    with transaction.atomic(), scope_of(invitation.tenant_id):
        changed = Invitation.objects.filter(pk=invitation.pk, status=Status.PENDING).update(status=Status.REVOKED)
        if not changed:
            raise IllegalState(f"The invitation of {invitation.email} is not pending any more.")
        note(invitation, "DELETE", acting_user)


def check_may_invite(acting_user: User, tenant_id: str, preset: Preset) -> None:
    """USER CREATE in the tenant; roles and groups need what giving them directly needs. Who holds USER CREATE in a
    namespace only invites to roles there. Asks the open tenant.

    Raises Forbidden; Invalid for roles, groups or namespaces that do not exist.
    """
    if not tenant_id:
        if not acting_user.is_super_admin:
            raise Forbidden("Only a super admin invites to the installation.")
        if preset.bindings or preset.group_ids:
            raise Invalid("Roles and groups belong to a tenant: invite to one to give them.")
        return
    if preset.super_admin:
        raise Invalid("A super admin is invited to the installation, not to a tenant.")
    if len(preset.bindings) + len(preset.group_ids) > MOST_GIFTS:
        raise Invalid(f"An invitation gives at most {MOST_GIFTS} roles and groups.")
    for namespace in {namespace for _, namespace in preset.bindings} or {EVERYWHERE}:
        check_delegated(acting_user, "USER", "CREATE", namespace)
    for number, (role_id, namespace) in enumerate(preset.bindings):
        _check_may_bind(acting_user, role_id, namespace, f"bindings[{number}]")
    for number, group_id in enumerate(preset.group_ids):
        _check_may_add_to(acting_user, group_id, f"groupIds[{number}]")


def preset_of(invitation: Invitation) -> Preset:
    return Preset(
        tuple((item["roleId"], item.get("namespaceId") or "") for item in invitation.bindings),
        tuple(invitation.group_ids),
        invitation.super_admin,
    )


def expire_after() -> timedelta:
    return timedelta(seconds=settings.KESTRA_INVITATION_SECONDS)


def scope_of(tenant_id: str) -> AbstractContextManager[None]:
    """Where an invitation's audit entries and what it gives lie."""
    return tenant_scope(tenant_id) if tenant_id else public_scope()


def note(invitation: Invitation, action: str, acting_user: User | None, **more: Any) -> None:
    """Audit entry, and news for the list that somebody has open. The link is not told: it opens the door."""
    record(
        acting_user=acting_user,
        action=action,
        resource="Invitation",
        detail={"email": invitation.email, "status": invitation.status, **more},
        after={"bindings": invitation.bindings, "groupIds": invitation.group_ids, "superAdmin": invitation.super_admin},
    )
    if invitation.tenant_id:
        record_event(invitation.tenant_id, TOPIC, "", "invitation", {"email": invitation.email}, now())


def _create(acting_user: User, tenant_id: str, email: str, preset: Preset, message: str) -> Invitation:
    former = Invitation.objects.select_for_update().filter(tenant_id=tenant_id, email=email, status=Status.PENDING)
    for row in former:
        row.status = Status.REVOKED
        row.save(update_fields=["status"])
        note(row, "UPDATE", acting_user, replaced=True)
    made = Invitation.objects.create(
        tenant_id=tenant_id,
        email=email,
        bindings=[
            {"roleId": role_id, **({"namespaceId": namespace} if namespace else {})}
            for role_id, namespace in dict.fromkeys(preset.bindings)
        ],
        group_ids=list(dict.fromkeys(preset.group_ids)),
        super_admin=preset.super_admin,
        message=message.strip()[:1000],
        invited_by=acting_user.pk,
        invited_by_name=acting_user.full_name,
        expires_at=now() + expire_after(),
    )
    _mail(made)
    note(made, "CREATE", acting_user)
    return made


def _checked_addresses(emails: Sequence[str]) -> list[str]:
    addresses = list(dict.fromkeys(email.strip().lower() for email in emails if email.strip()))
    if not 1 <= len(addresses) <= MOST_AT_ONCE:
        raise Invalid(problems=[Problem(f"Give 1 to {MOST_AT_ONCE} e-mail addresses.", "email")])
    problems = []
    for address in addresses:
        try:
            check_username(address, UserType.STANDARD)
        except Invalid as error:
            problems.append(Problem(error.message, "email"))
        else:
            known = find_user(address)
            if known is not None and not known.is_active:
                problems.append(Problem(f"{address} is switched off: a super admin can switch it on.", "email"))
    if problems:
        raise Invalid(problems=problems)
    return addresses


def _check_may_bind(acting_user: User, role_id: str, namespace: str, path: str) -> None:
    if namespace and not is_namespace(namespace):
        raise Invalid(problems=[Problem(f"'{namespace[:60]}' is no namespace.", f"{path}.namespaceId")])
    try:
        role = get_role(role_id)
    except NotFound as error:
        raise Invalid(problems=[Problem(error.message, f"{path}.roleId")]) from error
    check_delegated(acting_user, "BINDING", "CREATE", namespace or EVERYWHERE)
    check_may_grant(acting_user, role.permissions, namespace or None)


def _check_may_add_to(acting_user: User, group_id: str, path: str) -> None:
    try:
        group = get_group(group_id)
    except NotFound as error:
        raise Invalid(problems=[Problem(error.message, path)]) from error
    check_may_manage(acting_user, group)
    if is_owner(acting_user, group):
        return
    given = Binding.objects.filter(type=BindingType.GROUP, external_id=group.pk).select_related("role")
    for binding in given:
        check_may_grant(acting_user, binding.role.permissions, binding.namespace)


def _mail(invitation: Invitation) -> None:
    send_mail_later(
        "invitation",
        invitation.email,
        {
            "inviter": invitation.invited_by_name,
            "email": invitation.email,
            "link": invitation.link,
            "message": invitation.message,
            "expires_at": invitation.expires_at,
        },
        about=invitation.subject,
        tenant=invitation.tenant_id or None,
    )
