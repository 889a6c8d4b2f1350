"""Writing banners: each change is an audit entry, and an event by which open pages look again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from apps.accounts.models import User
from apps.announcements.models import Banner, BannerType, Dismissal
from apps.audit.services import record
from apps.common.clock import now
from apps.common.current_tenant import current_tenant_id
from apps.common.errors import Forbidden, IllegalState, Invalid, Problem
from apps.live.services import record_event
from apps.live.stream import ALL_TENANTS, ANNOUNCEMENTS
from apps.rbac.decisions import check_can
from apps.rbac.models import Group
from apps.rbac.selectors import rows_by_ids
from apps.tenants.models import Tenant

LONGEST: Final = 300
_AUDITED: Final = (
    *("message", "type", "start_date", "end_date", "tenants", "group_ids"),
    *("dismissible", "on_sign_in", "in_apps"),
)


@dataclass(frozen=True)
class BannerFields:
    """What is written. `tenants` only in the installation's, `group_ids` only in a tenant's."""

    message: str
    type: str = BannerType.INFO
    start_date: datetime | None = None
    end_date: datetime | None = None
    tenants: Sequence[str] = ()
    group_ids: Sequence[str] = ()
    dismissible: bool = True
    on_sign_in: bool = False
    in_apps: bool = False


def save_banner(*, acting_user: User, fields: BannerFields, banner: Banner | None = None) -> Banner:
    """A new banner, or another state of `banner`, in the open schema: a tenant's, or the installation's when none is
    open. Raises Forbidden, Invalid with each problem."""
    check_may_announce(acting_user)
    check_fields(fields)
    before = None if banner is None else _state(banner)
    made = banner or Banner()
    made.message = fields.message.strip()
    made.type = fields.type
    made.start_date = fields.start_date or (now() if banner is None else banner.start_date)
    made.end_date = fields.end_date
    made.tenants, made.group_ids = list(fields.tenants), list(fields.group_ids)
    made.dismissible = fields.dismissible and fields.type != BannerType.ERROR
    made.on_sign_in, made.in_apps = fields.on_sign_in, fields.in_apps
    _check_window(made.start_date, made.end_date)
    with transaction.atomic():
        made.save(force_insert=banner is None)
        if before is not None and before["message"] != made.message:
            made.dismissals.all().delete()  # what it says now was not seen yet
        _note(acting_user, "CREATE" if banner is None else "UPDATE", made, before=before, after=_state(made))
    return made


def delete_banner(*, acting_user: User, banner: Banner) -> None:
    """It vanishes from open pages. Raises Forbidden."""
    check_may_announce(acting_user)
    with transaction.atomic():
        _note(acting_user, "DELETE", banner, before=_state(banner))
        banner.delete()


def dismiss_banner(*, acting_user: User, banner: Banner) -> None:
    """Not shown to this person any more. Raises IllegalState for one that stays."""
    if not banner.can_be_dismissed:
        raise IllegalState("This announcement stays until it is over.")
    Dismissal.objects.get_or_create(banner=banner, user_id=acting_user.pk)


def check_may_announce(acting_user: User) -> None:
    """Super admins to the installation, holders of SETTING UPDATE to their tenant. Raises Forbidden."""
    if current_tenant_id() is not None:
        check_can(acting_user, "SETTING", "UPDATE")
    elif not acting_user.is_super_admin:
        raise Forbidden("Only a super admin announces to the installation.")


def check_fields(fields: BannerFields) -> None:
    """In the open schema. Raises Invalid with each problem."""
    problems = []
    if not fields.message.strip():
        problems.append(Problem("An announcement needs a message.", "message"))
    if len(fields.message.strip()) > LONGEST:
        problems.append(Problem(f"A message has at most {LONGEST} characters.", "message"))
    if fields.type not in BannerType.values:
        problems.append(Problem(f"'type' is one of {', '.join(BannerType.values)}.", "type"))
    if current_tenant_id() is None:
        known = set(Tenant.objects.filter(pk__in=list(fields.tenants)).values_list("pk", flat=True))
        problems += [
            Problem(f"There is no tenant '{one[:60]}'.", "tenants") for one in fields.tenants if one not in known
        ]
        if fields.group_ids:
            problems.append(Problem("Groups belong to a tenant: announce there.", "groupIds"))
    else:
        found = {group.pk for group in rows_by_ids(Group, fields.group_ids)}
        problems += [
            Problem(f"There is no group '{one[:60]}'.", "groupIds") for one in fields.group_ids if one not in found
        ]
        if fields.on_sign_in:
            problems.append(Problem("Only the installation's announcements are on the sign-in page.", "onSignIn"))
    if problems:
        raise Invalid(problems=problems)
    if fields.start_date is not None:
        _check_window(fields.start_date, fields.end_date)


def _check_window(start: datetime, end: datetime | None) -> None:
    if end is not None and end <= start:
        raise Invalid(problems=[Problem("The end must be after the start.", "endDate")])


def _note(
    acting_user: User,
    action: str,
    banner: Banner,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        acting_user=acting_user,
        action=action,
        resource="Banner",
        permission="SETTING",
        detail={"id": banner.id, "message": banner.message},
        before=before,
        after=after,
    )
    record_event(current_tenant_id() or ALL_TENANTS, ANNOUNCEMENTS, "", "banner", {}, now())


def _state(banner: Banner) -> dict[str, object]:
    names = (
        "message",
        "type",
        "start_date",
        "end_date",
        "tenants",
        "group_ids",
        "dismissible",
        "on_sign_in",
        "in_apps",
    )
    return {name: getattr(banner, name) for name in names}
