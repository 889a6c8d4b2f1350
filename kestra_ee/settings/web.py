"""What answers requests: routes, hosts, middleware, templates, static files, the API."""

from urllib.parse import urlsplit

from kestra_ee.environment import env, env_list
from kestra_ee.settings.base import BASE_DIR, DEBUG, KESTRA_URL

ROOT_URLCONF = "kestra_ee.urls"
ASGI_APPLICATION = "kestra_ee.asgi.application"
WSGI_APPLICATION = "kestra_ee.wsgi.application"
APPEND_SLASH = False
ALLOWED_HOSTS = env_list("KESTRA_EE_ALLOWED_HOSTS", f"localhost,127.0.0.1,[::1],{urlsplit(KESTRA_URL).hostname}")
CSRF_TRUSTED_ORIGINS = env_list("KESTRA_EE_TRUSTED_ORIGINS", KESTRA_URL)
DATA_UPLOAD_MAX_MEMORY_SIZE = int(env("KESTRA_EE_MAX_BODY_BYTES", str(20 * 1024 * 1024)))
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
MIDDLEWARE = [
    "apps.common.request_ids.RequestIdMiddleware",
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

# Apps: what visitors who are not signed in may do

KESTRA_APP_LIMITS = {
    "per_client": int(env("KESTRA_EE_APP_SUBMITS_PER_CLIENT", "30")),
    "per_app": int(env("KESTRA_EE_APP_SUBMITS_PER_APP", "1000")),
    "upload_bytes": int(env("KESTRA_EE_APP_UPLOAD_BYTES", str(100 * 1024 * 1024))),
}
"""Forms sent in a minute from one address and through one App, and bytes of files in one form."""
