"""What the person who starts the product chose, read from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kestra_ee.launcher.errors import LauncherError

CHECKOUT: Final = Path(__file__).resolve().parents[2]
DEFAULT_ADMIN: Final = "admin@localhost"
# Some programs listen on these to be reached from everywhere; nobody can be sent there.
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared, not bound


@dataclass(frozen=True)
class LaunchOptions:
    """An empty URL means: start our own."""

    home: Path
    host: str
    port: int
    url: str
    database_url: str
    broker_url: str
    admin_email: str
    admin_password: str
    setup_page: bool
    worker_processes: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "LaunchOptions":
        return cls(
            home=_home(environment),
            host=environment.get("HOST") or "127.0.0.1",
            port=_number(environment, "PORT", 8080, largest=65535),
            url=environment.get("KESTRA_EE_URL", "").rstrip("/"),
            database_url=environment.get("DATABASE_URL", ""),
            broker_url=environment.get("CELERY_BROKER_URL", ""),
            admin_email=environment.get("KESTRA_EE_ADMIN_EMAIL") or DEFAULT_ADMIN,
            admin_password=environment.get("KESTRA_EE_ADMIN_PASSWORD", ""),
            setup_page=environment.get("KESTRA_EE_SETUP") == "page",
            # Two at least, so that one long task does not stop everything on a small machine.
            worker_processes=_number(environment, "KESTRA_EE_WORKER_PROCESSES", max(2, _cores()), largest=1000),
        )

    @property
    def public_url(self) -> str:
        """Where people find the product: KESTRA_EE_URL, else this machine's own address of it."""
        if self.url:
            return self.url
        host = "localhost" if self.for_everyone or self.host in {"127.0.0.1", "::1"} else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def for_everyone(self) -> bool:
        """Whether it listens on every address of the machine."""
        return self.host in _EVERYWHERE

    @property
    def probe_host(self) -> str:
        """Where this machine itself reaches the web process."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104


def run_from_checkout() -> bool:
    return (CHECKOUT / "pyproject.toml").exists()


def working_folder(options: LaunchOptions) -> Path:
    """Where the product's commands run: the checkout, where manage.py is, else the data folder."""
    return CHECKOUT if run_from_checkout() else options.home


def _home(environment: Mapping[str, str]) -> Path:
    chosen = environment.get("KESTRA_EE_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return CHECKOUT / ".kestra-ee" if run_from_checkout() else Path.home() / ".kestra-ee"


def _number(environment: Mapping[str, str], name: str, default: int, *, largest: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= largest:
        raise LauncherError(f"{name} must be a number from 1 to {largest}, not {text!r}")
    return int(text)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
