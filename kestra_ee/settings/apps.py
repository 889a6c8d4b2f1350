"""Apps, and where their tables are (layout.md, Schemas)."""

from kestra_ee.settings.base import BASE_DIR

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_NAME = "public"
TENANT_LIMIT_SET_CALLS = True
SHOW_PUBLIC_IF_NO_TENANT_FOUND = True


def present(*names: str) -> list[str]:
    """Of our apps those whose folder is in this checkout."""
    return [f"apps.{name}" for name in names if (BASE_DIR / "apps" / name / "__init__.py").exists()]


BOTH_APPS = present("encryption", "audit", "announcements")
SHARED_APPS = [
    *present("instance"),  # its create_tenant and delete_tenant go before those of django_tenants
    "django_tenants",
    "allauth",  # before accounts, whose admin takes the place of theirs
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    *present("accounts", "tenants", "live", "timers", "mail", "invitations"),
    *BOTH_APPS,
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it takes the place of
    "apps.common.admin_config.ProductAdminConfig",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    *present("common", "console"),
]
TENANT_APPS = [
    *BOTH_APPS,
    *present(
        "isolation",
        "storage",
        "rbac",
        "bookmarks",
        "namespaces",
        "secrets",
        "workflows",
        "transfers",
        "dashboards",
        "userapps",
    ),
]
INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in SHARED_APPS)]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
