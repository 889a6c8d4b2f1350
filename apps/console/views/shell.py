"""The frame around every page: who is here, in which tenant, and what the menu offers. A context processor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, Final

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.urls import reverse
from markupsafe import Markup

from apps.accounts.services.sessions import ACTS_AS
from apps.announcements.selectors import Told, has_unread_news, told_at_sign_in, told_to
from apps.audit.services import current_caller
from apps.bookmarks.models import Bookmark
from apps.bookmarks.selectors import Folder, find_own_bookmark, folders_of, list_bookmarks
from apps.common.htmx import is_fragment
from apps.console.catalog import PANEL_WIDTHS, doc_for
from apps.console.views.menu import MenuEntry, MenuGroup, menu_of
from apps.live.selectors import read_horizon
from apps.rbac.decisions import can, has_access

PRODUCT: Final = "Kestra EE"
PLAIN_STRIPE: Final = "#5b5b66"
THEMES: Final = ("light", "dark", "contrast")
DENSITIES: Final = ("comfortable", "compact")
SCHEMES: Final = ("cvd",)
MOTIONS: Final = ("reduced",)
MENUS: Final = ("narrow",)
"""Values of what a person may choose; without a choice the system or the product decides."""


def text_on(color: str) -> str:
    """Black or white, whichever is easier to read on a colour (#rrggbb)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"


@dataclass(frozen=True)
class Panel:
    """One thing the sidebar shows, and the page that shows the same. `dot`: there is something new."""

    name: str
    label: str
    icon: str
    url: str
    dot: bool = False


class Shell:
    """What base.html shows. Everything is worked out when it is asked for, so that a fragment pays for nothing."""

    version: Final = version("kestra-ee")

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def person(self) -> Any:
        """The user who is signed in, or None."""
        user = getattr(self._request, "user", None)
        return user if getattr(user, "is_authenticated", False) else None

    @cached_property
    def tenant_id(self) -> str:
        """Id of the open tenant; empty outside one."""
        tenant = getattr(self._request, "tenant", None)
        return "" if tenant is None else str(tenant.pk)

    @property
    def tenant_name(self) -> str:
        tenant = getattr(self._request, "tenant", None)
        return str(tenant) if tenant is not None and self.framed else PRODUCT

    @property
    def environment(self) -> tuple[str, str, str] | None:
        """Name, colour and the colour of text on it, for the stripe on top of each page of the tenant."""
        tenant = getattr(self._request, "tenant", None)
        if tenant is None or not self.framed or not (tenant.environment_name or tenant.environment_color):
            return None
        color = tenant.environment_color or PLAIN_STRIPE
        return tenant.environment_name or str(tenant), color, text_on(color)

    @property
    def logo_url(self) -> str:
        """Address of the tenant's picture; empty when it has none."""
        tenant = getattr(self._request, "tenant", None)
        return self.url("logo") if tenant is not None and self.framed and tenant.logo else ""

    @cached_property
    def framed(self) -> bool:
        """Whether the page has the menu: somebody is signed in, and may know of the open tenant."""
        if self.person is None or not self.tenant_id:
            return False
        return bool(self.person.is_super_admin) or has_access(self.person)

    @property
    def fragment(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return is_fragment(self._request)

    @property
    def preferences(self) -> dict[str, Any]:
        """What the person chose; nothing for nobody."""
        return {} if self.person is None else dict(self.person.preferences)

    @property
    def html_attributes(self) -> Markup:
        """Theme, density and colour scheme as the person chose them; without a choice the system decides."""
        known = (
            ("theme", THEMES), ("density", DENSITIES), ("scheme", SCHEMES), ("motion", MOTIONS), ("menu", MENUS),
        )  # fmt: skip
        chosen = [
            Markup(' data-{}="{}"').format(name, self.preferences[name])
            for name, values in known
            if self.preferences.get(name) in values
        ]
        return Markup("").join(chosen)

    @property
    def body_attributes(self) -> Markup:
        """What scripts must know of the person's settings."""
        preferences = self.preferences
        chosen = [
            Markup(' data-{}="{}"').format(attribute, preferences[name])
            for attribute, name in (("zone", "timeZone"), ("shortcuts", "shortcuts"), ("editor-size", "editorSize"))
            if preferences.get(name)
        ]
        return Markup("").join(chosen)

    @property
    def acts_as(self) -> dict[str, str] | None:
        """Name and tenant of the person in whose name the session acts; None when it is the person himself."""
        session = getattr(self._request, "session", None)
        kept: dict[str, str] | None = session.get(ACTS_AS) if session is not None and self.person is not None else None
        return kept

    @property
    def acts_here(self) -> bool:
        """Whether this page is shown as the other person sees it."""
        return current_caller.get().impersonated_by is not None

    @cached_property
    def menu(self) -> list[MenuGroup]:
        """The pages this person may open, in groups."""
        return menu_of(self.person, self.tenant_id, self._request.path) if self.framed else []

    @property
    def bar(self) -> list[MenuEntry]:
        """The three that a phone shows below: home, what runs, and Apps or flows."""
        known = {entry.label: entry for group in self.menu for entry in group.entries}
        wanted = ["Home", "Executions", "Apps", "Flows", "Namespaces", "Plugins"]
        return [known[label] for label in wanted if label in known][:3]

    @cached_property
    def panels(self) -> list[Panel]:
        """What the sidebar offers; the docs are those of the open page."""
        match = self._request.resolver_match
        page, _, heading = doc_for(match.url_name or "" if match else "").partition("#")
        docs = (self.url("doc", path=page) if page else self.url("docs")) + (f"#{heading}" if heading else "")
        return [
            Panel("news", "News", "news", self.url("news"), self.unread_news),
            Panel("docs", "Documentation", "book", docs),
            Panel("help", "Help", "help", self.url("help")),
            Panel("activity", "My activity", "pulse", self.url("activity")),
        ]

    @property
    def panel(self) -> Panel | None:
        """The one that is open: as the person left it."""
        chosen = self.preferences.get("sidebar")
        return next((one for one in self.panels if one.name == chosen), None)

    @property
    def panel_width(self) -> int:
        """In pixels."""
        least, most = PANEL_WIDTHS
        return min(max(int(self.preferences.get("sidebarWidth", 360)), least), most)

    @cached_property
    def live_from(self) -> str:
        """Where the tab's stream begins, taken before the banners are read: nothing announced in between is missed."""
        return str(read_horizon())

    @cached_property
    def told(self) -> Told:
        """What the person is told on top of the page."""
        return Told() if self.person is None else told_to(self.person)

    @cached_property
    def bookmarks(self) -> list[Bookmark]:
        """Own ones and shared ones, of the open tenant."""
        return list_bookmarks(self.person) if self.framed else []

    @property
    def bookmark_folders(self) -> list[Folder]:
        return folders_of(self.bookmarks, self.person)

    @property
    def starred(self) -> bool:
        """Whether exactly this view is bookmarked."""
        return find_own_bookmark(self.bookmarks, self.person, self._request.get_full_path()) is not None

    @cached_property
    def told_at_sign_in(self) -> Told:
        return told_at_sign_in()

    @cached_property
    def unread_news(self) -> bool:
        """For the dot of the sidebar."""
        return self.person is not None and has_unread_news(self.person)

    @property
    def messages(self) -> Iterable[Any]:
        """What the page before left to be said; read once. A fragment leaves them for the next page."""
        return () if self.fragment or not hasattr(self._request, "_messages") else get_messages(self._request)

    def may(self, permission: str, action: str, namespace: str | None = None) -> bool:
        """Whether to render what needs it; with namespace None: in any namespace."""
        return can(self.person, permission, action, namespace)

    def url(self, route: str, **arguments: Any) -> str:
        """Address of a page in the open tenant."""
        return reverse(f"ui:{route}", kwargs={"tenant": self.tenant_id, **arguments})

    @property
    def tenants_url(self) -> str:
        return self.url("tenants")

    @property
    def settings_url(self) -> str:
        return self.url("settings")

    @property
    def sign_in_url(self) -> str:
        return reverse("sign_in")

    @property
    def sign_out_url(self) -> str:
        return reverse("sign_out")

    @property
    def person_name(self) -> str:
        return "" if self.person is None else str(self.person.full_name)

    @property
    def person_login(self) -> str:
        return "" if self.person is None else str(self.person.username)

    @property
    def person_initials(self) -> str:
        words = self.person_name.replace("@", " ").replace(".", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"


def shell(request: HttpRequest) -> dict[str, Shell]:
    """For the templates' OPTIONS: `shell` in every page."""
    return {"shell": Shell(request)}
