"""The four processes of the product, as commands."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kestra_ee.launcher.options import LaunchOptions


@dataclass(frozen=True)
class ChildSpec:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    forks: bool = False


def product_children(options: LaunchOptions) -> list[ChildSpec]:
    """In the order in which they are stopped: no new work first, workers last."""
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "kestra_ee"]
    web = [sys.executable, "-m", "uvicorn", "kestra_ee.asgi:application", "--host", options.host]
    web += ["--port", str(options.port), "--no-access-log", "--log-level", "warning"]
    web += ["--timeout-graceful-shutdown", "3"]
    beat = [*celery, "beat", "-S", "django", "--max-interval", "1", "--pidfile=", "--loglevel", "WARNING"]
    executor = [*celery, "worker", "-Q", "executor", "-c", "1", "-n", "executor@%h", *quiet]
    worker = [*celery, "worker", "-Q", "worker.default", "-c", str(options.worker_processes), "-n", "worker@%h", *quiet]
    commands = {"web": web, "beat": beat, "executor": executor, "worker": worker}
    return [
        ChildSpec(name, command, {"KESTRA_EE_PROCESS": name}, forks="worker" in command)
        for name, command in commands.items()
    ]
