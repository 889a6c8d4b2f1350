"""One helper process per process, started with the first jq query and again after it was ended by its limits."""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from apps.workflows.expressions.limits import JQ_MEMORY, JQ_SECONDS, JQ_WALL_SECONDS, MAX_JQ_RESULTS

CHILD = Path(__file__).with_name("jq_child.py")


class JqEnded(Exception):
    """The query used more time or memory than it may; its process is gone."""


class JqProcess:
    """Runs queries one at a time, for all threads. A forked process starts a helper of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0

    def run(self, program: str, source: str) -> dict[str, Any]:
        """The helper's answer (jq_child.answer). Raises JqEnded."""
        request = json.dumps({"program": program, "input": source, "most": MAX_JQ_RESULTS}) + "\n"
        with self._lock:
            process = self._helper()
            try:
                line = self._ask(process, request)
            except (BrokenPipeError, ConnectionError):
                line = ""
            if not line.endswith("\n"):
                self._end()
                raise JqEnded
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the helper; the next query starts another."""
        with self._lock:
            self._end()

    def _helper(self) -> subprocess.Popen[str]:
        if self._owner != os.getpid():
            self._process = None  # a parent's helper answers to the parent
            self._owner = os.getpid()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(  # noqa: S603 - our own file
                [sys.executable, "-I", str(CHILD), str(JQ_SECONDS), str(JQ_MEMORY)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                text=True,
                start_new_session=True,
            )
        return self._process

    def _ask(self, process: subprocess.Popen[str], request: str) -> str:
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        process.stdin.write(request)
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], JQ_WALL_SECONDS)
        return process.stdout.readline() if ready else ""

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


jq_process = JqProcess()
atexit.register(jq_process.close)
