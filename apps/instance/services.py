"""Set-up of the installation: tenants with their first Admin, the first super admin, worker groups, what beat sends."""

import re
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apps.accounts.models import User, UserType
from apps.accounts.selectors import find_user
from apps.accounts.services import create_user
from apps.audit.services import record
from apps.common.dispatch import EXECUTOR_QUEUE
from apps.common.errors import IllegalState, Invalid, Problem
from apps.common.ids import new_id
from apps.instance.models import WorkerGroup
from apps.instance.selectors import DEFAULT_GROUP
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.schemas import IsolationFields
from apps.isolation.services import clear_choice, save_choice
from apps.rbac.models import Binding, BindingType
from apps.rbac.selectors import get_admin_role
from apps.rbac.services.bindings import create_binding
from apps.rbac.services.roles import ensure_managed_roles
from apps.storage.internal_storage import delete_tenant_files
from apps.tenants.models import Tenant
from apps.tenants.provisioning import create_tenant_row, drop_tenant
from apps.tenants.scope import public_scope, tenant_scope


def create_tenant(*, acting_user: User | None, tenant_id: str, name: str = "", admin: User | None = None) -> Tenant:
    """The tenant with schema, managed roles and its first Admin: `admin`, else the creator, unless that is a super
    admin, who binds himself explicitly. Runs migrations (about a second).

    Raises Invalid for a bad id, IllegalState for one that is taken.
    """
    if Tenant.objects.filter(pk=tenant_id).exists():
        raise IllegalState(f"There is already a tenant '{tenant_id}'.")
    try:
        tenant = create_tenant_row(tenant_id=tenant_id, name=name or tenant_id)
    except ValidationError as error:
        raise Invalid(
            problems=[Problem(text, field) for field, texts in error.message_dict.items() for text in texts]
        ) from error
    with tenant_scope(tenant_id):
        ensure_managed_roles()
        first = admin or (acting_user if acting_user is not None and not acting_user.is_super_admin else None)
        if first is not None:
            make_admin(user=first)
    with public_scope():
        record(
            acting_user=acting_user, action="CREATE", resource="Tenant", detail={"id": tenant_id, "name": tenant.name}
        )
    return tenant


def update_tenant(*, acting_user: User, tenant: Tenant, name: str) -> Tenant:
    """The id never changes."""
    with public_scope(), transaction.atomic():
        before, tenant.name = tenant.name, name
        tenant.save(update_fields=["name"])
        record(
            acting_user=acting_user,
            action="UPDATE",
            resource="Tenant",
            detail={"id": tenant.pk},
            before={"name": before},
            after={"name": name},
        )
    return tenant


def choose_tenant_backends(*, acting_user: User, tenant: Tenant, body: IsolationFields) -> None:
    """The storage and secret backend of a tenant, as far as the body names them; errors of `save_choice`."""
    with tenant_scope(tenant.pk):
        for kind, type_name, configuration in body.given():
            if type_name is None:
                clear_choice(acting_user=acting_user, kind=kind, namespace=WHOLE_TENANT)
            else:
                save_choice(
                    acting_user=acting_user,
                    kind=kind,
                    namespace=WHOLE_TENANT,
                    type_name=type_name,
                    configuration=configuration,
                )


def delete_tenant(*, acting_user: User, tenant: Tenant) -> None:
    """With its files and everything in its schema. Raises IllegalState for the default tenant, StorageFailed with the
    tenant still there: then it can be deleted again.
    """
    if tenant.pk == settings.KESTRA_DEFAULT_TENANT:
        raise IllegalState("The default tenant cannot be deleted.")
    with tenant_scope(tenant.pk):
        delete_tenant_files()
    with public_scope():
        tenant_id = tenant.pk
        drop_tenant(tenant)
        record(acting_user=acting_user, action="DELETE", resource="Tenant", detail={"id": tenant_id})


def make_admin(*, user: User) -> None:
    """Binds the Admin role of the open tenant, unless it is bound. The product does it, so nobody must have it."""
    role = get_admin_role()
    bound = Binding.objects.filter(type=BindingType.USER, external_id=user.pk, role=role, namespace=None)
    if not bound.exists():
        create_binding(acting_user=None, subject=BindingType.USER, subject_id=user.pk, role=role)


def ensure_first_admin(*, email: str, password: str, tenant_id: str) -> tuple[User | None, bool]:
    """The first super admin, who is Admin of the tenant too; (who it is, whether it was made now).

    None when there is none and no e-mail and password are given. A super admin that exists is left as he is.
    """
    existing = User.objects.filter(type=UserType.SUPER_ADMIN, is_active=True).order_by("id").first()
    if existing is not None:
        return existing, False
    if not email or not password:
        return None, False
    if find_user(email) is not None:
        raise IllegalState(f"'{email}' is there but no super admin: choose another KESTRA_EE_ADMIN_EMAIL.")
    with transaction.atomic():
        user = create_user(acting_user=None, username=email, password=password, user_type=UserType.SUPER_ADMIN)
        with tenant_scope(tenant_id):
            make_admin(user=user)
    return user, True


def ensure_periodic_jobs() -> int:
    """Rows for beat that are missing; those that are there belong to the platform team. Returns how many were made."""
    wanted: dict[str, dict[str, Any]] = settings.KESTRA_PERIODIC_JOBS
    there = set(PeriodicTask.objects.filter(name__in=wanted).values_list("name", flat=True))
    missing = {name: job for name, job in wanted.items() if name not in there}
    for name, job in missing.items():
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=job["every_seconds"], period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.create(
            name=name,
            task=job["job"],
            interval=interval,
            queue=job.get("queue", EXECUTOR_QUEUE),
            expire_seconds=job["expires"],
        )
    return len(missing)


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
