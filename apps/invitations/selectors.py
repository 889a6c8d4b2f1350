"""Reads of invitations, and of what one will give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.common.clock import now
from apps.common.errors import IllegalArgument, NotFound
from apps.common.ids import is_id
from apps.invitations.models import GuessGuard, Invitation, Status
from apps.rbac.decisions import can_everywhere
from apps.rbac.models import Group, Role
from apps.tenants.scope import tenant_scope

EVERY_INVITATION: Final = Q()
GUESSES: Final = 20
GUESS_WINDOW: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Grant:
    """A role that will be given, and where; no namespace is the whole tenant."""

    role: str
    description: str
    namespace: str = ""


@dataclass(frozen=True)
class Gifts:
    """What accepting gives, as names that people read."""

    grants: tuple[Grant, ...] = ()
    groups: tuple[str, ...] = ()


def get_invitation(invitation_id: str, *, tenant_id: str | None = None, seen: Q = EVERY_INVITATION) -> Invitation:
    """With a tenant only one of it. Raises NotFound."""
    found = Invitation.objects.filter(seen, pk=invitation_id).first() if is_id(invitation_id) else None
    if found is None or (tenant_id is not None and found.tenant_id != tenant_id):
        raise NotFound(f"There is no invitation '{invitation_id[:60]}'.")
    return found


def seen_by(user: User, action: str = "READ") -> Q:
    """Which invitations of the open tenant the person has to do with: who holds USER in a namespace only, those sent
    in his own name."""
    return Q() if can_everywhere(user, "USER", action) else Q(invited_by=user.pk)


def search_invitations(
    *, tenant_id: str | None = None, email: str = "", statuses: Iterable[str] = (), seen: Q = EVERY_INVITATION
) -> QuerySet[Invitation]:
    """Newest first; `tenant_id` None is all. Raises IllegalArgument for an unknown status."""
    found = Invitation.objects.all() if tenant_id is None else Invitation.objects.filter(tenant_id=tenant_id)
    found = found.filter(seen)
    for word in email.split():
        found = found.filter(email__icontains=word)
    wanted = Q()
    for status in statuses:
        if status not in Status.values:
            raise IllegalArgument(f"'status' is one of {', '.join(Status.values)}, not '{status[:30]}'.")
        wanted |= _has_status(Status(status))
    return found.filter(wanted)


def pending_for(user: User) -> list[Invitation]:
    """What the person may accept now, in all tenants."""
    return list(Invitation.objects.filter(_has_status(Status.PENDING), email=user.username.lower()))


def gifts_of(invitations: Iterable[Invitation]) -> dict[str, Gifts]:
    """By invitation; roles and groups that are gone are left out. Three queries a tenant."""
    by_tenant: dict[str, list[Invitation]] = {}
    for one in invitations:
        by_tenant.setdefault(one.tenant_id, []).append(one)
    found: dict[str, Gifts] = {}
    for tenant_id, rows in by_tenant.items():
        if not tenant_id:
            found |= {row.id: Gifts() for row in rows}
            continue
        with tenant_scope(tenant_id):
            roles = Role.objects.in_bulk({item["roleId"] for row in rows for item in row.bindings})
            groups = Group.objects.in_bulk({group_id for row in rows for group_id in row.group_ids})
        found |= {row.id: _gifts(row, roles, groups) for row in rows}
    return found


def is_guessing(address: str | None) -> bool:
    """Whether too many links that do not exist were asked from there."""
    recent = GuessGuard.objects.filter(pk=address or "", since__gt=now() - GUESS_WINDOW, misses__gte=GUESSES)
    return recent.exists()


def _gifts(row: Invitation, roles: dict[str, Role], groups: dict[str, Group]) -> Gifts:
    return Gifts(
        tuple(
            Grant(role.name, role.description, item.get("namespaceId") or "")
            for item in row.bindings
            if (role := roles.get(item["roleId"])) is not None
        ),
        tuple(groups[group_id].name for group_id in row.group_ids if group_id in groups),
    )


def _has_status(status: Status) -> Q:
    if status == Status.EXPIRED:
        return Q(status=Status.PENDING, expires_at__lte=now())
    if status == Status.PENDING:
        return Q(status=Status.PENDING, expires_at__gt=now())
    return Q(status=status)
