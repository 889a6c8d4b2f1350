"""What a person may do in the open tenant: the one place that answers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from apps.accounts.models import User
from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden
from apps.common.ids import to_uuid
from apps.common.namespace_paths import is_within_any, outermost
from apps.rbac.catalog import NAMESPACED, SUPER_ADMIN_PERMISSIONS

EVERYWHERE: Final = ""
"""In place of a namespace: the whole tenant."""

_CACHE: Final = "_rbac_grants"
_HELD: Final = """
SELECT b.namespace, r.permissions::text FROM rbac_binding b JOIN rbac_role r ON r.id = b.role_id
WHERE (b.type = 'USER' AND b.external_id = %(user)s)
  OR (b.type = 'GROUP' AND b.external_id IN (SELECT group_id FROM rbac_groupmember WHERE user_id = %(user)s))
ORDER BY b.id
"""
_BOUND: Final = """
SELECT 1 FROM rbac_groupmember WHERE user_id = %(user)s UNION ALL
SELECT 1 FROM rbac_tenantaccess WHERE user_id = %(user)s LIMIT 1
"""


@dataclass(frozen=True)
class Grants:
    """(permission, action) → the namespaces it holds in, EVERYWHERE for the whole tenant."""

    namespaces: dict[tuple[str, str], frozenset[str]]
    bound: bool

    def allow(self, permission: str, action: str, namespace: str | None) -> bool:
        """With namespace None: in any namespace."""
        held = self.namespaces.get((permission, action), frozenset())
        if EVERYWHERE in held:
            return True
        if permission not in NAMESPACED:
            return False  # a permission on the tenant's own things cannot be had for a namespace only
        return bool(held) if namespace is None else is_within_any(namespace, held)


def can(user: Any, permission: str, action: str, namespace: str | None = None) -> bool:
    """Whether the person may, there; with namespace None, whether he may in any namespace.

    One query for the first question about a person in a request, none for the next.
    """
    if not getattr(user, "is_authenticated", False):
        return False
    if user.is_super_admin and permission in SUPER_ADMIN_PERMISSIONS:
        return True
    return grants_of(user).allow(permission, action, namespace)


def check_can(user: Any, permission: str, action: str, namespace: str | None = None) -> None:
    """Raises Forbidden."""
    if not can(user, permission, action, namespace):
        where = f" in {namespace}" if namespace else ""
        raise Forbidden(f"You need {permission} {action}{where}; ask an administrator of this tenant.")


def can_everywhere(user: Any, permission: str, action: str) -> bool:
    """Whether the person may in the whole tenant."""
    return visible_namespaces(user, permission, action) is None


def visible_namespaces(user: Any, permission: str, action: str = "READ") -> list[str] | None:
    """The outermost namespaces in which the person may; None when in all; empty when in none. For narrowing lists."""
    if not getattr(user, "is_authenticated", False):
        return []
    if user.is_super_admin and permission in SUPER_ADMIN_PERMISSIONS:
        return None
    held = grants_of(user).namespaces.get((permission, action), frozenset())
    return None if EVERYWHERE in held else outermost(held)


def can_delegated(user: Any, permission: str, action: str, namespace: str | None = None) -> bool:
    """Whether the person holds it there or above, also one on the tenant's own things that was bound to a namespace:
    an Admin of company.team gives roles in company.team. With namespace None: in any."""
    held = visible_namespaces(user, permission, action)
    if held is None:
        return True
    return bool(held) if namespace is None else is_within_any(namespace, held)


def check_delegated(user: Any, permission: str, action: str, namespace: str | None = None) -> None:
    """The same for `namespace`, EVERYWHERE for the whole tenant. Raises Forbidden."""
    if not can_delegated(user, permission, action, namespace):
        where = "" if namespace is None else f" in {namespace or 'the whole tenant'}"
        raise Forbidden(f"You need {permission} {action}{where}; ask an administrator of this tenant.")


def holds_all_of(user: Any, other: Any) -> bool:
    """Whether whatever the other may in the open tenant, this person may too, there or above."""
    return user.is_super_admin or all(
        can_delegated(user, permission, action, namespace)
        for (permission, action), places in grants_of(other).namespaces.items()
        for namespace in places
    )


def visible_within(namespaces: Iterable[str] | None, *, field: str = "namespace") -> Q:
    """The answer of `visible_namespaces` as a condition on a row's namespace."""
    if namespaces is None:
        return Q()
    condition = Q(pk__in=[])
    for namespace in namespaces:
        condition |= Q(**{field: namespace}) | Q(**{f"{field}__startswith": namespace + "."})
    return condition


def has_access(user: Any) -> bool:
    """Whether the person has anything to do with the open tenant: bound, in a group, or added to it."""
    return bool(getattr(user, "is_authenticated", False)) and grants_of(user).bound


def permission_map(user: Any, namespace: str | None = None) -> dict[str, list[str]]:
    """Permission → actions, for hiding what a person may not do; with a namespace, what holds there."""
    found: dict[str, list[str]] = {}
    keys = set(grants_of(user).namespaces)
    if user.is_super_admin:
        keys |= {(str(p), action) for p in SUPER_ADMIN_PERMISSIONS for action in ("CREATE", "READ", "UPDATE", "DELETE")}
    for permission, action in sorted(keys):
        if can(user, permission, action, namespace):
            found.setdefault(permission, []).append(action)
    return found


def grants_of(user: User) -> Grants:
    """All that is bound to the person and his groups in the open tenant, kept on the object for the request."""
    tenant_id = require_tenant("Access")
    kept: dict[str, Grants] = user.__dict__.setdefault(_CACHE, {})
    if tenant_id not in kept:
        kept[tenant_id] = _read_grants(user)
    return kept[tenant_id]


def forget_grants(user: User) -> None:
    """After a change to what is bound to him."""
    user.__dict__.pop(_CACHE, None)


def _read_grants(user: User) -> Grants:
    if not user.is_active:
        return Grants({}, bound=False)
    person = to_uuid(user.pk)
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"user": person})
        held = tuple(cursor.fetchall())
        if held:
            return _grants_from(held)
        cursor.execute(_BOUND, {"user": person})
        return Grants({}, bound=cursor.fetchone() is not None)


@lru_cache(maxsize=4096)
def _grants_from(held: tuple[tuple[str | None, str], ...]) -> Grants:
    """Of (namespace, permissions as JSON text). Kept by what was read, so a changed right is a changed key."""
    namespaces: dict[tuple[str, str], set[str]] = {}
    for namespace, permissions in held:
        for permission, actions in json.loads(permissions).items():
            for action in actions:
                namespaces.setdefault((permission, action), set()).add(namespace or EVERYWHERE)
    return Grants({key: frozenset(places) for key, places in namespaces.items()}, bound=True)
