"""Fixtures for running whole flows in this process; tests/conftest.py hands them to every test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.storage.internal_storage import default_backend
from tests.support.flow_runner import FlowRunner
from tests.support.inline_dispatcher import Jobs


@pytest.fixture
def own_storage(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Internal storage of this test alone: the files of another one would be found again."""
    folder = tmp_path / "storage"
    settings.KESTRA_STORAGE_TYPE = "local"
    settings.KESTRA_STORAGE_CONFIGURATION = {"basePath": str(folder)}
    default_backend.cache_clear()
    yield folder
    default_backend.cache_clear()


@pytest.fixture
def flows(committed_alpha: str, jobs: Jobs, own_storage: Path) -> Iterator[FlowRunner]:
    """Alpha's schema is open and commits are real; the process's driver is ended afterwards."""
    # Here and not above: the pure tests of this folder must not import the worker.
    from apps.workflows import jobs as workflow_jobs
    from apps.workflows.worker.drive import Driver
    from apps.workflows.worker.pulse import Pulse

    pulse = Pulse("WORKER", "default", "test")
    pulse.start()
    workflow_jobs._DRIVERS.append(Driver(pulse, frozenset({"default"})))
    yield FlowRunner(jobs)
    workflow_jobs.stop_driver()
