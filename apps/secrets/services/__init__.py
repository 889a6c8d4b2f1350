"""Reads and writes of secrets."""

from apps.secrets.services.lookup import default_backend, find_secret, secret_cache
from apps.secrets.services.writes import (
    delete_secret,
    describe_secret,
    is_read_only,
    list_inherited_secrets,
    list_secrets,
    save_secret,
)

__all__ = [
    "default_backend",
    "delete_secret",
    "describe_secret",
    "find_secret",
    "is_read_only",
    "list_inherited_secrets",
    "list_secrets",
    "save_secret",
    "secret_cache",
]
