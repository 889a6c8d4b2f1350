"""W6 at full size: one execution of 10,000 and one of 100,000 iterations; cost, memory, and how fast it is read."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path

from tests.bench.figures import NAMESPACE, RETURN, Figure, lasted, save, start, wait
from tests.support.product import Server

READS = 5


def w6_large(server: Server, commit: float, counts: tuple[int, ...] = (10_000, 100_000)) -> list[Figure]:
    """A ForEach of each size: what an iteration costs, what its worker holds, what reading the execution takes."""
    figures = []
    for count in counts:
        flow_id = f"w6-{count}"
        save(
            server,
            flow_id,
            "  - id: loop\n    type: io.kestra.plugin.core.flow.ForEach\n"
            f'    values: "{{{{ range(1, {count}) }}}}"\n    tasks:\n'
            f'      - {{id: x, type: {RETURN}, format: "{{{{ taskrun.value }}}}"}}\n',
        )
        with Memory(server.home) as memory:
            execution_id = start(server.client, flow_id)
            execution = wait(server.client, execution_id, seconds=3 * 3600, look_every=5)
        per = lasted(execution) / count * 1000
        figures.append(Figure(f"W6 ForEach of {count:,}, per iteration", per, "ms", per / commit))
        if memory.early is not None and memory.late is not None:
            figures.append(Figure(f"W6 … memory of the workers after a tenth, {count:,}", memory.early, "MB"))
            figures.append(Figure(f"W6 … memory of the workers at the end, {count:,}", memory.late, "MB"))
        figures += _reads(server, flow_id, execution_id, count)
    ratio = per / figures[0].value
    return [*figures, Figure(f"W6 iteration at {counts[-1]:,} against {counts[0]:,}", ratio, "x")]


def _reads(server: Server, flow_id: str, execution_id: str, count: int) -> list[Figure]:
    api, page = f"/api/v1/main/executions/{execution_id}", f"/ui/main/executions/{NAMESPACE}/{flow_id}/{execution_id}"
    answer = server.client.get(api)
    last, seen = "", len(answer.json()["taskRunList"])
    while following := answer.headers.get("X-Next-Task-Run"):
        last = following
        answer = server.client.get(api, params={"taskRunsAfter": last})
        seen += len(answer.json()["taskRunList"])
    if seen != count + 1:
        raise RuntimeError(f"{execution_id} has {count + 1} task runs, and {seen} are shown")
    addresses = {
        "GET the execution": api,
        "GET its last task runs": f"{api}?taskRunsAfter={last}",
        "page of the execution": page,
        "page of the execution, Gantt": f"{page}/gantt",
        "page of the execution, outputs": f"{page}/outputs",
        "page of the execution, logs": f"{page}/logs",
    }
    figures = []
    for name, address in addresses.items():
        times = []
        for _ in range(READS):
            began = time.perf_counter()
            answer = server.client.get(address)
            times.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
        figures.append(Figure(f"W6 … {name}, {count:,}", statistics.median(times), "ms"))
    return figures


class Memory:
    """What the processes of the server's workers hold together, in MB: after a tenth of the time and at the end."""

    def __init__(self, home: Path | None) -> None:
        self._home = home
        self._samples: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Memory:
        if self._home is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def early(self) -> float | None:
        """None when the server is not ours to look at."""
        return self._samples[len(self._samples) // 10] if self._samples else None

    @property
    def late(self) -> float | None:
        return self._samples[-1] if self._samples else None

    def _look(self) -> None:
        while not self._stop.is_set():
            held = [_resident(process) for process in Path("/proc").iterdir() if self._is_worker(process)]
            if held:
                self._samples.append(sum(held))
            self._stop.wait(1)

    def _is_worker(self, process: Path) -> bool:
        if not process.name.isdigit():
            return False
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:
            return False  # it has ended meanwhile
        home = f"KESTRA_EE_HOME={self._home}/home\0".encode()
        return b"worker\0-Q\0worker." in command and home in environment


def _resident(process: Path) -> float:
    try:
        pages = int((process / "statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1024 / 1024
