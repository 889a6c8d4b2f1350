"""AppDefinition: an App as it was written, checked and typed."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from apps.workflows.plugin_api.app_block import AnyAppBlock, App, AppBlock, AppEvent
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.model import PluginModel

APP_TYPE = "io.kestra.plugin.ee.apps.Execution"

AppId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$", max_length=100)]
NamespaceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", min_length=1, max_length=150)]


class AccessType(StrEnum):
    """Who may open an App."""

    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"


class AppAccess(PluginModel):
    """Who may open and submit the App."""

    type: AccessType = Field(
        default=AccessType.PRIVATE, title="PUBLIC: everyone who has the link; PRIVATE: people who are signed in."
    )
    groups: list[str] = Field(default_factory=list, title="Only members of these groups; everyone allowed when empty.")
    catalog: bool = Field(default=True, title="Whether the catalog shows it.")


class Expiration(PluginModel):
    """When the App can be used; without a date it is open on that side. A date without a zone is UTC."""

    start_date: datetime | None = Field(default=None, title="Not before.")
    end_date: datetime | None = Field(default=None, title="Not after.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        start, end = _with_zone(self.start_date), _with_zone(self.end_date)
        if start is not None and end is not None and end <= start:
            raise ValueError("`endDate` must be after `startDate`")
        return self

    def opens(self) -> datetime | None:
        return _with_zone(self.start_date)

    def closes(self) -> datetime | None:
        return _with_zone(self.end_date)


class Layout(PluginModel):
    """The blocks of one event."""

    # Unquoted, `on` is a plain word here: the YAML is read by the rules of YAML 1.2.
    on: AppEvent = Field(title="The moment at which the blocks are shown.")
    blocks: Annotated[list[AnyAppBlock], Field(min_length=1, title="The blocks, from top to bottom.")]


def _access_in_short(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class AppDefinition(App, Documented):
    """A page in front of a flow: a form that starts it, an approval, a report.

    People who never saw a workflow fill in the form, follow what happens and get the result. What they see at each
    moment is said by `layout`.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A form that starts a flow, for everyone who is signed in.",
            """
id: request_data
type: io.kestra.plugin.ee.apps.Execution
displayName: Request data
description: A file of orders, stock or returns.
namespace: company.team
flowId: request_data
access: PRIVATE
tags:
  - Reporting
layout:
  - on: OPEN
    blocks:
      - type: io.kestra.plugin.ee.apps.core.blocks.Markdown
        content: Say what you need. Most requests are answered within two hours.
      - type: io.kestra.plugin.ee.apps.execution.blocks.CreateExecutionForm
      - type: io.kestra.plugin.ee.apps.execution.blocks.CreateExecutionButton
        text: Request
  - on: SUCCESS
    blocks:
      - type: io.kestra.plugin.ee.apps.execution.blocks.Outputs
""",
        ),
    )

    id: AppId = Field(title="Name of the App, unique in its namespace.")
    type: Literal["io.kestra.plugin.ee.apps.Execution"] = Field(title="The kind of App.")
    display_name: Annotated[str, StringConstraints(min_length=1, max_length=150)] = Field(title="The name people see.")
    description: str | None = Field(default=None, title="What it is for, as Markdown.")
    namespace: NamespaceId = Field(title="The namespace of the App and of its flow.")
    flow_id: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        default=None, title="The flow that it starts, in the same namespace."
    )
    flow_revision: Annotated[int, Field(ge=1)] | None = Field(
        default=None, title="Which revision of the flow; the newest when absent."
    )
    execution_id: str | None = Field(default=None, title="An execution of the past that the App shows.")
    disabled: bool = Field(default=False, title="Whether nobody can open it.")
    access: Annotated[AppAccess, BeforeValidator(_access_in_short)] = Field(
        default_factory=AppAccess, title="Who may open it; `access: PRIVATE` is short for its type."
    )
    expiration: Expiration = Field(default_factory=Expiration, title="When it can be used.")
    tags: list[Annotated[str, StringConstraints(min_length=1, max_length=50)]] = Field(
        default_factory=list, title="Words the catalog is filtered by."
    )
    thumbnail: str | None = Field(default=None, title="A picture for the catalog: nsfiles:///path.svg.")
    layout: list[Layout] = Field(default_factory=list, title="What is shown at each moment.")

    @model_validator(mode="after")
    def _has_target(self) -> Self:
        if self.flow_id is None and self.execution_id is None:
            raise ValueError("an App needs a `flowId`, the flow that it starts, or an `executionId`, the one it shows")
        return self

    def blocks_on(self, event: AppEvent) -> list[AppBlock] | None:
        """The blocks written for an event; None when there is no entry for it."""
        for entry in self.layout:
            if entry.on is event:
                return list(entry.blocks)
        return None


def _with_zone(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
