"""Who may open an App, and act in it: looked at on each request, never remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apps.accounts.models import User
from apps.common.clock import now as read_clock
from apps.common.errors import Expired, Forbidden, IllegalState, NotFound, Unauthenticated
from apps.rbac.decisions import can, has_access
from apps.rbac.models import GroupMember
from apps.userapps.language.definition import AppDefinition
from apps.userapps.language.source import parse_app
from apps.userapps.models import UserApp
from apps.workflows.flow_language.violations import InvalidFlow

PERMISSION: Final = "APPEXECUTION"


class AppClosed(Expired):
    """The App's time is over."""


class AppNotYet(IllegalState):
    """The App's time has not come; ``opens`` says when."""

    def __init__(self, message: str, opens: datetime) -> None:
        super().__init__(message)
        self.opens = opens


class AppDisabled(NotFound):
    """The App is switched off."""


class AppRefused(Forbidden):
    """The person may not use this App."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes: a person, or (None) somebody unknown at an address."""

    person: User | None
    address: str | None

    @property
    def user_id(self) -> str:
        return "" if self.person is None else str(self.person.pk)

    @property
    def name(self) -> str:
        return "" if self.person is None else self.person.full_name or self.person.username


@dataclass(frozen=True, slots=True)
class OpenedApp:
    """An App that somebody was let into."""

    app: UserApp
    definition: AppDefinition
    visitor: Visitor


def open_app(uid: str, user: Any, *, address: str | None, action: str = "READ") -> OpenedApp:
    """The App behind a link, for who asks. A PUBLIC App knows who is signed in, and asks nobody to be.

    Raises what `check_admission` raises.
    """
    app = find_app(uid)
    person = check_admission(app, user, action=action)
    if person is None and isinstance(user, User) and user.is_active:
        person = user
    try:
        definition = parse_app(app.source)
    except InvalidFlow as error:
        raise AppDisabled("This App cannot be read any more; its owner has to save it again.") from error
    return OpenedApp(app, definition, Visitor(person, address))


def find_app(uid: str) -> UserApp:
    """The App behind a link. NotFound."""
    app = UserApp.objects.filter(uid=uid).first() if uid.isalnum() and len(uid) <= 22 else None
    if app is None:
        raise NotFound("There is no App at this address. Its link may have been renewed; ask who gave it to you.")
    return app


def check_admission(app: UserApp, user: Any, *, action: str = "READ") -> User | None:
    """Who opens (READ) or acts in (UPDATE) the App; None for a visitor of a PUBLIC one.

    AppDisabled, AppNotYet, AppClosed; Unauthenticated (a PRIVATE one, nobody signed in); NotFound (somebody whom the
    tenant does not know); AppRefused. At most three queries, none for a visitor.
    """
    person = user if isinstance(user, User) and user.is_active else None
    if not app.is_public:
        if person is None:
            raise Unauthenticated("Sign in to use this App.")
        if not has_access(person):
            raise NotFound("There is no App at this address. Its link may have been renewed; ask who gave it to you.")
        if not can(person, PERMISSION, action, app.namespace):
            raise AppRefused(f"You need {PERMISSION} {action} in {app.namespace} to use this App.")
        if app.groups and not is_member(person, app.groups):
            raise AppRefused("This App is for other groups than yours.")
    check_open(app)
    return person


def check_open(app: UserApp) -> None:
    """AppDisabled, AppNotYet or AppClosed when the App cannot be used now, by anyone."""
    now = read_clock()
    if app.disabled:
        raise AppDisabled("This App is not available.")
    if app.opens is not None and now < app.opens:
        raise AppNotYet("This App is not open yet.", app.opens)
    if app.closes is not None and now >= app.closes:
        raise AppClosed("This App has closed.")


def is_member(person: User, groups: list[str]) -> bool:
    """Whether the person is in one of the groups of these names. One query."""
    return GroupMember.objects.filter(user_id=person.pk, group__name__in=groups).exists()
