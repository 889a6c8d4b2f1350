"""Writes of worker groups."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.common.errors import IllegalState, Invalid, Problem
from apps.common.ids import new_id
from apps.instance.models import WorkerGroup
from apps.instance.selectors import DEFAULT_GROUP, may_use_group
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope

GROUP_FALLBACKS: Final = ("WAIT", "FAIL", "CANCEL")
_GROUP_KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}")


def create_worker_group(
    *, acting_user: User, key: str, description: str = "", allowed_tenants: Sequence[str] = ()
) -> WorkerGroup:
    """A group that flows may name. Invalid for a bad key or an unknown tenant, IllegalState for a key that is taken."""
    _check_worker_group(key, allowed_tenants)
    group = WorkerGroup(id=new_id(), key=key, description=description, allowed_tenants=list(allowed_tenants))
    with public_scope():
        try:
            with transaction.atomic():
                group.save(force_insert=True)
                _record_group(acting_user, "CREATE", group, None)
        except IntegrityError as error:
            raise IllegalState(f"There is already a worker group '{key}'.") from error
    return group


def update_worker_group(
    *, acting_user: User, group: WorkerGroup, key: str, description: str, allowed_tenants: Sequence[str]
) -> WorkerGroup:
    """Change description and tenants; errors as on creation. The key never changes: workers and flows name it."""
    if key != group.key:
        raise Invalid(
            problems=[Problem(f"The key of a worker group never changes: make '{key[:63]}' a new one.", "key")]
        )
    _check_worker_group(key, allowed_tenants)
    before = _group_values(group)
    group.description, group.allowed_tenants = description, list(allowed_tenants)
    with public_scope(), transaction.atomic():
        group.save(update_fields=["description", "allowed_tenants"])
        _record_group(acting_user, "UPDATE", group, before)
    return group


def delete_worker_group(*, acting_user: User, group: WorkerGroup) -> None:
    """Flows that name it are not changed: their tasks fall back as they say."""
    with public_scope(), transaction.atomic():
        _record_group(acting_user, "DELETE", group, _group_values(group))
        group.delete()


def read_default_group(given: Mapping[str, Any] | None, *, tenant_id: str) -> dict[str, Any] | None:
    """A worker group as a tenant or namespace gives it to what names none: ``key``, ``fallback``. None: it gives none.

    Invalid when it is not that, or the tenant may not use the group. As in flows, every key is taken as long as no
    group was announced, and a key with an expression is looked at when it runs.
    """
    if not given:
        return None
    key, fallback = given.get("key"), given.get("fallback") or "WAIT"
    problems = [
        Problem(f"there is only `key` and `fallback`, no `{name[:60]}`", "workerGroup")
        for name in given.keys() - {"key", "fallback"}
    ]
    if fallback not in GROUP_FALLBACKS:
        problems.append(Problem(f"must be one of {', '.join(GROUP_FALLBACKS)}", "workerGroup.fallback"))
    if not isinstance(key, str) or not ("{{" in key or _GROUP_KEY.fullmatch(key)):
        problems.append(Problem("must be the key of a worker group", "workerGroup.key"))
    elif "{{" not in key and key != DEFAULT_GROUP and not may_use_group(key, tenant_id):
        problems.append(Problem(f"there is no worker group `{key}` that this tenant may use", "workerGroup.key"))
    if problems:
        raise Invalid(problems=problems)
    return {"key": key, "fallback": fallback}


def _check_worker_group(key: str, allowed_tenants: Sequence[str]) -> None:
    problems = []
    if not _GROUP_KEY.fullmatch(key):
        problems.append(Problem("must be 1 to 63 letters, digits, `-` and `_`, the first a letter or digit", "key"))
    elif key == DEFAULT_GROUP:
        problems.append(Problem(f"'{DEFAULT_GROUP}' is the group of workers and tasks that name none", "key"))
    known = set(Tenant.objects.filter(pk__in=allowed_tenants).values_list("pk", flat=True))
    problems += [
        Problem(f"There is no tenant '{name[:64]}'.", "allowedTenants") for name in allowed_tenants if name not in known
    ]
    if problems:
        raise Invalid(problems=problems)


def _group_values(group: WorkerGroup) -> dict[str, Any]:
    return {"key": group.key, "description": group.description, "allowedTenants": group.allowed_tenants}


def _record_group(acting_user: User, action: str, group: WorkerGroup, before: dict[str, Any] | None) -> None:
    record(
        acting_user=acting_user,
        action=action,
        resource="WorkerGroup",
        detail={"id": group.pk, "key": group.key},
        before=before,
        after=None if action == "DELETE" else _group_values(group),
    )
