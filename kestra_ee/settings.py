"""All settings, read from the environment, by subject."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import isodate
from django.core.exceptions import ImproperlyConfigured
from django_stubs_ext import monkeypatch

from apps.common import structured_logs
from apps.common.admin_theme import ADMIN_THEME
from kestra_ee.environment import env, env_flag, env_json, env_list, env_plugin_defaults
from kestra_ee.launcher.broker import transport_options

monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


def env_duration(name: str, default: str) -> float:
    """An ISO duration such as P7D or PT12H, in seconds. Raises ImproperlyConfigured."""
    try:
        found = isodate.parse_duration(env(name, default), as_timedelta_if_possible=True)
    except isodate.ISO8601Error:
        found = None
    if not isinstance(found, timedelta) or found <= timedelta(0):
        raise ImproperlyConfigured(f"{name} must be an ISO duration such as {default}, in days or less.")
    return found.total_seconds()


# Installation

HOME = Path(env("KESTRA_EE_HOME", str(BASE_DIR / ".kestra-ee")))
PROCESS = env("KESTRA_EE_PROCESS")
"""Which process this is: web, worker, executor or beat; empty for a command."""
DEBUG = env_flag("KESTRA_EE_DEBUG")
KESTRA_UNMARKED_ROUTE_IS_ERROR = env_flag("KESTRA_EE_UNMARKED_ROUTE_IS_ERROR")
KESTRA_URL = env("KESTRA_EE_URL", f"http://localhost:{env('PORT', '8080')}").rstrip("/")
KESTRA_DEFAULT_TENANT = env("KESTRA_EE_DEFAULT_TENANT", "main")
KESTRA_MASTER_KEY = env("KESTRA_EE_MASTER_KEY")
KESTRA_SETUP = env("KESTRA_EE_SETUP")
KESTRA_ADMIN_EMAIL = env("KESTRA_EE_ADMIN_EMAIL")
KESTRA_ADMIN_PASSWORD = env("KESTRA_EE_ADMIN_PASSWORD")
KESTRA_USERNAME_LABEL = env_flag("KESTRA_EE_USERNAME_LABEL")
KESTRA_AUDIT_RETENTION_DAYS = int(env("KESTRA_EE_AUDIT_RETENTION_DAYS", "0"))
"""How long the installation's own audit log is kept; 0 for ever. Tenants have their own choice."""
KESTRA_TEMPLATES = env_flag("KESTRA_EE_TEMPLATES")
"""Whether flows may take tasks from stored templates, as old flows do."""
KESTRA_PLUGIN_DEFAULTS = env_plugin_defaults("KESTRA_EE_PLUGIN_DEFAULTS")
"""For the flows of all tenants; weaker than what a namespace or a flow says, unless forced."""
KESTRA_SLICE = int(env("KESTRA_EE_SLICE", "200"))
"""Most rows one step of an execution creates or revisits."""
KESTRA_DISPATCHER = "kestra_ee.celery.CeleryDispatcher"
SECRET_KEY = env("KESTRA_EE_SECRET_KEY")
if not SECRET_KEY:
    if PROCESS and not DEBUG:
        raise ImproperlyConfigured(
            "KESTRA_EE_SECRET_KEY is not set: give every process the same random text of at least 50 characters."
        )
    SECRET_KEY = secrets.token_urlsafe(50)  # a command signs nothing that outlives it

SECRET_KEY_FALLBACKS = env_list("KESTRA_EE_SECRET_KEY_FALLBACKS")

# Apps: where their tables are (layout.md, Schemas)

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

# Database


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

# Internal storage: the instance's own backend, named by its entry point (kestra.storages)

KESTRA_STORAGE_TYPE = env("KESTRA_EE_STORAGE_TYPE", "local")
KESTRA_STORAGE_CONFIGURATION: dict[str, Any] = env_json("KESTRA_EE_STORAGE_CONFIGURATION")
"""The backend's own settings as JSON, with its names: {"basePath": "/data"}."""
if KESTRA_STORAGE_TYPE == "local":
    KESTRA_STORAGE_CONFIGURATION.setdefault("basePath", str(HOME / "storage"))

# Secrets: the instance's own backend, named by its entry point (kestra.secrets)

KESTRA_SECRET_TYPE = env("KESTRA_EE_SECRET_TYPE", "jdbc")
KESTRA_SECRET_CONFIGURATION: dict[str, Any] = env_json("KESTRA_EE_SECRET_CONFIGURATION")
KESTRA_SECRET_CACHE = {
    "seconds": float(env("KESTRA_EE_SECRET_CACHE_SECONDS", "60")),
    "most": int(env("KESTRA_EE_SECRET_CACHE_SIZE", "1000")),
}

# Isolation: kinds of processes (web, executor, …) that must not touch a namespace's or tenant's dedicated backend

KESTRA_ISOLATION_DENIED = {
    "storage": env_list("KESTRA_EE_STORAGE_ISOLATION_DENIED"),
    "secret": env_list("KESTRA_EE_SECRET_ISOLATION_DENIED"),
}

# Apps: what visitors who are not signed in may do

KESTRA_APP_LIMITS = {
    "per_client": int(env("KESTRA_EE_APP_SUBMITS_PER_CLIENT", "30")),
    "per_app": int(env("KESTRA_EE_APP_SUBMITS_PER_APP", "1000")),
    "upload_bytes": int(env("KESTRA_EE_APP_UPLOAD_BYTES", str(100 * 1024 * 1024))),
}
"""Forms sent in a minute from one address and through one App, and bytes of files in one form."""

# Background work

CELERY_BROKER_URL = env("CELERY_BROKER_URL", "memory://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    transport_options(CELERY_BROKER_URL) if CELERY_BROKER_URL.startswith("pgmq://") else {}
)
CELERY_TASK_DEFAULT_QUEUE = "executor"
CELERY_TASK_ACKS_LATE = False  # rows and timers own recovery: a message is only a nudge
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # nothing waits behind a long task
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False  # a caller may hold a request: the timers send again
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_DB_REUSE_MAX = 10_000  # together with the health check in kestra_ee/celery.py
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_RESULT_EXPIRES = None
KESTRA_PERIODIC_JOBS = {
    # The first start makes these rows for beat; afterwards they belong to the platform team (admin, Periodic tasks).
    # One that waited longer than `expires` is dropped, so that a stopped executor finds no heap of ticks.
    "tick": {"job": "workflows.tick", "every_seconds": 1, "expires": 2},
    "accounts clean-up": {"job": "accounts.clean_up", "every_seconds": 24 * 3600, "expires": 3600},
    "mail": {"job": "mail.carry", "every_seconds": 5, "expires": 5},
    "invitations clean-up": {"job": "invitations.clean_up", "every_seconds": 24 * 3600, "expires": 3600},
    "mail clean-up": {"job": "mail.clean_up", "every_seconds": 24 * 3600, "expires": 3600},
    "audit seals": {"job": "instance.seal_audit", "every_seconds": 60, "expires": 50},
    "audit retention": {"job": "instance.purge_audit", "every_seconds": 3600, "expires": 600},
    "retention": {
        "job": "workflows.purge_by_retention",
        "every_seconds": 3600,
        "expires": 600,
        "queue": "worker.default",
    },
    "tenants to delete": {"job": "instance.delete_tenants", "every_seconds": 30, "expires": 25},
    "transfers": {"job": "transfers.carry", "every_seconds": 10, "expires": 10, "queue": "worker.default"},
    "key-value clean-up": {"job": "namespaces.clean_up_kv", "every_seconds": 3600, "expires": 600},
}
DJANGO_CELERY_BEAT_TZ_AWARE = True

# Web

ROOT_URLCONF = "kestra_ee.urls"
ASGI_APPLICATION = "kestra_ee.asgi.application"
WSGI_APPLICATION = "kestra_ee.wsgi.application"
APPEND_SLASH = False
ALLOWED_HOSTS = env_list("KESTRA_EE_ALLOWED_HOSTS", f"localhost,127.0.0.1,[::1],{urlsplit(KESTRA_URL).hostname}")
CSRF_TRUSTED_ORIGINS = env_list("KESTRA_EE_TRUSTED_ORIGINS", KESTRA_URL)
DATA_UPLOAD_MAX_MEMORY_SIZE = int(env("KESTRA_EE_MAX_BODY_BYTES", str(20 * 1024 * 1024)))
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.common.content_security.ContentSecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.tenants.middleware.TenantMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.authentication.CredentialsMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # the library below second factors and single sign-on asks for it
    "apps.rbac.middleware.AccessMiddleware",
    "apps.console.middleware.ReaderMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",  # after access: no credentials is 401, not a missing token
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.common.error_pages.ErrorPagesMiddleware",
]
CSRF_FAILURE_VIEW = "apps.common.error_pages.forbidden"
TEMPLATES = [
    {
        "NAME": "jinja2",
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "environment": "apps.common.templating.environment",
            "context_processors": ["apps.console.views.shell.shell"],
        },
    },
    {
        "NAME": "django",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env("KESTRA_EE_STATIC_ROOT") or None
"""Where collectstatic puts files for another web server; without it they are served from where they are."""
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
REST_FRAMEWORK = {  # parsers, renderer and error shape are set by apps.common.api.Endpoint
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "apps.common.openapi.ShapeSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kestra EE on Django",
    "VERSION": "0.20.0",
    "PREPROCESSING_HOOKS": ["apps.common.openapi.once_with_tenant"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "DISABLE_ERRORS_AND_WARNINGS": True,  # several paths of one function get a number each, which is no mistake
}

# Admin console

UNFOLD = ADMIN_THEME

# Security

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.authentication.PasswordBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
KESTRA_PASSWORD_PATTERN = env("KESTRA_EE_PASSWORD_PATTERN", r"^(?=.*[A-Z])(?=.*\d).{8,256}$")
KESTRA_PASSWORD_HINT = env(
    "KESTRA_EE_PASSWORD_HINT",
    "The password is too weak: at least 8 characters, with an upper-case letter and a digit.",
)
"""What people read when a password does not match the pattern."""
KESTRA_RESET_SECONDS = int(env("KESTRA_EE_RESET_SECONDS", "3600"))
KESTRA_RESET_COOLDOWN_SECONDS = int(env("KESTRA_EE_RESET_COOLDOWN_SECONDS", "300"))
KESTRA_SIGN_IN_THRESHOLD = int(env("KESTRA_EE_SIGN_IN_THRESHOLD", "10"))
KESTRA_SIGN_IN_WINDOW_SECONDS = int(env("KESTRA_EE_SIGN_IN_WINDOW_SECONDS", "300"))
KESTRA_SIGN_IN_LOCK_SECONDS = int(env("KESTRA_EE_SIGN_IN_LOCK_SECONDS", "1800"))
KESTRA_INVITATION_SECONDS = env_duration("KESTRA_EE_INVITATION_EXPIRE_AFTER", "P7D")
"""How long an invitation's link is good: an ISO duration."""
LOGIN_URL = "/ui/login"
KESTRA_SECOND_FACTOR = env("KESTRA_EE_SECOND_FACTOR")
"""Of whom a second factor is required: everyone, super-admins; empty leaves it to tenants and people."""
KESTRA_IDENTITY_PROVIDERS = env_json("KESTRA_EE_IDENTITY_PROVIDERS")
"""OpenID Connect providers by name, beside those of the admin: {"fjord": {"issuer": …, "clientId": …}}."""
MFA_ADAPTER = "apps.accounts.sign_in.second_factor.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False
SOCIALACCOUNT_ADAPTER = "apps.accounts.sign_in.oidc.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_EMAIL_VERIFICATION = "none"
HTTPS = KESTRA_URL.startswith("https://")
SESSION_COOKIE_NAME = "kestra_session"
SESSION_COOKIE_AGE = int(env("KESTRA_EE_SESSION_SECONDS", str(14 * 24 * 3600)))
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_flag("KESTRA_EE_SECURE_COOKIES", default=HTTPS)
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = int(env("KESTRA_EE_HSTS_SECONDS", "31536000" if HTTPS else "0"))
KESTRA_BEHIND_PROXY = env_flag("KESTRA_EE_BEHIND_PROXY")
if KESTRA_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True

# Mail

MAIL_URL = urlsplit(env("KESTRA_EE_MAIL_URL"))
"""smtp://user:password@host:587 or smtps://…; console:// writes mails to the log; empty when no mail can be sent."""
KESTRA_MAIL_PROVIDER = env("KESTRA_EE_MAIL_PROVIDER").lower()
"""One of Anymail's (amazon_ses, brevo, mailgun, mailjet, postmark, resend, sendgrid, …) in place of SMTP."""
ANYMAIL = {**env_json("KESTRA_EE_MAIL_PROVIDER_SETTINGS"), "REQUESTS_TIMEOUT": 15}
KESTRA_MAIL_ENABLED = bool(KESTRA_MAIL_PROVIDER or MAIL_URL.hostname or MAIL_URL.scheme == "console")
if KESTRA_MAIL_PROVIDER:
    EMAIL_BACKEND = f"anymail.backends.{KESTRA_MAIL_PROVIDER}.EmailBackend"
else:
    EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL_URL.hostname else 'console'}.EmailBackend"
EMAIL_HOST = MAIL_URL.hostname or ""
EMAIL_PORT = MAIL_URL.port or (465 if MAIL_URL.scheme == "smtps" else 587)
EMAIL_HOST_USER = unquote(MAIL_URL.username or "")
EMAIL_HOST_PASSWORD = unquote(MAIL_URL.password or "")
EMAIL_USE_SSL = MAIL_URL.scheme == "smtps"
EMAIL_USE_TLS = MAIL_URL.scheme == "smtp" and env_flag("KESTRA_EE_MAIL_STARTTLS", default=True)
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env("KESTRA_EE_MAIL_FROM", "kestra@localhost")
KESTRA_OUTBOX = "apps.mail.services.DatabaseOutbox"

# Logs

LOGGING = structured_logs.logging_config(level=env("KESTRA_EE_LOG_LEVEL", "INFO"), as_json=not DEBUG)
