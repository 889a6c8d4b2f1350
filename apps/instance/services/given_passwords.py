"""The password a command is given: by the environment or by a person at a terminal, never by an argument."""

import getpass
import os
import sys
from typing import Final

from apps.common.errors import IllegalArgument

VARIABLE: Final = "KESTRA_EE_NEW_PASSWORD"


def read_password() -> str:
    """Raises IllegalArgument when there is none, or when the two that were typed differ."""
    if given := os.environ.get(VARIABLE, ""):
        return given
    if not sys.stdin.isatty():
        raise IllegalArgument(f"Set {VARIABLE} to the new password: there is no terminal to ask at.")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Password again: ") != first:
        raise IllegalArgument("The two passwords differ: nothing was made.")
    return first
