"""200 open pages of running executions on one web process: how late news reaches them, and the process's memory.

Half of the pages show logs, half the Gantt; they share 20 executions that write a line and end a task run each second
or so. A page of a log gets its lines in the stream; a Gantt fetches its rows again when the stream says so.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx

from tests.bench.figures import LOG, NAMESPACE, Figure, save, start
from tests.support.product import Server

PAGES: Final = 200
EXECUTIONS: Final = 20
SECONDS: Final = 40
WARM: Final = 10
GANTT_GAP: Final = 1.0
"""Seconds that a Gantt waits between two fetches, as live.js does."""


def followers(server: Server, commit: float) -> list[Figure]:
    """p50 and p95 of line written → line in the page, of change → fresh rows, and memory before and after."""
    tasks = "".join(
        f"  - {{id: say{n}, type: {LOG}, message: line {n}}}\n"
        f"  - {{id: nap{n}, type: io.kestra.plugin.core.flow.Sleep, duration: PT1S}}\n"
        for n in range(SECONDS + WARM + 20)
    )
    save(server, "followed", tasks)
    ids = [start(server.client, "followed") for _ in range(EXECUTIONS)]
    try:
        return asyncio.run(_follow(server, ids))
    finally:
        for execution_id in ids:
            server.client.delete(f"/api/v1/main/executions/{execution_id}/kill")


async def _follow(server: Server, ids: list[str]) -> list[Figure]:
    lines: list[float] = []
    rows: list[float] = []
    limits = httpx.Limits(max_connections=2 * PAGES + 10)
    async with httpx.AsyncClient(
        base_url=server.client.base_url, auth=server.client.auth, timeout=60, limits=limits
    ) as client:
        begin = time.monotonic() + WARM
        pages = [
            asyncio.create_task(
                _log_page(client, ids[number // 2 % EXECUTIONS], begin, lines)
                if number % 2
                else _gantt_page(client, ids[number // 2 % EXECUTIONS], begin, rows)
            )
            for number in range(PAGES)
        ]
        await asyncio.sleep(WARM)
        before = _memory(server)
        await asyncio.sleep(SECONDS)
        after = _memory(server)
        for page in pages:
            page.cancel()
        ended = await asyncio.gather(*pages, return_exceptions=True)
    broken = [error for error in ended if error is not None and not isinstance(error, asyncio.CancelledError)]
    if broken:
        raise RuntimeError(f"{len(broken)} pages broke, the first with {broken[0]!r}")
    figures = []
    for title, times in (("a line written to it in the page", lines), ("a change told to its rows fetched", rows)):
        times.sort()
        for share in (50, 95):
            name = f"{PAGES} pages, {title}, p{share}"
            figures.append(Figure(name, times[len(times) * share // 100] * 1000, "ms"))
        figures.append(Figure(f"... updates of {len(times)}, the last", times[-1] * 1000, "ms"))
    figures.append(Figure("web process, 10 s after the pages were opened", before, "MB"))
    figures.append(Figure(f"... {SECONDS} s later", after, "MB"))
    return figures


async def _log_page(client: httpx.AsyncClient, execution_id: str, begin: float, found: list[float]) -> None:
    async with client.stream("GET", "/ui/main/events", params={"topics": f"exec-logs:{execution_id}"}) as answer:
        answer.raise_for_status()
        async for text in answer.aiter_lines():
            if text.startswith("data: ") and time.monotonic() >= begin:
                event = json.loads(text.removeprefix("data: "))
                for line in event.get("data", {}).get("lines", ()):
                    found.append(time.time() - datetime.fromisoformat(line["t"]).timestamp())


async def _gantt_page(client: httpx.AsyncClient, execution_id: str, begin: float, found: list[float]) -> None:
    address = f"/ui/main/executions/{NAMESPACE}/followed/{execution_id}/gantt"
    fetched = 0.0
    async with client.stream("GET", "/ui/main/events", params={"topics": f"exec-runs:{execution_id}"}) as answer:
        answer.raise_for_status()
        async for text in answer.aiter_lines():
            if not text.startswith("data: ") or '"runs"' not in text or time.monotonic() < fetched + GANTT_GAP:
                continue
            told = fetched = time.monotonic()
            (await client.get(address, headers={"HX-Request": "true"})).raise_for_status()
            if told >= begin:
                found.append(time.monotonic() - told)


def _memory(server: Server) -> float:
    """Resident megabytes of the web process; NaN for a server that is not ours."""
    if server.process is None:
        return float("nan")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            status = (folder / "status").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended
        if f"PPid:\t{server.process.pid}\n" in status and any(b"uvicorn" in word or b"web" in word for word in words):
            return int(status.split("VmRSS:")[1].split()[0]) / 1024
    return float("nan")
