"""Markdown of users as HTML that is safe to show: raw HTML is text, addresses are looked at, the result is filtered."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

LONGEST: Final = 100_000
_TAGS: Final = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "code": {"class"},
}
_SCHEMES: Final = {"http", "https", "mailto", "tel"}
_PARSER: Final = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable(["table", "strikethrough"])


@lru_cache(maxsize=500)
def render_markdown(text: str, *, top_heading: int = 2) -> Markup:
    """The text as HTML. Links leave without telling where they come from; beyond LONGEST characters it is cut.

    ``top_heading``: headings begin at this level, so that they stay below the page's own.
    """
    tokens = _PARSER.parse(text[:LONGEST])
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + top_heading - 1)}"
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    cleaned = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return Markup(cleaned)  # noqa: S704 - cleaned one line above


_INLINE_TAGS: Final = {"strong", "em", "s", "code", "a"}


@lru_cache(maxsize=500)
def render_inline_markdown(text: str) -> Markup:
    """One line: emphasis, code and links; anything else is text."""
    html = _PARSER.renderInline(text[:LONGEST])
    cleaned = nh3.clean(
        html,
        tags=_INLINE_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(cleaned)  # noqa: S704 - cleaned one line above
