"""Accepting an invitation, as a new person or as one who is known; asking again for one that has expired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F

from apps.accounts.models import User, UserType
from apps.accounts.selectors import find_user
from apps.accounts.services.people import create_user, set_user_type
from apps.common.clock import now
from apps.common.errors import Expired, Forbidden, IllegalState, NotFound
from apps.common.mail import send_mail_later
from apps.invitations.models import GuessGuard, Invitation, Status
from apps.invitations.selectors import GUESS_WINDOW, get_invitation
from apps.invitations.services.inviting import Preset, check_may_invite, note, preset_of, scope_of
from apps.rbac.decisions import forget_grants
from apps.rbac.models import Binding, BindingType, GroupMember
from apps.rbac.selectors import get_group, get_role
from apps.rbac.services.bindings import create_binding
from apps.rbac.services.groups import add_member
from apps.rbac.services.people import invite_person

log = structlog.get_logger(__name__)

ASK_AGAIN_AFTER: Final = timedelta(hours=1)


def join_as_new_person(*, invitation_id: str, first_name: str, last_name: str, password: str) -> User:
    """Makes the account of the invited address and gives what was preset. The link is used up afterwards.

    Raises NotFound, Expired, IllegalState (used, revoked, or the address has an account: sign in), Invalid (password).
    """
    with transaction.atomic():
        invitation = _locked(invitation_id)
        if find_user(invitation.email) is not None:
            raise IllegalState(f"{invitation.email} has an account already: sign in to accept.")
        inviter = _inviter(invitation)
        with scope_of(invitation.tenant_id):
            make = invite_person if invitation.tenant_id else create_user
            user = make(
                acting_user=inviter,
                username=invitation.email,
                password=password,
                first_name=first_name.strip()[:150],
                last_name=last_name.strip()[:150],
            )
            _give(invitation, inviter, user)
    return user


def accept_invitation(*, acting_user: User, invitation_id: str) -> Invitation:
    """Gives a person who is known what was preset. Raises Forbidden for another address than the invited one,
    NotFound, Expired, IllegalState."""
    with transaction.atomic():
        invitation = _locked(invitation_id)
        if acting_user.username.lower() != invitation.email:
            raise Forbidden("This invitation is for another account: sign in with the address that was invited.")
        inviter = _inviter(invitation)
        with scope_of(invitation.tenant_id):
            if invitation.tenant_id:
                invite_person(acting_user=inviter, username=invitation.email)
            _give(invitation, inviter, acting_user)
    forget_grants(acting_user)
    return invitation


def ask_again(*, invitation_id: str) -> None:
    """Whoever holds an expired link tells the inviter, who may send it again; at most once an hour.

    Raises NotFound, IllegalState for one that has not expired.
    """
    with transaction.atomic():
        invitation = get_invitation(invitation_id)
        if invitation.state != Status.EXPIRED:
            raise IllegalState("Only an invitation that has expired can be asked for again.")
        moment = now()
        fresh = Invitation.objects.filter(pk=invitation.pk).exclude(asked_again_at__gt=moment - ASK_AGAIN_AFTER)
        if not fresh.update(asked_again_at=moment):
            return  # told within the hour: a second press changes nothing
        inviter = User.objects.filter(pk=invitation.invited_by, is_active=True).first()
        with scope_of(invitation.tenant_id):
            note(invitation, "UPDATE", None, askedAgain=True)
        if inviter is not None and inviter.email:
            send_mail_later(
                "invitation_asked",
                inviter.email,
                {"email": invitation.email, "list_path": f"/ui/{invitation.tenant_id}/admin/iam/invitations"},
                about=f"{invitation.subject}:asked",
                tenant=invitation.tenant_id or None,
            )


def note_miss(address: str | None) -> None:
    """A link that does not exist was asked: after some of them the address has to wait."""
    moment = now()
    guard, made = GuessGuard.objects.get_or_create(pk=address or "", defaults={"misses": 1, "since": moment})
    if not made:
        if guard.since <= moment - GUESS_WINDOW:
            GuessGuard.objects.filter(pk=guard.pk).update(misses=1, since=moment)
        else:
            GuessGuard.objects.filter(pk=guard.pk).update(misses=F("misses") + 1)


def forget_guesses() -> int:
    """Guards whose window is over."""
    return GuessGuard.objects.filter(since__lt=now() - GUESS_WINDOW).delete()[0]


def _locked(invitation_id: str) -> Invitation:
    """The pending one, for this transaction alone. Raises NotFound, Expired, IllegalState."""
    get_invitation(invitation_id)
    found = Invitation.objects.select_for_update().get(pk=invitation_id)
    if found.state == Status.EXPIRED:
        raise Expired(f"The invitation of {found.email} has expired: ask for a new one.")
    if found.state != Status.PENDING:
        raise IllegalState(f"The invitation of {found.email} is {found.state.lower()} already.")
    return found


def _inviter(invitation: Invitation) -> User:
    """Who gives: looked at again now, since rights may have been taken away since. Raises IllegalState."""
    inviter = User.objects.filter(pk=invitation.invited_by, is_active=True).first()
    gone = IllegalState("Who invited you may not give this any more: ask for a new invitation.")
    if inviter is None:
        raise gone
    with scope_of(invitation.tenant_id):
        try:
            check_may_invite(inviter, invitation.tenant_id, _what_is_left(invitation))
        except Forbidden as error:
            raise gone from error
    return inviter


def _what_is_left(invitation: Invitation) -> Preset:
    """Without roles and groups that were deleted since."""
    preset = preset_of(invitation)
    roles = {role_id for role_id, _ in preset.bindings if _exists(get_role, role_id)}
    groups = tuple(group_id for group_id in preset.group_ids if _exists(get_group, group_id))
    return replace(preset, bindings=tuple(item for item in preset.bindings if item[0] in roles), group_ids=groups)


def _exists(get: Callable[[str], object], row_id: str) -> bool:
    try:
        get(row_id)
    except NotFound:
        return False
    return True


def _give(invitation: Invitation, inviter: User, user: User) -> None:
    preset = _what_is_left(invitation)
    for role_id, namespace in preset.bindings:
        role, where = get_role(role_id), namespace or None
        held = Binding.objects.filter(type=BindingType.USER, external_id=user.pk, role=role, namespace=where)
        if not held.exists():
            create_binding(
                acting_user=inviter, subject=BindingType.USER, subject_id=user.pk, role=role, namespace=where
            )
    for group_id in preset.group_ids:
        if not GroupMember.objects.filter(group_id=group_id, user_id=user.pk).exists():
            add_member(acting_user=inviter, group=get_group(group_id), user=user)
    if preset.super_admin and not user.is_super_admin:
        set_user_type(acting_user=inviter, user=user, user_type=UserType.SUPER_ADMIN)
    invitation.status, invitation.accepted_at = Status.ACCEPTED, now()
    invitation.save(update_fields=["status", "accepted_at"])
    note(invitation, "UPDATE", user, accepted=True)
