"""The menu: which page classes there are, who may open them, and which one is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import Resolver404, resolve, reverse

from apps.rbac.catalog import NAMESPACED
from apps.rbac.decisions import can, can_delegated, visible_namespaces

NOTHING: Final = "nothing_here"
"""Name of the route that answers what no app does."""


@dataclass(frozen=True)
class MenuEntry:
    """One line of the menu. `current` marks the page class that is open, `key` follows g on the keyboard."""

    label: str
    icon: str
    url: str
    current: bool = False
    key: str = ""


@dataclass(frozen=True)
class MenuGroup:
    """Lines under one heading."""

    title: str
    entries: list[MenuEntry]


@dataclass(frozen=True)
class _Place:
    """A page class at a path below the tenant: shown when the person holds the permission (empty: everyone)."""

    label: str
    icon: str
    path: str
    permission: str = ""
    action: str = "READ"
    key: str = ""
    delegated: bool = False
    """Also for who may do so in a namespace only."""
    in_namespace: bool = False
    """Who holds the permission in a namespace only must name it in the address."""


_GROUPS: Final[tuple[tuple[str, tuple[_Place, ...]], ...]] = (
    (
        "Workspace",
        (
            _Place("Home", "home", "", key="d"),
            _Place("Dashboard", "pulse", "dashboards", "EXECUTION"),
            _Place("Flows", "flow", "flows", "FLOW", key="f"),
            _Place("Executions", "runs", "executions", "EXECUTION", key="e"),
            _Place("Logs", "logs", "logs", "EXECUTION", key="l"),
            _Place("Triggers", "bolt", "admin/triggers", "FLOW", key="t"),
            _Place("Namespaces", "folder", "namespaces", "NAMESPACE", key="n"),
            _Place("Apps", "apps", "apps/catalog", "APPEXECUTION", key="a"),
            _Place("Blueprints", "blue", "blueprints", "FLOW", key="b"),
            _Place("Plugins", "plug", "plugins", key="p"),
        ),
    ),
    (
        "Manage",
        (
            _Place("Manage Apps", "edit", "apps", "APP"),
            _Place("Users", "user", "admin/iam/users", "USER"),
            _Place("Groups", "user", "admin/iam/groups", "GROUP"),
            _Place("Roles", "shield", "admin/iam/roles", "ROLE", delegated=True),
            _Place("Bindings", "link", "admin/iam/bindings", "BINDING", delegated=True),
            _Place("Invitations", "mail", "admin/iam/invitations", "USER", delegated=True),
            _Place("Service accounts", "key", "admin/iam/service-accounts", "USER"),
            _Place("Audit log", "logs", "admin/auditlogs", "AUDITLOG", in_namespace=True),
            _Place("Announcements", "news", "admin/announcements", "SETTING", "UPDATE"),
            _Place("Statistics", "chart", "admin/stats", "EXECUTION"),
            _Place("Workers", "server", "admin/cluster", "INFRASTRUCTURE"),
        ),
    ),
)
"""Page classes by their paths, in the menu's order; one that no installed app answers is left out."""
_INSTALLATION: Final = (
    _Place("Isolation", "lock", "admin/isolation"),
    _Place("Tenants", "server", "/ui/admin/tenants"),
    _Place("Cluster", "pulse", "/ui/admin/cluster"),
)
"""For super admins."""


def menu_of(person: Any, tenant_id: str, path: str) -> list[MenuGroup]:
    """What this person may open, in groups; the entry that leads deepest towards `path` is the current one."""
    groups = [
        (title, [place for place in places if _permitted(person, place) and _answered(_url(tenant_id, place))])
        for title, places in _GROUPS
    ]
    if person.is_super_admin:
        found = [place for place in _INSTALLATION if _answered(_url(tenant_id, place))]
        groups.append(("Installation", [*found, _Place("Admin console", "gear", reverse("admin:index"))]))
    places = [place for _, inside in groups for place in inside]
    current = _nearest((_url(tenant_id, place) for place in places), path, home=_url(tenant_id, _GROUPS[0][1][0]))
    return [
        MenuGroup(title, [_entry(person, place, _url(tenant_id, place), current) for place in inside])
        for title, inside in groups
        if inside
    ]


def pages_of_role(permissions: Mapping[str, Sequence[str]], tenant_id: str, *, everywhere: bool) -> list[str]:
    """The labels that a person with this role alone would have, bound in the whole tenant or in one namespace."""
    return [
        place.label
        for _, places in _GROUPS
        for place in places
        if not place.permission
        or (
            place.action in permissions.get(place.permission, ())
            and (everywhere or place.delegated or place.permission in NAMESPACED)
        )
        if _answered(_url(tenant_id, place))
    ]


def _entry(person: Any, place: _Place, url: str, current: str) -> MenuEntry:
    only = visible_namespaces(person, place.permission, place.action) if place.in_namespace else None
    query = "?" + urlencode({"namespace": only[0]}) if only else ""
    return MenuEntry(place.label, place.icon, url + query, url == current, place.key)


def _permitted(person: Any, place: _Place) -> bool:
    answer = can_delegated if place.delegated else can
    return not place.permission or answer(person, place.permission, place.action)


def _url(tenant_id: str, place: _Place) -> str:
    return place.path if place.path.startswith("/") else f"/ui/{tenant_id}/{place.path}"


@lru_cache(maxsize=4096)
def _answered(url: str) -> bool:
    try:
        return resolve(url).url_name != NOTHING
    except Resolver404:
        return False


def _nearest(urls: Iterable[str], path: str, *, home: str) -> str:
    """The longest address that the path is or lies below; the home page only when it is that itself."""
    found = [url for url in urls if path == url or (url != home and path.startswith(f"{url.rstrip('/')}/"))]
    return max(found, key=len, default="")
