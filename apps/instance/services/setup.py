"""The first super admin, and what beat sends."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apps.accounts.models import User, UserType
from apps.accounts.selectors import find_user
from apps.accounts.services import create_user
from apps.common.dispatch import EXECUTOR_QUEUE
from apps.common.errors import IllegalState
from apps.instance.services.tenants import make_admin
from apps.tenants.scope import tenant_scope


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
