"""Markdown of users as HTML that is safe to show: raw HTML is text, addresses are looked at, the result is filtered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
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


@dataclass(frozen=True)
class Heading:
    """A heading of a document: its level, its text and the id it is reached by."""

    level: int
    text: str
    id: str


@dataclass(frozen=True)
class Document:
    """A text of our own as HTML. `title` is its first heading, which is not in the HTML."""

    title: str
    html: Markup
    headings: tuple[Heading, ...]


def render_document(text: str, *, link: Callable[[str], str]) -> Document:
    """A page of documentation, filtered like users' text, with ids on its headings; `link` says where each goes."""
    tokens = _PARSER.parse(text)
    title, headings = "", []
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title, tokens = _plain(tokens[1]), tokens[3:]
    taken: set[str] = set()
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            words = _plain(tokens[position + 1])
            slug = anchor_of(words)
            while slug in taken:
                slug += "-"
            taken.add(slug)
            token.attrSet("id", slug)
            headings.append(Heading(int(token.tag[1]), words, slug))
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", link(str(child.attrGet("href") or "")))
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    ids = {f"h{level}": {"id"} for level in range(1, 7)}
    cleaned = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES | ids, url_schemes=_SCHEMES, link_rel="noopener noreferrer"
    )
    return Document(title, Markup(cleaned), tuple(headings))  # noqa: S704 - cleaned one line above


def anchor_of(words: str) -> str:
    """The id of a heading: its letters and digits, hyphens between."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "section"


def _plain(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type in {"text", "code_inline"})


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
