"""Search over everything a person may open, and over what may be done: the palette of Ctrl-K, and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.bookmarks.selectors import list_bookmarks
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.htmx import render_page
from apps.console.selectors.docs import search_docs
from apps.console.selectors.people import suggest_people
from apps.console.selectors.plugins import search_plugins
from apps.console.selectors.tenants import tenants_of
from apps.console.views.menu import menu_of
from apps.rbac.decisions import can, visible_namespaces
from apps.userapps.selectors import catalog_of
from apps.workflows.selectors.suggestions import (
    Named,
    suggest_executions,
    suggest_flows,
    suggest_namespaces,
    suggest_triggers,
)

MOST: Final = 8
"""Rows of each source."""
LONGEST: Final = 200
_SIGNS: Final = {">": "Actions", ":": "Namespaces", "@": "People", "?": "Documentation"}
"""What a first character narrows the search to."""


@dataclass(frozen=True)
class Hit:
    """A line to choose: a link, or with `sends` a form with these fields that is posted to the address."""

    title: str
    url: str
    icon: str
    note: str = ""
    state: str = ""
    sends: dict[str, str] | None = None


@dataclass(frozen=True)
class HitGroup:
    """Lines of one kind."""

    title: str
    hits: list[Hit]


@dataclass(frozen=True)
class _Asked:
    """Who asks for what, where."""

    user: User
    tenant_id: str
    text: str
    path: str

    @property
    def words(self) -> list[str]:
        return self.text.lower().split()

    def url(self, route: str, **arguments: str) -> str:
        return reverse(f"ui:{route}", kwargs={"tenant": self.tenant_id, **arguments})

    def holds(self, text: str) -> bool:
        """Whether a text has all the words."""
        lowered = text.lower()
        return all(word in lowered for word in self.words)


@member
def search(request: HttpRequest) -> HttpResponse:
    """`q`: the words; with > only actions, : namespaces, @ people, ? documentation. One query per source."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    context = {"query": query, "groups": find_everything(current_user(request), query, request.path)}
    return render_page(request, "console/search.html", context, fragment="console/_hits.html")


def find_everything(user: User, query: str, path: str = "") -> list[HitGroup]:
    """Groups that have something, in order; without words bookmarks, pages and what may be done."""
    kind = _SIGNS.get(query[:1], "")
    asked = _Asked(user, require_tenant(), query[1:].strip() if kind else query, path)
    sources = _SOURCES if asked.text or kind else {name: _SOURCES[name] for name in ("Bookmarks", "Pages", "Actions")}
    wanted = {kind: sources[kind]} if kind else sources
    found = [HitGroup(title, list(source(asked))[:MOST]) for title, source in wanted.items()]
    return [group for group in found if group.hits]


def _bookmarks(asked: _Asked) -> Iterable[Hit]:
    return [Hit(one.name, one.url, "star", one.folder) for one in list_bookmarks(asked.user) if asked.holds(one.name)]


def _pages(asked: _Asked) -> Iterable[Hit]:
    menu = menu_of(asked.user, asked.tenant_id, asked.path)
    pages = [Hit(entry.label, entry.url, entry.icon, group.title) for group in menu for entry in group.entries]
    pages += [Hit(name, asked.url(route), icon, note) for name, route, icon, note in _OWN_PAGES]
    return [hit for hit in pages if asked.holds(f"{hit.title} {hit.note}")]


def _actions(asked: _Asked) -> Iterable[Hit]:
    hits = []
    if can(asked.user, "FLOW", "CREATE"):
        hits.append(Hit("Create a flow", asked.url("flow_new"), "plus"))
    if can(asked.user, "USER", "CREATE"):
        hits.append(Hit("Invite somebody", asked.url("invitation_new"), "mail"))
    settings = asked.url("settings")
    for value, name, icon in (
        ("dark", "Dark theme", "moon"),
        ("light", "Light theme", "sun"),
        ("", "System theme", "gear"),
    ):
        hits.append(Hit(name, settings, icon, "Theme", sends={"theme": value}))
    hits.append(Hit("Sign out", reverse("sign_out"), "out", sends={}))
    hits = [hit for hit in hits if asked.holds(f"{hit.title} {hit.note}")]
    if asked.words:
        hits += _executable(asked) + _tenants(asked)
    return hits


def _executable(asked: _Asked) -> list[Hit]:
    """`execute hello`, or the flow's name alone."""
    words = [word for word in asked.words if word not in {"execute", "run", "start"}]
    visible = visible_namespaces(asked.user, "EXECUTION", "CREATE")
    if not words or visible == []:
        return []
    found = suggest_flows(" ".join(words), visible, most=3)
    return [
        Hit(f"Execute {one.flow_id}", asked.url("flow_execute", namespace=one.namespace, flow_id=one.flow_id), "play",
            one.namespace)
        for one in found
        if not one.disabled and can(asked.user, "FLOW", "READ", one.namespace)
    ]  # fmt: skip


def _tenants(asked: _Asked) -> list[Hit]:
    words = [word for word in asked.words if word not in {"switch", "to", "tenant"}]
    return [
        Hit(f"Switch to {tenant}", f"/ui/{tenant.pk}/", "server", "Tenant")
        for tenant in tenants_of(asked.user)
        if tenant.pk != asked.tenant_id and all(word in f"{tenant} {tenant.pk}".lower() for word in words)
    ][:MOST]


def _flows(asked: _Asked) -> Iterable[Hit]:
    found = _named(asked, "FLOW", suggest_flows)
    return [Hit(one.flow_id, _flow_url(asked, "flow", one), "flow", one.namespace) for one in found]


def _triggers(asked: _Asked) -> Iterable[Hit]:
    found = _named(asked, "FLOW", suggest_triggers)
    return [
        Hit(one.trigger_id, _flow_url(asked, "flow_triggers", one), "bolt", f"{one.namespace}.{one.flow_id}")
        for one in found
    ]


def _named(asked: _Asked, permission: str, source: Callable[..., list[Named]]) -> list[Named]:
    visible = visible_namespaces(asked.user, permission)
    return [] if visible == [] else source(asked.text, visible, most=MOST)


def _flow_url(asked: _Asked, route: str, one: Named) -> str:
    return asked.url(route, namespace=one.namespace, flow_id=one.flow_id)


def _executions(asked: _Asked) -> Iterable[Hit]:
    visible = visible_namespaces(asked.user, "EXECUTION")
    found = [] if visible == [] or " " in asked.text else suggest_executions(asked.text, visible, most=MOST)
    return [
        Hit(row.id, asked.url("execution", namespace=row.namespace, flow_id=row.flow_id, execution_id=row.id), "runs",
            f"{row.namespace}.{row.flow_id}", row.state)
        for row in found
    ]  # fmt: skip


def _namespaces(asked: _Asked) -> Iterable[Hit]:
    visible = visible_namespaces(asked.user, "NAMESPACE")
    found = [] if visible == [] else suggest_namespaces(asked.text, visible, most=MOST)
    return [Hit(name, asked.url("namespace", namespace=name), "folder") for name in found]


def _apps(asked: _Asked) -> Iterable[Hit]:
    if visible_namespaces(asked.user, "APPEXECUTION") == []:
        return []
    found = catalog_of(asked.user, query=asked.text)[:MOST]
    return [Hit(app.display_name or app.app_id, asked.url("app", uid=app.uid), "apps", app.namespace) for app in found]


def _people(asked: _Asked) -> Iterable[Hit]:
    found = suggest_people(asked.text, most=MOST) if can(asked.user, "USER", "READ") else []
    return [Hit(one.full_name, asked.url("iam_user", user_id=one.pk), "user", one.username) for one in found]


def _plugins(asked: _Asked) -> Iterable[Hit]:
    found = search_plugins(asked.words, most=MOST)
    return [Hit(one.name, asked.url("plugin", type_name=one.type), "plug", one.type) for one in found]


def _docs(asked: _Asked) -> Iterable[Hit]:
    hits = []
    for hit in search_docs(asked.words, most=MOST):
        url = asked.url("doc", path=hit.path) + (f"#{hit.anchor}" if hit.anchor else "")
        hits.append(Hit(hit.heading or hit.title, url, "book", hit.title if hit.heading else ""))
    return hits


_THEMES: Final = (("dark", "Dark theme", "moon"), ("light", "Light theme", "sun"), ("", "System theme", "gear"))
_OWN_PAGES: Final = (
    ("Settings", "settings", "gear", "Theme, dates, shortcuts"),
    ("Profile", "settings_profile", "user", "Settings"),
    ("Second factor and sessions", "settings_security", "shield", "Settings"),
    ("API tokens", "settings_tokens", "key", "Settings"),
    ("Bookmarks", "bookmarks", "star", ""),
    ("News", "news", "news", ""),
    ("Documentation", "docs", "book", ""),
    ("My activity", "activity", "pulse", ""),
    ("Keyboard shortcuts", "help", "help", "Help"),
)
_SOURCES: Final[dict[str, Callable[[_Asked], Iterable[Hit]]]] = {
    "Bookmarks": _bookmarks,
    "Flows": _flows,
    "Executions": _executions,
    "Actions": _actions,
    "Namespaces": _namespaces,
    "Apps": _apps,
    "Triggers": _triggers,
    "People": _people,
    "Pages": _pages,
    "Plugins": _plugins,
    "Documentation": _docs,
}
"""In the order of the list."""
