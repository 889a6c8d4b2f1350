"""What a super admin sets for a tenant: name, environment, quotas, retention, sign-in, logo."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.common.errors import Invalid, Problem
from apps.instance.services.worker_groups import read_default_group
from apps.tenants.catalog import ENVIRONMENT_COLOR, QUOTAS, RETENTIONS
from apps.tenants.models import Tenant, TenantLogo
from apps.tenants.scope import public_scope
from apps.tenants.selectors import forget_tenant

LOGO_BYTES: Final = 256 * 1024
LONGEST_RETENTION: Final = 36_500
_FIELDS: Final = {
    "name": "name",
    "worker_group": "workerGroup",
    "environment_name": "environmentName",
    "environment_color": "environmentColor",
    "quotas": "quotas",
    "retention": "retention",
    "mfa_required": "mfaRequired",
    "require_existing_namespace": "requireExistingNamespace",
}
_MAGIC: Final = (
    ("image/png", (b"\x89PNG\r\n\x1a\n",), b""),
    ("image/jpeg", (b"\xff\xd8\xff",), b""),
    ("image/webp", (b"RIFF",), b"WEBP"),
)


def update_tenant(*, acting_user: User | None, tenant: Tenant, **given: Any) -> Tenant:
    """Sets what is given, by the names of the model's fields; the id never changes. Other processes follow within half
    a minute. Raises Invalid with every problem."""
    changes = {name: value for name, value in given.items() if name in _FIELDS}
    problems = _problems(changes)
    if problems:
        raise Invalid(problems=problems)
    if "worker_group" in changes:
        changes["worker_group"] = read_default_group(changes["worker_group"], tenant_id=tenant.pk)
    for name in ("quotas", "retention"):
        if name in changes:
            changes[name] = {key: value for key, value in changes[name].items() if value}
    differing = {name: value for name, value in changes.items() if getattr(tenant, name) != value}
    if not differing:
        return tenant
    before = {_FIELDS[name]: getattr(tenant, name) for name in differing}
    with public_scope(), transaction.atomic():
        for name, value in differing.items():
            setattr(tenant, name, value)
        tenant.save(update_fields=list(differing))
        record(
            acting_user=acting_user,
            action="UPDATE",
            resource="Tenant",
            detail={"id": tenant.pk},
            before=before,
            after={_FIELDS[name]: value for name, value in differing.items()},
        )
    forget_tenant(tenant.pk)
    return tenant


def save_logo(*, acting_user: User | None, tenant: Tenant, content: bytes) -> TenantLogo:
    """A PNG, JPEG or WebP of at most 256 KB; what it is, its first bytes tell, not its name. Raises Invalid."""
    if len(content) > LOGO_BYTES:
        raise Invalid(f"A logo has at most {LOGO_BYTES // 1024} KB; this one has {len(content) // 1024} KB.")
    media_type = image_type(content)
    if media_type is None:
        raise Invalid("A logo is a PNG, JPEG or WebP image.")
    with public_scope(), transaction.atomic():
        logo, _ = TenantLogo.objects.update_or_create(
            tenant=tenant, defaults={"media_type": media_type, "content": content}
        )
        _note_logo(acting_user, tenant, media_type)
    return logo


def delete_logo(*, acting_user: User | None, tenant: Tenant) -> None:
    """The tenant shows its first letter again."""
    with public_scope(), transaction.atomic():
        TenantLogo.objects.filter(tenant=tenant).delete()
        _note_logo(acting_user, tenant, "")


def image_type(content: bytes) -> str | None:
    """What the first bytes say it is; None for what is no such image."""
    for media_type, beginnings, at_eight in _MAGIC:
        if content.startswith(beginnings) and content[8:12].startswith(at_eight) and len(content) > 16:
            return media_type
    return None


def _note_logo(acting_user: User | None, tenant: Tenant, media_type: str) -> None:
    tenant.logo = media_type
    tenant.save(update_fields=["logo"])
    record(
        acting_user=acting_user,
        action="UPDATE",
        resource="Tenant",
        detail={"id": tenant.pk, "logo": media_type or "none"},
    )
    forget_tenant(tenant.pk)


def _problems(changes: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if "name" in changes and not (isinstance(changes["name"], str) and 1 <= len(changes["name"].strip()) <= 150):
        problems.append(Problem("must have 1 to 150 characters", "name"))
    if len(changes.get("environment_name") or "") > 40:
        problems.append(Problem("must have at most 40 characters", "environmentName"))
    color = changes.get("environment_color") or ""
    if color and not ENVIRONMENT_COLOR.fullmatch(color):
        problems.append(Problem("must look like #d33838", "environmentColor"))
    problems += _numbers(changes.get("quotas", {}), "quotas", QUOTAS, 10**9)
    problems += _numbers(changes.get("retention", {}), "retention", RETENTIONS, LONGEST_RETENTION)
    return problems


def _numbers(given: Any, path: str, known: Mapping[str, str], most: int) -> list[Problem]:
    if not isinstance(given, Mapping):
        return [Problem(f"must be an object with some of {', '.join(known)}", path)]
    return [
        Problem(f"There is no such limit; there are {', '.join(known)}.", f"{path}.{name}")
        if name not in known
        else Problem(f"must be a whole number from 1 to {most}, or left out", f"{path}.{name}")
        for name, value in given.items()
        if name not in known
        or not (value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most))
    ]
