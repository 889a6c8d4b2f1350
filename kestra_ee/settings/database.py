"""The database, its connections."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from kestra_ee.environment import env
from kestra_ee.settings.base import PROCESS


def database_from_url(url: str) -> dict[str, Any]:
    """A postgresql:// address as Django's settings; query parameters (sslmode, …) go to the driver.

    Raises ImproperlyConfigured when it is not one.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or len(parts.path) < 2:
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:port/database.")
    return {
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


DATABASE = database_from_url(env("DATABASE_URL", "postgresql://kestra@localhost:5432/kestra"))
DATABASE |= {
    "ENGINE": "django_tenants.postgresql_backend",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,
}
DATABASE["OPTIONS"] |= {
    "application_name": f"kestra-ee {PROCESS or 'command'}",
    "options": " ".join(
        f"-c {setting}"
        for setting in (
            "random_page_cost=1.1",
            "jit=off",
            "work_mem=16MB",
            "idle_in_transaction_session_timeout=30s",
            "timezone=UTC",
        )
    ),
}
if PROCESS == "web":
    # Under ASGI each request has a thread of its own, so only a pool keeps connections; never in a process that forks.
    DATABASE["CONN_MAX_AGE"] = 0
    DATABASE["OPTIONS"]["pool"] = {"min_size": 2, "max_size": int(env("KESTRA_EE_DB_POOL", "20")), "timeout": 10}
DATABASES = {"default": DATABASE}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
