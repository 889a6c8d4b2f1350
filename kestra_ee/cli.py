"""The command `kestra-ee`: up, migrate, exec, version."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from kestra_ee.launcher.checks import explain_os_error
from kestra_ee.launcher.command import migrate, run_command
from kestra_ee.launcher.console import complain
from kestra_ee.launcher.errors import LauncherError
from kestra_ee.launcher.options import LaunchOptions
from kestra_ee.launcher.up import up


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done, 1 with one line on standard error when the person has to change something, 130 when interrupted."""
    parsed = _parser().parse_args(arguments)
    try:
        if parsed.command == "version":
            print(metadata.version("kestra-ee"))
            return 0
        options = LaunchOptions.from_environment(os.environ)
        if parsed.command == "up":
            return up(options)
        if parsed.command == "migrate":
            return migrate(options)
        words = parsed.words[1:] if parsed.words[:1] == ["--"] else parsed.words
        return run_command(options, words or ["env"])
    except LauncherError as error:
        complain(str(error))
    except OSError as error:
        complain(str(explain_os_error(error)))
    except KeyboardInterrupt:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kestra-ee", description="Start and look after the product.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start everything; Ctrl-C stops it")
    commands.add_parser("migrate", help="bring the database up to date, create tenant and administrator if missing")
    run = commands.add_parser("exec", help="run a command with the product's environment: kestra-ee exec -- COMMAND …")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    commands.add_parser("version", help="print the version")
    return parser


if __name__ == "__main__":
    sys.exit(main())
