"""Running whole flows in this process."""

from collections.abc import Iterator

import pytest

from tests.support.flow_runner import FlowRunner
from tests.support.inline_dispatcher import Jobs


@pytest.fixture
def flows(committed_alpha: str, jobs: Jobs) -> Iterator[FlowRunner]:
    """Alpha's schema is open and commits are real; the process's driver is ended afterwards."""
    # Here and not above: the pure tests of this folder must not import the worker.
    from apps.workflows.jobs import stop_driver

    yield FlowRunner(jobs)
    stop_driver()
