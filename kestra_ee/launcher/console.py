"""What the launcher shows: short lines of progress and, behind a name, the lines of its children."""

import sys
import time
from contextlib import suppress

WIDTH = 8


def say(text: str) -> None:
    """One line at once. A terminal that is gone is no reason to stop."""
    with suppress(OSError, ValueError):
        print(text, flush=True)


def say_of(name: str, text: str) -> None:
    say(f"{name:<{WIDTH}} | {text}")


def complain(text: str) -> None:
    with suppress(OSError, ValueError):
        print(f"kestra-ee: {text}", file=sys.stderr, flush=True)


class Stopwatch:
    """`str(watch)`: the time since it was made, as shown to people."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s"
