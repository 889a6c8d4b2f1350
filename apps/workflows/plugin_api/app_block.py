"""App and AppBlock: a page in front of a flow, a piece of it, and the moments at which that may stand there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field, SerializeAsAny

from apps.workflows.plugin_api.by_type import ByType
from apps.workflows.plugin_api.model import PluginModel


class AppEvent(StrEnum):
    """A moment at which an App shows a page (ee-features.md §9.2)."""

    OPEN = "OPEN"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    ERROR = "ERROR"
    FALLBACK = "FALLBACK"


class ButtonStyle(StrEnum):
    """What a button looks like, so that its effect can be told."""

    DEFAULT = "DEFAULT"
    SUCCESS = "SUCCESS"
    INFO = "INFO"
    WARNING = "WARNING"
    DANGER = "DANGER"


class ButtonSize(StrEnum):
    """How large a button is."""

    SMALL = "SMALL"
    MEDIUM = "MEDIUM"
    LARGE = "LARGE"


class AlertStyle(StrEnum):
    """The tone of an alert."""

    SUCCESS = "SUCCESS"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


ALL_EVENTS: Final = frozenset(AppEvent)


class App(PluginModel):
    """Base of the kinds of Apps: pages in front of flows, written in YAML."""


class AppBlock(PluginModel):
    """What all blocks share. ``kind`` names the template that shows the block."""

    kind: ClassVar[str] = ""
    allowed_on: ClassVar[frozenset[AppEvent]] = ALL_EVENTS

    type: str = Field(title="The kind of block.")

    def texts(self) -> Mapping[str, str]:
        """The properties that hold expressions, by their name in YAML; they are rendered each time the page is."""
        return {}

    def to_api(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The block as the API answers it, ``texts`` rendered."""
        return {**self.to_json(), "type": self.type, **texts}


AnyAppBlock = Annotated[SerializeAsAny[AppBlock], BeforeValidator(ByType(AppBlock, "block of an App"))]
"""Any block, told apart by its ``type``."""
