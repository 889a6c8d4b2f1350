"""Writes audit entries, in the transaction of what they tell."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol

from apps.audit.models import AuditEntry, AuditType
from apps.common.json_values import to_json_value

HIDDEN: Final = "********"
SECRET_WORDS: Final = ("password", "secret", "token", "key", "credential")


class Actor(Protocol):
    """Who acts: a user, named by id and name only."""

    id: Any
    username: Any


@dataclass(frozen=True)
class Caller:
    """What is known of the request that acts."""

    ip_address: str | None = None
    impersonated_by: str | None = None
    means: str = "system"
    """How it proved who it is: session, basic, token; system where there was no request."""


NOBODY: Final = Caller()
current_caller: ContextVar[Caller] = ContextVar("current_caller", default=NOBODY)
"""Set by the middleware of rbac; empty in jobs and commands."""


def record(
    *,
    acting_user: Actor | None,
    action: str,
    resource: str,
    detail: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    permission: str = "",
) -> AuditEntry:
    """One insert, in the open tenant's table, or public's when none is open. `acting_user` None is the product itself.

    `detail` names the thing (id, namespace, flowId, …) and is what filters look at. Of `before` and `after`, values
    whose name sounds secret are hidden; the caller leaves out what must not be seen under other names.
    """
    caller = current_caller.get()
    return AuditEntry.objects.create(
        type=AuditType(action),
        resource=resource,
        permission=permission or resource.upper(),
        namespace=str(detail.get("namespace") or ""),
        user_id=None if acting_user is None else acting_user.id,
        user_name="" if acting_user is None else acting_user.username,
        ip_address=caller.ip_address,
        impersonated_by=caller.impersonated_by,
        means=caller.means,
        detail=to_json_value(detail),
        before=None if before is None else hide_secrets(to_json_value(before)),
        after=None if after is None else hide_secrets(to_json_value(after)),
    )


def hide_secrets(value: Any) -> Any:
    """The same value with ******** for texts and numbers under names that sound secret, at every depth."""
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if _sounds_secret(name) and not isinstance(item, Mapping | list | bool) else hide_secrets(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [hide_secrets(item) for item in value]
    return value


def _sounds_secret(name: str) -> bool:
    lowered = name.lower()
    return any(lowered.endswith(word) or lowered.startswith(word) for word in SECRET_WORDS)
