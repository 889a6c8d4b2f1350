"""What the console knows without asking: preferences and their values, the shortcuts, and which page of the
documentation belongs to which page class."""

from dataclasses import dataclass
from typing import Final

PANELS: Final = ("news", "docs", "help", "activity")
"""What the sidebar shows, in the order of its icons."""
PANEL_WIDTHS: Final = (300, 640)
"""Least and most pixels of the sidebar's panel."""

_DOCS: Final[dict[str, str]] = {
    "home": "use/console",
    "tenants": "use/console",
    "search": "use/console#search",
    "settings": "use/account",
    "news": "use/announcements",
    "docs": "use/console",
    "doc": "use/console",
    "plugins": "use/flows",
    "plugin": "use/flows",
    "help": "use/console#keyboard",
    "activity": "use/console",
    "shortcuts": "use/console#keyboard",
    "flows": "use/flows",
    "flow": "use/flows",
    "flow_new": "use/write-flows",
    "flow_edit": "use/write-flows",
    "flow_triggers": "use/triggers",
    "trigger": "use/triggers",
    "triggers": "use/triggers",
    "executions": "use/executions",
    "execution": "use/executions",
    "logs": "use/executions#logs",
    "dashboards": "use/console",
    "dashboard": "use/console",
    "namespaces": "use/namespaces",
    "namespace": "use/namespaces",
    "namespace_isolation": "operate/isolation",
    "tenant_isolation": "operate/isolation",
    "tenant": "operate/tenants",
    "cluster": "operate/worker-groups",
    "stats": "use/console",
    "apps": "use/console",
    "app": "use/console",
    "bookmarks": "use/bookmarks",
    "saved_searches": "use/bookmarks",
    "announcements": "use/announcements",
    "announcement": "use/announcements",
    "banners": "use/announcements",
    "invitations": "use/invitations",
    "invitation": "use/invitations",
    "iam": "operate/sign-in",
    "audit": "operate/audit",
    "blueprints": "use/flows",
    "blueprint": "use/flows",
    "secrets": "use/namespaces#secrets",
    "templates": "use/templates",
}


def doc_for(route: str) -> str:
    """The page of the documentation for a route's page class, with the heading after #; empty when there is none.

    A class is a route's name or its first words: `flow_edit` belongs to `flow` unless it has a line of its own.
    """
    words = route.split("_")
    for count in range(len(words), 0, -1):
        if found := _DOCS.get("_".join(words[:count])):
            return found
    return ""


@dataclass(frozen=True)
class Shortcut:
    """Keys as a person presses them, one after another, and what they do."""

    keys: tuple[str, ...]
    does: str


SHORTCUTS: Final[tuple[tuple[str, tuple[Shortcut, ...]], ...]] = (
    (
        "Everywhere",
        (
            Shortcut(("Ctrl", "K"), "Search everything"),
            Shortcut(("Ctrl", "Shift", "K"), "Switch tenant"),
            Shortcut(("Ctrl", "."), "Open or close the sidebar"),
            Shortcut(("Esc",), "Close what is on top"),
            Shortcut(("?",), "Show this list"),
            Shortcut(("\\",), "Fold the menu to icons"),
            Shortcut(("b",), "Bookmark this view"),
        ),
    ),
    (
        "Go to",
        (
            Shortcut(("g", "d"), "Home"),
            Shortcut(("g", "f"), "Flows"),
            Shortcut(("g", "e"), "Executions"),
            Shortcut(("g", "l"), "Logs"),
            Shortcut(("g", "n"), "Namespaces"),
            Shortcut(("g", "a"), "Apps"),
            Shortcut(("g", "t"), "Triggers"),
            Shortcut(("g", "p"), "Plugins"),
            Shortcut(("g", "s"), "Settings"),
        ),
    ),
    (
        "On a page",
        (
            Shortcut(("/",), "To the filter"),
            Shortcut(("c",), "Create"),
            Shortcut(("e",), "Edit"),
            Shortcut(("r",), "Refresh"),
            Shortcut(("1", "…", "9"), "To a tab"),
            Shortcut((".",), "Open the first menu of actions"),
            Shortcut(("j", "k"), "Next and previous row"),
            Shortcut(("x",), "Select the row"),
            Shortcut(("Enter",), "Open the row"),
        ),
    ),
)
