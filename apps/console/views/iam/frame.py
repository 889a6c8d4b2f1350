"""What the pages of IAM share: their tabs, and how a form's answer is told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, Forbidden, ProductError
from apps.rbac.decisions import can_delegated, check_can, check_delegated

SEPARATORS: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Tab:
    """One of the views; `delegated` is open to holders of the permission in a namespace too."""

    key: str
    label: str
    route: str
    permission: str
    delegated: bool = False

    def open_to(self, person: User) -> bool:
        return can_delegated(person, self.permission, "READ", None if self.delegated else "")


TABS: Final = (
    Tab("users", "Users", "iam_users", "USER"),
    Tab("groups", "Groups", "iam_groups", "GROUP"),
    Tab("roles", "Roles", "iam_roles", "ROLE", delegated=True),
    Tab("bindings", "Bindings", "iam_bindings", "BINDING", delegated=True),
    Tab("invitations", "Invitations", "invitations", "USER", delegated=True),
    Tab("accounts", "Service accounts", "iam_accounts", "USER"),
)

Act = Callable[[HttpRequest, User, Any], str]
"""Does what a form asks for, and says what was done."""


@dataclass(frozen=True)
class Deed:
    """What one button of a page does, and what it needs; where the permission must hold is the service's question when
    it may be delegated."""

    act: Act
    permission: str
    action: str
    delegated: bool = False


@member
def to_first_tab(request: HttpRequest) -> HttpResponseBase:
    """The first view the person may open."""
    person = current_user(request)
    for tab in TABS:
        if tab.open_to(person):
            return redirect(address(tab.route))
    raise Forbidden("You need USER, GROUP, ROLE or BINDING READ to see who may what.")


def show(
    request: HttpRequest, template: str, tab: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """The page with the tabs the person may open."""
    person = current_user(request)
    tabs = [(one.key, one.label, address(one.route)) for one in TABS if one.open_to(person)]
    return render(request, f"iam/{template}.html", {"tab": tab, "tabs": tabs, "only_in": [], **context}, status=status)


def perform(request: HttpRequest, deeds: Mapping[str, Deed], subject: Any, back: str) -> HttpResponseBase:
    """What the field `do` names, then back, with what was done or why not on top. Raises BadRequest, Forbidden."""
    deed, person = deeds.get(request.POST.get("do", "")), current_user(request)
    if deed is None:
        raise BadRequest(f"'do' is one of {', '.join(deeds)}.")
    (check_delegated if deed.delegated else check_can)(person, deed.permission, deed.action)
    try:
        messages.success(request, deed.act(request, person, subject))
    except Forbidden:
        raise
    except ProductError as error:
        said = [problem.message for problem in error.problems] or [error.message]
        messages.warning(request, " ".join(said))
    return redirect(back)


def words(text: str) -> list[str]:
    """Of a field that takes several, separated by spaces, commas or lines."""
    return [word for word in SEPARATORS.split(text.strip()) if word]


def address(route: str, **arguments: Any) -> str:
    return reverse(f"ui:{route}", kwargs={"tenant": require_tenant(), **arguments})
