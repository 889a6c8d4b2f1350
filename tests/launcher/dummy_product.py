"""A supervised product of tiny processes, run as a program by test_supervisor.py: FOLDER NAME=KIND …

The supervisor is the parent of all orphans of its process, so it cannot live inside pytest.
"""

import os
import sys
from pathlib import Path

from kestra_ee.launcher.children import ChildSpec
from kestra_ee.launcher.console import say
from kestra_ee.launcher.postgres import EmbeddedPostgres
from kestra_ee.launcher.signals import StopSignals
from kestra_ee.launcher.supervisor import Supervisor

KINDS = {
    "steady": "import time\nprint('steady', flush=True)\nwhile True: time.sleep(0.1)",
    "stubborn": "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('stubborn', flush=True)\n"
    "while True: time.sleep(0.1)",
    # Like a worker: a task in a session of its own, which a signal to the worker's group does not reach.
    "parent": "import subprocess, time\ntask = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    "print('task', task.pid, flush=True)\nwhile True: time.sleep(0.1)",
    "dying": "print('dying', flush=True)\nraise SystemExit(3)",
    "chatty": "import os, time\nos.write(1, b'one\\ntwo, ')\ntime.sleep(0.2)\nos.write(2, b'still two\\n')\n"
    "while True: time.sleep(0.1)",
}


def main(folder: Path, wanted: list[str]) -> None:
    specs = []
    for word in wanted:
        name, _, kind = word.partition("=")
        if kind != "postgres":
            specs.append(ChildSpec(name, [sys.executable, "-c", KINDS[kind]]))
    server = EmbeddedPostgres(folder, durable=False) if "postgres=postgres" in wanted else None
    if server:
        server.start()
    with StopSignals() as signals:
        signals.quietly()
        supervisor = Supervisor(specs, os.environ, folder=folder, mark=str(folder), signals=signals, server=server)

        def report() -> bool:
            pids = {child.name: child.pid for child in supervisor.children if child.running}
            if server:
                pids["postgres"] = server.pid
            unfinished = folder / "pids.new"
            unfinished.write_text("".join(f"{name} {pid}\n" for name, pid in pids.items()))
            unfinished.rename(folder / "pids")
            return False

        supervisor.run(until=report, tick=0.05)
        supervisor.stop()
        say("stopped")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
