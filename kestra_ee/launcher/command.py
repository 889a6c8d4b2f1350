"""Any command with the product's environment: against the running instance, else with services started for it."""

import signal
import subprocess
from collections.abc import Sequence

from kestra_ee.launcher.bootstrap import bootstrap
from kestra_ee.launcher.checks import check_disk, check_home, check_python
from kestra_ee.launcher.console import say
from kestra_ee.launcher.errors import LauncherError
from kestra_ee.launcher.lock import HomeLock, LockedError
from kestra_ee.launcher.options import LaunchOptions, working_folder
from kestra_ee.launcher.services import Services, running_elsewhere, running_services
from kestra_ee.launcher.signals import StopRequested, StopSignals


def run_command(options: LaunchOptions, command: Sequence[str]) -> int:
    """The command's exit code. It has the terminal: Ctrl-C is its own affair."""
    check_home(options.home)
    try:
        with HomeLock(options.home), running_services(options, quiet=True) as services:
            return _call(command, services)
    except LockedError:
        return _call(command, running_elsewhere(options))


def migrate(options: LaunchOptions) -> int:
    """What `up` does to the database, and nothing else; whether it seems needed or not."""
    check_python()
    with StopSignals():
        try:
            check_home(options.home)
            check_disk(options.home)
            try:
                with HomeLock(options.home), running_services(options) as services:
                    _migrate(options, services)
            except LockedError:
                _migrate(options, running_elsewhere(options))
        except StopRequested:
            return 130
    return 0


def _migrate(options: LaunchOptions, services: Services) -> None:
    made = bootstrap(options, services.environment, folder=working_folder(options), fresh=True)
    say("Database up to date")
    if made and made.password:
        say(f"Administrator {made.admin} with the password {made.password}  (shown only this once)")


def _call(command: Sequence[str], services: Services) -> int:
    # Ctrl-C is for the command, and we wait for its end. Handlers that do nothing: it would inherit "ignore".
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda number, frame: None)
    try:
        process = subprocess.Popen(list(command), env=services.environment)  # noqa: S603  # what its user asked for
    except OSError as error:
        raise LauncherError(f"{command[0]} cannot be run: {error.strerror}") from error
    signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    code = process.wait()
    return 128 - code if code < 0 else code
