"""The Jinja2 environment of pages and e-mails."""

from typing import Any

from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.urls import reverse
from jinja2 import Environment, StrictUndefined

from apps.common.clock import now
from apps.common.display import FILTERS
from apps.common.markdown import render_inline_markdown, render_markdown


def island(name: str) -> str:
    """Address of a script that is built (static/islands); empty when it was not: the page then does without."""
    built = f"dist/{name}.js"
    return static(built) if finders.find(built) else ""


def environment(**options: Any) -> Environment:
    """Escapes everything; a name that does not exist is an error, not an empty text."""
    made = Environment(  # noqa: S701  autoescape is in the options
        **{**options, "autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    )
    made.globals |= {"static": static, "url": reverse, "now": now, "island": island}
    made.filters |= {**FILTERS, "markdown": render_markdown, "inline_markdown": render_inline_markdown}
    return made
