"""The installation: where it is, what it is called, its keys."""

import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from kestra_ee.environment import env, env_flag, env_list, env_plugin_defaults

BASE_DIR = Path(__file__).resolve().parent.parent.parent
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
KESTRA_REQUIRE_EXISTING_NAMESPACE = env_flag("KESTRA_EE_REQUIRE_EXISTING_NAMESPACE")
"""Whether flows of all tenants are saved only in namespaces that were created; a tenant may ask for it by itself."""
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
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
