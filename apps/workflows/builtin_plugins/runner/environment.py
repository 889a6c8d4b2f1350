"""The environment of user processes: what they need of the worker's, and nothing that is the worker's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PASSED_ON = "KESTRA_EE_TASK_ENVIRONMENT"
"""Names, separated by commas, of further variables of the worker that user processes may see."""

_ALLOWED = frozenset(
    {
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    }
)
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def user_environment(worker: Mapping[str, str], working_directory: Path, task: Mapping[str, str]) -> dict[str, str]:
    """The variables of a user process: the allowed ones of the worker, then the task's own.

    The folder of the worker's Python ends the PATH, so that `python` is always found. HOME is the working directory.
    """
    further = {name.strip() for name in worker.get(PASSED_ON, "").split(",")}
    passed = {
        name: value for name, value in worker.items() if name in _ALLOWED or name in further or name.startswith("LC_")
    }
    path = worker.get("PATH") or _DEFAULT_PATH
    return {
        **passed,
        "PATH": os.pathsep.join([path, str(Path(sys.executable).parent)]),
        "HOME": str(working_directory),
        "WORKING_DIR": str(working_directory),
        **task,
    }
