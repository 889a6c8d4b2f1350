"""When a failed task is tried again: constant, exponential and random."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.model import PluginModel


class RetryBehavior(StrEnum):
    """Whether the failed task run is tried again, or the whole flow in a new execution."""

    RETRY_FAILED_TASK = "RETRY_FAILED_TASK"
    CREATE_NEW_EXECUTION = "CREATE_NEW_EXECUTION"


class RetryBase(PluginModel):
    """What all kinds of retry share. ``max_attempt`` counts all tries, the first one too."""

    max_attempt: Annotated[int, Field(ge=1)] | None = None
    max_duration: Duration | None = None
    warning_on_retry: bool = False
    behavior: RetryBehavior = RetryBehavior.RETRY_FAILED_TASK


class ConstantRetry(RetryBase):
    """Wait the same time before each new try."""

    type: Literal["constant"]
    interval: Duration

    def delay(self, attempts: int, fraction: float) -> timedelta:
        """How long after the end of attempt number ``attempts`` the next one starts."""
        return self.interval


class ExponentialRetry(RetryBase):
    """Wait longer each time, up to ``max_interval``; the first retry is immediate, as in Kestra 0.20."""

    type: Literal["exponential"]
    interval: Duration
    max_interval: Duration
    delay_factor: float = 2.0

    def delay(self, attempts: int, fraction: float) -> timedelta:
        """interval * int(delayFactor) * (attempts - 1), at most ``max_interval``."""
        return min(self.interval * int(self.delay_factor) * (attempts - 1), self.max_interval)


class RandomRetry(RetryBase):
    """Wait a random time between the two bounds."""

    type: Literal["random"]
    min_interval: Duration
    max_interval: Duration

    def delay(self, attempts: int, fraction: float) -> timedelta:
        """``fraction`` in [0, 1) picks the point between the bounds; the caller draws it, so this stays pure."""
        return self.min_interval + (self.max_interval - self.min_interval) * fraction


Retry = Annotated[ConstantRetry | ExponentialRetry | RandomRetry, Field(discriminator="type")]
