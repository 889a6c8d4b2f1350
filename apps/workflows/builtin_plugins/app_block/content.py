"""Blocks that show text, pictures and links; they may stand on every page of an App."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from apps.workflows.builtin_plugins.app_block.example import shown_on
from apps.workflows.plugin_api.app_block import AlertStyle, AppBlock, AppEvent, ButtonSize, ButtonStyle
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.duration import Duration

_TYPE = "type: io.kestra.plugin.ee.apps.core.blocks."


class Markdown(AppBlock, Documented):
    """Text with headings, lists, links and tables, written as Markdown."""

    kind = "markdown"
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(
            AppEvent.OPEN,
            "Say what the form is for.",
            _TYPE + 'Markdown\ncontent: "## Request data\\nAnswered within a day."',
        ),
    )

    content: str = Field(title="The text, as Markdown; expressions are rendered.")

    def texts(self) -> Mapping[str, str]:
        return {"content": self.content}


class Alert(AppBlock, Documented):
    """A message that stands out."""

    kind = "alert"
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(
            AppEvent.FAILURE,
            "Say what to do after a failure.",
            _TYPE + "Alert\nstyle: ERROR\nshowIcon: true\ncontent: The request failed, the data desk has been told.",
        ),
    )

    content: str = Field(title="The message, as Markdown; expressions are rendered.")
    style: AlertStyle = Field(default=AlertStyle.INFO, title="Its tone.")
    show_icon: bool = Field(default=False, title="Whether a sign stands before it.")

    def texts(self) -> Mapping[str, str]:
        return {"content": self.content}


class Button(AppBlock, Documented):
    """A link that looks like a button."""

    kind = "button"
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(
            AppEvent.SUCCESS,
            "Offer a new request at the end.",
            _TYPE + 'Button\ntext: Ask again\nurl: "{{ app.url }}"\nstyle: INFO',
        ),
    )

    text: str = Field(title="What stands on it; expressions are rendered.")
    url: str = Field(title="Where it leads; expressions are rendered.")
    style: ButtonStyle = Field(default=ButtonStyle.DEFAULT, title="Its look.")
    size: ButtonSize = Field(default=ButtonSize.MEDIUM, title="Its size.")

    def texts(self) -> Mapping[str, str]:
        return {"text": self.text, "url": self.url}


class RedirectTo(AppBlock, Documented):
    """Leads the person to another page, at once or after a while."""

    kind = "redirect"
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(
            AppEvent.SUCCESS,
            "Go to the report when it is ready.",
            _TYPE + "RedirectTo\nurl: https://reports.example.com\ndelay: PT5S",
        ),
    )

    url: str = Field(title="Where to; expressions are rendered.")
    delay: Duration = Field(default=timedelta(0), title="How long the page stays before.")

    def texts(self) -> Mapping[str, str]:
        return {"url": self.url}


class Divider(AppBlock, Documented):
    """A line between two blocks."""

    kind = "divider"
    examples: ClassVar[tuple[Example, ...]] = (shown_on(AppEvent.OPEN, "Part the page.", _TYPE + "Divider"),)


class Image(AppBlock, Documented):
    """A picture."""

    kind = "image"
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.OPEN, "Show a plan.", _TYPE + "Image\nurl: https://example.com/plan.png\nalt: The plan"),
    )

    url: str = Field(
        validation_alias=AliasChoices("url", "src"), title="Address of the picture; expressions are rendered."
    )
    alt: str = Field(default="", title="What is to be seen, for those who do not see it.")

    def texts(self) -> Mapping[str, str]:
        return {"url": self.url, "alt": self.alt}


class Table(AppBlock, Documented):
    """Rows and columns."""

    kind = "table"
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.SUCCESS, "Show what a task found.", _TYPE + 'Table\ndata: "{{ outputs.query.rows }}"'),
    )

    data: Any = Field(title="A list of maps, or an expression that gives one.")

    def texts(self) -> Mapping[str, str]:
        return {"data": self.data} if isinstance(self.data, str) else {}


class Loading(AppBlock, Documented):
    """A sign that work is going on, with the number of tasks done."""

    kind = "loading"
    allowed_on = frozenset({AppEvent.RUNNING})
    examples: ClassVar[tuple[Example, ...]] = (shown_on(AppEvent.RUNNING, "While the flow runs.", _TYPE + "Loading"),)


class AutoRefresh(AppBlock, Documented):
    """Asks for the page again from time to time, for browsers that cannot follow it."""

    kind = "refresh"
    allowed_on = frozenset({AppEvent.CREATED, AppEvent.RUNNING})
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.RUNNING, "Look again every five seconds.", _TYPE + "AutoRefresh\ninterval: PT5S"),
    )

    interval: Duration = Field(default=timedelta(seconds=5), title="How long between two looks.")
