"""The simulator: a flow in this process, with a fake clock and mocked tasks, for the tests of those who write flows."""

from apps.workflows.simulator.mocks import Call, Mock
from apps.workflows.simulator.simulation import Simulation, simulate
from apps.workflows.simulator.task_context import NotMocked

__all__ = ["Call", "Mock", "NotMocked", "Simulation", "simulate"]
