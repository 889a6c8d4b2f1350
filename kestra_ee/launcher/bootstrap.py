"""Migrations, the tenant `main` and the first administrator: one Django process, skipped when nothing changed."""

import hashlib
import hmac
import json
import os
import secrets
import signal
import string
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from kestra_ee.launcher.console import say_of
from kestra_ee.launcher.errors import LauncherError
from kestra_ee.launcher.options import CHECKOUT, LaunchOptions
from kestra_ee.launcher.parent_death import signal_when_parent_dies

# What brings migrations of its own along.
_MIGRATING_PACKAGES: Final = ("django", "django-celery-beat", "django-tenants")
_PASSWORD_LENGTH: Final = 16
_LINES_SHOWN: Final = 12


@dataclass(frozen=True)
class Bootstrap:
    """What the instance is after it. `password` is empty unless it was generated and belongs to a new administrator."""

    admin: str
    password: str


def bootstrap(options: LaunchOptions, environment: Mapping[str, str], *, folder: Path, fresh: bool) -> Bootstrap | None:
    """Run `manage.py bootstrap` with progress shown, unless an earlier run left the same fingerprint and the database
    is not `fresh`; then None."""
    done_file = options.home / "bootstrap.done"
    fingerprint = _fingerprint(options, environment)
    if not fresh and done_file.exists() and done_file.read_text() == fingerprint:
        return None
    done_file.unlink(missing_ok=True)
    password = options.admin_password or generate_password()
    wishes = {"KESTRA_EE_ADMIN_EMAIL": options.admin_email, "KESTRA_EE_ADMIN_PASSWORD": password}
    answer = _run({**environment, **wishes}, folder)
    done_file.write_text(fingerprint)
    created = bool(answer.get("created_admin"))
    return Bootstrap(str(answer.get("admin") or ""), password if created and not options.admin_password else "")


def generate_password() -> str:
    """Letters and digits, at least one of each kind, so that it meets any password rule that can be copied by hand."""
    letters = string.ascii_letters + string.digits
    while True:
        password = "".join(secrets.choice(letters) for _ in range(_PASSWORD_LENGTH))
        kinds = (str.islower, str.isupper, str.isdigit)
        if all(any(map(kind, password)) for kind in kinds):
            return password


def _run(environment: Mapping[str, str], folder: Path) -> dict[str, object]:
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "bootstrap"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=folder,
        env=dict(environment),
        start_new_session=True,  # Ctrl-C reaches the launcher alone, which ends this one below
        preexec_fn=signal_when_parent_dies(signal.SIGKILL),  # asks the kernel, nothing else
    )
    answer: dict[str, object] = {}
    lines: list[str] = []
    try:
        for line in process.stdout or ():
            text = line.rstrip()
            found = _parse_answer(text)
            if found is not None:
                answer = found
            elif text:
                lines.append(text)
                if "Applying" in text or "===" in text:
                    say_of("migrate", text.strip())
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
    if process.returncode != 0:
        for text in lines[-_LINES_SHOWN:]:
            say_of("migrate", text)
        raise LauncherError("the database could not be brought up to date, see the lines above")
    return answer


def _parse_answer(text: str) -> dict[str, object] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "created_tenant" in found else None


def _fingerprint(options: LaunchOptions, environment: Mapping[str, str]) -> str:
    """Changes with the product's code, the packages that migrate, and the wishes about the administrator. Keyed, as it
    is made from a password too."""
    parts = [options.admin_email, options.admin_password, str(options.setup_page), options.database_url]
    parts += [f"{name} {metadata.version(name)}" for name in _MIGRATING_PACKAGES]
    for package in ("apps", "kestra_ee"):
        for folder, folders, files in os.walk(CHECKOUT / package):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(files):
                if name.endswith(".py"):
                    status = os.stat(os.path.join(folder, name))
                    parts.append(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}")
    key = environment["KESTRA_EE_SECRET_KEY"].encode()
    return hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()
