"""What every tab of a namespace's page shows above its content. Tabs of other apps extend the same template."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from apps.accounts.selectors import current_user
from apps.common.errors import NotFound
from apps.common.namespace_paths import is_namespace, parents
from apps.rbac.decisions import can, check_can

TABS: Final = (
    ("overview", "Overview", "namespace", "NAMESPACE", "READ"),
    ("variables", "Variables", "namespace_variables", "NAMESPACE", "READ"),
    ("defaults", "Plugin defaults", "namespace_defaults", "NAMESPACE", "READ"),
    ("kv", "KV store", "namespace_kv", "KVSTORE", "READ"),
    ("secrets", "Secrets", "namespace_secrets", "SECRET", "READ"),
    ("files", "Files", "namespace_files", "FLOW", "READ"),
    ("edit", "Edit", "namespace_edit", "NAMESPACE", "UPDATE"),
    ("isolation", "Isolation", "namespace_isolation", "NAMESPACE", "UPDATE"),
)
"""Tab, label, route, and what a person needs for it."""


def namespace_context(request: HttpRequest, namespace: str, *, tab: str, action: str = "READ") -> dict[str, Any]:
    """For templates that extend namespaces/frame.html. NotFound where the person may not read the tab, Forbidden where
    not `action`.
    """
    user = current_user(request)
    permission, needed = next((needs, least) for name, _, _, needs, least in TABS if name == tab)
    if not is_namespace(namespace) or not can(user, permission, "READ", namespace):
        raise NotFound(f"There is no namespace '{namespace[:150]}'.")
    check_can(user, permission, needed if action == "READ" else action, namespace)
    return {
        "namespace": namespace,
        "above": parents(namespace)[::-1],
        "tab": tab,
        "tabs": [
            (name, label, route) for name, label, route, needs, least in TABS if can(user, needs, least, namespace)
        ],
        "may_update": can(user, permission, "UPDATE", namespace),
        "may_create": can(user, permission, "CREATE", namespace),
        "may_delete": can(user, permission, "DELETE", namespace),
        "route": {"namespace": namespace},
    }
