"""The very first start of an installation without an administrator: who may set it up, and doing it, once."""

import base64
import time
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.accounts.models import User, UserType
from apps.accounts.services.passwords import check_password
from apps.accounts.services.people import check_username, create_user
from apps.accounts.services.sign_in import check_not_locked, count_failure, forget_failures
from apps.audit.services import record
from apps.common.errors import Forbidden, IllegalState, Invalid, Problem
from apps.instance.services.tenants import create_tenant, make_admin
from apps.tenants.catalog import is_tenant_id
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope, tenant_scope

log = structlog.get_logger(__name__)
GUARD: Final = "set-up code"
"""The name under which wrong codes are counted."""
SAY_SECONDS: Final = 60
LOCK: Final = 4_816_232
"""Any number that no other advisory lock of the product has."""
_said = 0.0


@dataclass(frozen=True)
class Configuration:
    """What the first step shows to be confirmed."""

    default_tenant: str
    queue: str
    storage: str
    secrets: str
    address: str


def is_setup_open() -> bool:
    """Until there has been a super admin; the last one cannot be taken away, so it never opens again. One query."""
    return not User.objects.filter(type=UserType.SUPER_ADMIN).exists()


def configuration() -> Configuration:
    return Configuration(
        default_tenant=settings.KESTRA_DEFAULT_TENANT,
        queue=settings.CELERY_BROKER_URL.partition(":")[0],
        storage=settings.KESTRA_STORAGE_TYPE,
        secrets=settings.KESTRA_SECRET_TYPE,
        address=settings.KESTRA_URL,
    )


def setup_code() -> str:
    """Twelve letters and digits, the same in every process: whoever reads the server's log may set it up."""
    digest = salted_hmac("apps.instance.first_start", settings.SECRET_KEY, algorithm="sha256").digest()
    text = base64.b32encode(digest)[:12].decode()
    return "-".join(text[start : start + 4] for start in (0, 4, 8))


def say_code() -> None:
    """To the server's log, when somebody opens the page; at most once a minute."""
    global _said
    if time.monotonic() - _said > SAY_SECONDS or not _said:
        _said = time.monotonic()
        log.warning("no administrator yet", setup_code=setup_code(), page=f"{settings.KESTRA_URL}/ui/setup")


def check_setup_code(code: str) -> None:
    """Raises Forbidden for a wrong one, TooManyRequests after several."""
    check_not_locked(GUARD)
    given = code.strip().upper().replace(" ", "")
    if not constant_time_compare(given, setup_code()):
        count_failure(GUARD)
        raise Forbidden("This is not the code that the server's log shows.")
    forget_failures(GUARD)


def check_first_tenant(tenant_id: str) -> None:
    """Empty stays with the default tenant. Raises Invalid, IllegalState."""
    if tenant_id and not is_tenant_id(tenant_id):
        text = (
            "Use lower-case letters, digits, - and _, beginning with a letter or digit; words of the product are taken."
        )
        raise Invalid(problems=[Problem(text, "tenant")])
    if tenant_id and tenant_id != settings.KESTRA_DEFAULT_TENANT and Tenant.objects.filter(pk=tenant_id).exists():
        raise IllegalState(f"There is already a tenant '{tenant_id}'.")


def set_up(
    *, code: str, username: str, password: str, first_name: str = "", last_name: str = "", tenant_id: str = ""
) -> User:
    """The first super admin, Admin of the default tenant and of the first one; then the set-up is closed for ever.

    Making a tenant runs its migrations (about a second). Raises Forbidden, TooManyRequests, Invalid, IllegalState when
    it is closed or the tenant is there.
    """
    check_setup_code(code)
    check_username(username.strip(), UserType.STANDARD)
    check_password(password)
    check_first_tenant(tenant_id)
    with public_scope(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])  # two browsers: one of them
        if not is_setup_open():
            raise IllegalState("The set-up is done: sign in.")
        user = create_user(
            acting_user=None,
            username=username,
            password=password,
            first_name=first_name,
            last_name=last_name,
            user_type=UserType.SUPER_ADMIN,
        )
        record(acting_user=user, action="CREATE", resource="Setup", detail={"id": user.id, "tenant": tenant_id})
        if Tenant.objects.filter(pk=settings.KESTRA_DEFAULT_TENANT).exists():
            with tenant_scope(settings.KESTRA_DEFAULT_TENANT):
                make_admin(user=user)
    if tenant_id and tenant_id != settings.KESTRA_DEFAULT_TENANT:
        create_tenant(acting_user=None, tenant_id=tenant_id, admin=user)
    return user
