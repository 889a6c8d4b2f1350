"""The two keys of an instance: made once, kept in 0600 files of the data folder, never in the database."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from kestra_ee.launcher.postgres_cluster import write_secret


def load_keys(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """KESTRA_EE_SECRET_KEY signs sessions; KESTRA_EE_MASTER_KEY wraps the tenants' data keys, and who loses it loses
    their secrets. A key given by the environment is used and not stored."""
    return {
        "KESTRA_EE_SECRET_KEY": environment.get("KESTRA_EE_SECRET_KEY")
        or _load(home / "secret.key", lambda: secrets.token_urlsafe(48)),
        "KESTRA_EE_MASTER_KEY": environment.get("KESTRA_EE_MASTER_KEY")
        or _load(home / "master.key", lambda: base64.b64encode(os.urandom(32)).decode()),
    }


def _load(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        write_secret(path, make())
    return path.read_text().strip()
