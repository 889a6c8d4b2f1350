"""Files, secrets, and which kinds of processes may touch those of their own that tenants and namespaces have."""

from typing import Any

from kestra_ee.environment import env, env_json, env_list
from kestra_ee.settings.base import HOME

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
