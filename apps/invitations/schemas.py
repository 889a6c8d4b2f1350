"""Invitations as the API shows and takes them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from apps.common.json_values import Shape
from apps.invitations.models import Invitation
from apps.invitations.services.inviting import Preset
from apps.mail.models import OutgoingMail
from apps.mail.selectors import latest_about


class PresetBinding(Shape):
    """A role and where; the other fields of a binding are not known before there is a person."""

    role_id: str
    namespace_id: str | None = None


class PresetRole(Shape):
    """The later form: a role and its namespaces, none for the whole tenant."""

    id: str
    namespaces: list[str] | None = None


class InvitationBody(Shape):
    """Roles as `bindings` or as `roles`. `superAdmin` only to the installation."""

    email: str
    tenant_id: str | None = None
    bindings: list[PresetBinding] | None = None
    roles: list[PresetRole] | None = None
    group_ids: list[str] | None = None
    super_admin: bool | None = None
    message: str | None = None

    def preset(self) -> Preset:
        bindings = [(one.role_id, one.namespace_id or "") for one in self.bindings or []]
        bindings += [(role.id, namespace) for role in self.roles or [] for namespace in role.namespaces or [""]]
        return Preset(tuple(bindings), tuple(self.group_ids or ()), bool(self.super_admin))


class NewPersonBody(Shape):
    """Who accepts without having an account."""

    first_name: str | None = None
    last_name: str | None = None
    password: str


class MailShape(Shape):
    """What became of the mail with the link."""

    state: str
    error: str | None = None


class InvitationShape(Shape):
    """`status` is PENDING or ACCEPTED as in Kestra, or REVOKED, which also says isExpired; `link` only while it is good
    for something. `mail` is left out when none was sent."""

    id: str
    email: str
    tenant_id: str | None = None
    bindings: list[PresetBinding]
    group_ids: list[str]
    super_admin: bool
    message: str | None = None
    status: str
    is_expired: bool
    sent_at: datetime
    expired_at: datetime
    accepted_at: datetime | None = None
    link: str | None = None
    mail: MailShape | None = None

    @classmethod
    def of(cls, row: Invitation, mail: OutgoingMail | None = None) -> Self:
        pending = row.status == row.state == "PENDING"
        return cls(
            id=row.id,
            email=row.email,
            tenant_id=row.tenant_id or None,
            bindings=[PresetBinding.model_validate(item) for item in row.bindings],
            group_ids=row.group_ids,
            super_admin=row.super_admin,
            message=row.message or None,
            status=row.status,
            is_expired=row.status == "REVOKED" or row.state == "EXPIRED",
            sent_at=row.sent_at,
            expired_at=row.expires_at,
            accepted_at=row.accepted_at,
            link=row.link if pending else None,
            mail=None if mail is None else MailShape(state=mail.state, error=mail.last_error or None),
        )

    @classmethod
    def of_all(cls, rows: Iterable[Invitation]) -> list[Self]:
        """With their mails. One query more."""
        shown = list(rows)
        mails = latest_about(row.subject for row in shown)
        return [cls.of(row, mails.get(row.subject)) for row in shown]
