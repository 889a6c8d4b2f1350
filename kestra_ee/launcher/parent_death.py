"""Children that end with their parent, however it dies: Linux' parent-death signal."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Loaded before any fork: between fork and exec nothing may be imported or allocated that another thread could lock.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def signal_when_parent_dies(number: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn`: the child gets the signal when the thread that started it ends. None where there is no such
    thing (the next start then sweeps what is left)."""
    if _prctl is None:
        return None
    prctl, parent, value = _prctl, os.getpid(), int(number)

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, value, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and here
            os._exit(1)

    return ask


def adopt_orphans() -> bool:
    """Make this process the parent of every descendant whose own parent dies, so that none is lost. False: not here."""
    return _prctl is not None and _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
