"""`kestra-ee up`: from nothing to a running product, and back."""

import os
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from kestra_ee.launcher.bootstrap import Bootstrap, bootstrap
from kestra_ee.launcher.checks import check_disk, check_home, check_port, check_python
from kestra_ee.launcher.children import product_children
from kestra_ee.launcher.console import Stopwatch, say
from kestra_ee.launcher.errors import LauncherError
from kestra_ee.launcher.health import answers
from kestra_ee.launcher.islands import missing_note
from kestra_ee.launcher.lock import HomeLock
from kestra_ee.launcher.options import LaunchOptions, working_folder
from kestra_ee.launcher.orphans import sweep_leftovers
from kestra_ee.launcher.services import running_services
from kestra_ee.launcher.signals import StopRequested, StopSignals
from kestra_ee.launcher.supervisor import Supervisor

READY_SECONDS: Final = 120.0
SETTLING_SECONDS: Final = 0.7
DEATHS_BEFORE_READY: Final = 4
# The administrator's password is for the one process that makes the administrator.
_NOT_FOR_CHILDREN: Final = frozenset({"KESTRA_EE_ADMIN_PASSWORD"})


def up(options: LaunchOptions) -> int:
    """Runs until told to stop; returns the exit code: 0 stopped when it was running, 130 before that."""
    check_python()
    ready = False
    with StopSignals() as signals:
        try:
            check_home(options.home)
            with HomeLock(options.home):
                ready = _run(options, signals)
        except StopRequested:
            say("Stopped before it was ready")
    return 0 if ready else 130


def _run(options: LaunchOptions, signals: StopSignals) -> bool:
    watch = Stopwatch()
    check_disk(options.home)
    left = sweep_leftovers(str(options.home))
    if left:
        say(f"Ended {left} processes that an earlier, killed start had left")
    check_port(options.host, options.port)
    folder = working_folder(options)
    with running_services(options) as services:
        step = Stopwatch()
        say("Bringing the database up to date ..." if services.fresh else "Checking the database ...")
        made = bootstrap(options, services.environment, folder=folder, fresh=services.fresh)
        say(f"Database up to date, checked in {step}" if made else "Database up to date")
        try:
            signals.quietly()
        except StopRequested:
            _show(options, made, watch, ready=False)
            raise
        supervisor = Supervisor(
            product_children(options),
            _for_children(services.environment),
            folder=folder,
            mark=str(options.home),
            signals=signals,
            server=services.postgres,
        )
        say("Starting web, executor, worker and beat ...")
        if os.geteuid() == 0:
            say("Note: started by root, so the tasks of flows run as root too")
        if note := missing_note():
            say(note)
        try:
            ready = _wait_until_ready(options, supervisor, signals)
            _show(options, made, watch, ready=ready)
            supervisor.run(until=lambda: False)
        except LauncherError:
            _show(options, made, watch, ready=False)
            raise
        finally:
            step = Stopwatch()
            say("Stopping ...")
            supervisor.stop()
            say(f"Stopped in {step}")
    return ready


def _wait_until_ready(options: LaunchOptions, supervisor: Supervisor, signals: StopSignals) -> bool:
    """False when a stop was requested before. Ready: the web process answers and the others have loaded, for a moment
    without a break, since a process that cannot reach its queue ends right after loading."""
    deadline = time.monotonic() + READY_SECONDS
    name = urlsplit(options.public_url).netloc
    since: float | None = None

    def settled() -> bool:
        nonlocal since
        now = time.monotonic()
        for child in supervisor.children:
            if child.deaths >= DEATHS_BEFORE_READY:
                raise LauncherError(f"{child.name} does not start, see its lines above")
        if now > deadline:
            raise LauncherError(f"the product did not answer within {READY_SECONDS:.0f} s, see the lines above")
        if not all(child.loaded for child in supervisor.children):
            since = None
        elif since is None and answers(options.probe_host, options.port, name=name):
            since = now
        return since is not None and now - since > SETTLING_SECONDS

    supervisor.run(until=settled, tick=0.1)
    return not signals.requested


def _show(options: LaunchOptions, made: Bootstrap | None, watch: Stopwatch, *, ready: bool) -> None:
    """The address; and a generated password, which must be seen now or never, ready or not."""
    if ready:
        say("")
        say(f"  Ready in {watch}:  {options.public_url}/")
    if made and made.password:
        say(f"  Sign in as {made.admin} with the password {made.password}  (shown only this once)")
    elif ready and options.setup_page:
        say("  Open it to create the first administrator, if there is none yet")
    elif ready:
        say(f"  Sign in as {(made and made.admin) or options.admin_email}")
    if ready:
        say(f"  Data: {options.home}   Stop: Ctrl-C")
        say("")


def _for_children(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environment.items() if name not in _NOT_FOR_CHILDREN}
    # Celery says in eight lines for each worker what is said above in one.
    about_root = "ignore:You're running the worker with superuser privileges"
    warnings = [kept["PYTHONWARNINGS"]] if kept.get("PYTHONWARNINGS") else []
    return {**kept, "PYTHONWARNINGS": ",".join([*warnings, about_root])}
