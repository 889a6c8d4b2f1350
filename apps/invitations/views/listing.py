"""The list of invitations of a tenant, and the form that invites several at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import ProductError
from apps.common.htmx import redirect, render_page
from apps.common.mail import mail_enabled
from apps.invitations.models import Invitation, Status
from apps.invitations.selectors import Gifts, get_invitation, gifts_of, search_invitations, seen_by
from apps.invitations.services.inviting import Preset, create_invitations, resend_invitation, revoke_invitation
from apps.live.selectors import read_horizon
from apps.mail.models import OutgoingMail
from apps.mail.selectors import latest_about
from apps.rbac.decisions import can_delegated, visible_namespaces
from apps.rbac.models import Group, Role

SIZE: Final = 50
_SEPARATORS: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Line:
    """A row of the list."""

    invitation: Invitation
    gifts: Gifts
    mail: OutgoingMail | None


@access("USER", "READ", delegated=True)
def list_invitations(request: HttpRequest) -> HttpResponse:
    """At most six queries, however many rows."""
    status = request.GET.get("status", "").upper()
    status = status if status in Status.values else ""
    query, number = request.GET.get("q", "").strip(), request.GET.get("page", "1")
    page = int(number) if number.isdecimal() and 0 < int(number) < 20_000 else 1
    tenant_id, live_since = require_tenant(), str(read_horizon())
    person = current_user(request)
    found = search_invitations(
        tenant_id=tenant_id, email=query, statuses=[status] if status else [], seen=seen_by(person)
    )
    total = found.count()
    rows = list(found[(page - 1) * SIZE : page * SIZE])
    gifts, mails = gifts_of(rows), latest_about(row.subject for row in rows)
    context = {
        "live_since": live_since,
        "lines": [Line(row, gifts[row.id], mails.get(row.subject)) for row in rows],
        "total": total,
        "page": page,
        "pages": max(1, -(-total // SIZE)),
        "q": query,
        "status": status,
        "statuses": list(Status),
        "filtered": bool(query or status),
        "mail_enabled": mail_enabled(),
        "may_invite": can_delegated(person, "USER", "CREATE"),
        "may_revoke": can_delegated(person, "USER", "DELETE"),
        "older": urlencode({"q": query, "status": status, "page": page + 1}),
        "newer": urlencode({"q": query, "status": status, "page": page - 1}),
    }
    return render_page(request, "invitations/list.html", context, fragment="invitations/_results.html")


@access("USER", "CREATE", delegated=True)
def new_invitation(request: HttpRequest) -> HttpResponse:
    """The form."""
    return _form(request, QueryDict())


@access("USER", "CREATE", delegated=True)
def invite(request: HttpRequest) -> HttpResponseBase:
    """Several addresses, one preset; what is wrong comes back with everything that was typed."""
    given = request.POST
    try:
        made = create_invitations(
            acting_user=current_user(request),
            tenant_id=require_tenant(),
            emails=_SEPARATORS.split(given.get("emails", "")),
            preset=_preset(given),
            message=given.get("message", ""),
        )
    except ProductError as error:
        problems = [problem.message for problem in error.problems]
        return _form(request, given, problems=problems, status=max(error.status, 400))
    count = len(made)
    how = "The mail is on its way." if mail_enabled() else "Copy each link from the list and hand it over."
    messages.success(request, f"{count} {'person' if count == 1 else 'people'} invited. {how}")
    return redirect(request, _list_url())


@access("USER", "CREATE", delegated=True)
def resend(request: HttpRequest, invitation_id: str) -> HttpResponseBase:
    """Good for the whole time again."""
    seen = seen_by(current_user(request), "CREATE")
    found = get_invitation(invitation_id, tenant_id=require_tenant(), seen=seen)
    try:
        resend_invitation(acting_user=current_user(request), invitation=found)
        told = "sent again" if mail_enabled() else "good for the whole time again: copy its link"
        messages.success(request, f"The invitation of {found.email} is {told}.")
    except ProductError as error:
        messages.warning(request, error.message)
    return redirect(request, _list_url())


@access("USER", "DELETE", delegated=True)
def revoke(request: HttpRequest, invitation_id: str) -> HttpResponseBase:
    """The link is dead."""
    seen = seen_by(current_user(request), "DELETE")
    found = get_invitation(invitation_id, tenant_id=require_tenant(), seen=seen)
    try:
        revoke_invitation(acting_user=current_user(request), invitation=found)
        messages.success(request, f"The invitation of {found.email} is revoked.")
    except ProductError as error:
        messages.warning(request, error.message)
    return redirect(request, _list_url())


def _preset(given: QueryDict) -> Preset:
    """Rows of role and namespaces; several namespaces of one row are separated by commas or spaces."""
    bindings: list[tuple[str, str]] = []
    namespaces = given.getlist("namespaces")
    for number, role_id in enumerate(given.getlist("role")):
        if role_id:
            text = namespaces[number] if number < len(namespaces) else ""
            bindings += [(role_id, one) for one in _SEPARATORS.split(text.strip())]
    return Preset(tuple(bindings), tuple(given.getlist("group")))


def _form(
    request: HttpRequest, given: QueryDict, *, problems: list[str] | None = None, status: int = 200
) -> HttpResponse:
    roles, namespaces = given.getlist("role"), given.getlist("namespaces")
    rows = [(role, namespaces[number] if number < len(namespaces) else "") for number, role in enumerate(roles)]
    person = current_user(request)
    namespaces_only = visible_namespaces(person, "USER", "CREATE")
    context: dict[str, Any] = {
        "roles": list(Role.objects.all()[:200]),
        "groups": list(Group.objects.filter(provider="")[:200]) if namespaces_only is None else [],
        "only_in": namespaces_only or [],
        "rows": (rows + [("", "")] * 3)[: max(3, len(rows))],
        "emails": given.get("emails", ""),
        "message": given.get("message", ""),
        "chosen_groups": given.getlist("group"),
        "problems": problems or [],
        "mail_enabled": mail_enabled(),
        "may_bind": can_delegated(person, "BINDING", "CREATE"),
        "list_url": _list_url(),
    }
    return render_page(request, "invitations/new.html", context, fragment="invitations/_new.html", status=status)


def _list_url() -> str:
    return reverse("ui:invitations", kwargs={"tenant": require_tenant()})
