"""What a tenant may be called, and the URL converter that tells a tenant from a resource."""

import re
from typing import Final

RESOURCE_WORDS: Final = frozenset(
    [
        "acls",
        "apps",
        "apps-catalog",
        "assets",
        "auditlogs",
        "auths",
        "banners",
        "basicauth",
        "basicAuth",
        "bindings",
        "blueprints",
        "bookmarks",
        "cluster",
        "concurrency-limit",
        "configs",
        "credentials",
        "dashboards",
        "executions",
        "expressions",
        "files",
        "flow-tests",
        "flows",
        "forgotten-password",
        "groups",
        "health",
        "instance",
        "integrations",
        "invitation",
        "invitations",
        "kill-switches",
        "kv",
        "labels",
        "license-info",
        "login",
        "logout",
        "logs",
        "me",
        "metrics",
        "misc",
        "namespaces",
        "notifications",
        "openapi",
        "outputs",
        "pebble",
        "ping",
        "plugins",
        "policies",
        "preferences",
        "reset-password",
        "roles",
        "saved-searches",
        "secrets",
        "security-integrations",
        "service-accounts",
        "setup",
        "stats",
        "taskruns",
        "templates",
        "tenant-access",
        "tenants",
        "tests",
        "triggers",
        "unit-tests",
        "usages",
        "users",
    ]
)
"""First words of API paths: never tenants."""

QUOTAS: Final = {
    "executionsPerDay": "Executions created in a day (UTC)",
    "concurrentExecutions": "Executions that have not ended",
    "flows": "Flows, without deleted ones",
}
"""What a tenant may have at most, each enforced where it is created."""
RETENTIONS: Final = {
    "executionDays": "Ended executions, with their logs, metrics and files",
    "logDays": "Lines of logs",
    "auditDays": "The audit log",
}
"""What a tenant keeps for some days only."""
ENVIRONMENT_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")

PAGE_WORDS: Final = frozenset({"admin", "login", "logout", "setup", "invite", "reset", "a", "docs", "static", "_kit"})
"""First words of page addresses: never tenants."""

RESERVED_WORDS: Final = RESOURCE_WORDS | PAGE_WORDS | {"api", "ui", "public", "oauth", "main_queue", "instance"}
ID_PATTERN: Final = r"[a-z0-9][a-z0-9_-]{0,58}"
"""As Kestra has it, and short enough for the name of a schema."""

_WHOLE: Final = re.compile(ID_PATTERN)


def is_tenant_id(text: str) -> bool:
    """Whether a tenant may be called so."""
    return _WHOLE.fullmatch(text) is not None and text not in RESERVED_WORDS


class TenantConverter:
    """<tenant:tenant> in a URL: one segment that is no resource word."""

    regex = rf"(?!(?:{'|'.join(sorted(map(re.escape, RESERVED_WORDS)))})(?:/|$)){ID_PATTERN}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
