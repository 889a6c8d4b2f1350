"""A large file goes in and out of each backend without lying in memory: measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.storage.conftest import KEYS, KINDS, adls_configuration

MEGABYTES = int(os.environ.get("KESTRA_EE_TEST_LARGE_FILE_MB", "200"))
MOST_GROWTH_MB = 64
PROGRAM = """
import json, sys
import django
django.setup()
from apps.storage.internal_storage.choice import make_backend

kind, configuration, megabytes = json.loads(sys.argv[1])
backend = make_backend(kind, configuration)

class Made:
    left = megabytes * 1024 * 1024
    block = bytes(range(256)) * 4096
    def read(self, size=-1):
        given = self.block[: min(size if size > 0 else len(self.block), self.left)]
        self.left -= len(given)
        return given

def peak():
    # Not ru_maxrss: it remembers the process that this one was forked from.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024

def forget_peak():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")

class Short(Made):
    left = 10 * 1024 * 1024

backend.put("t/warm", Short())
with backend.open("t/warm") as file:
    while file.read(1024 * 1024):
        pass
forget_peak()
before = peak()
assert backend.put("t/large", Made()) == megabytes * 1024 * 1024
size = 0
with backend.open("t/large") as file:
    while piece := file.read(1024 * 1024):
        size += len(piece)
backend.delete("t/large")
print(json.dumps([size, peak() - before]))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_with_the_file(kind: str, request: pytest.FixtureRequest, tmp_path: Any) -> None:
    match kind:
        case "local":
            configuration: dict[str, Any] = {"basePath": str(tmp_path)}
        case "s3":
            address = request.getfixturevalue("s3_address")
            configuration = {"bucket": "files", "endpoint": address, "forcePathStyle": True, **KEYS}
        case "azure":
            configuration = {"container": "files", "connectionString": request.getfixturevalue("azure_address")}
        case "adls":
            configuration = adls_configuration(request.getfixturevalue("adls_address"))
        case _:
            configuration = {"bucket": "files", "endpoint": request.getfixturevalue("gcs_address")}
    given = json.dumps([kind, configuration, MEGABYTES])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "kestra_ee.settings"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, given], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 0, done.stderr
    size, growth = json.loads(done.stdout.splitlines()[-1])
    assert size == MEGABYTES * 1024 * 1024
    assert growth < MOST_GROWTH_MB
    print(f"{kind}: {MEGABYTES} MB in and out, memory grew by {growth} MB")
