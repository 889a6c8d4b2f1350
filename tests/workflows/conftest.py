"""Running whole flows in this process."""

from collections.abc import Iterator

import pytest

from tests.support.flow_runner import FlowRunner
from tests.support.inline_dispatcher import Jobs


@pytest.fixture
def flows(committed_alpha: str, jobs: Jobs) -> Iterator[FlowRunner]:
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
