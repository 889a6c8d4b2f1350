"""The documentation that comes with the product: the Markdown files of docs/, read once."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings

from apps.common.errors import NotFound
from apps.common.markdown import Document, render_document

_SECTIONS: Final = {"use": "Using it", "operate": "Operating it", "reference": "Reference"}


@dataclass(frozen=True)
class DocPage:
    """A file of docs/: `path` is its place below it without the ending."""

    path: str
    section: str
    text: str

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].lstrip("# ").strip() or self.path


@dataclass(frozen=True)
class DocHit:
    """A page, or a heading of it, that holds what was looked for."""

    path: str
    title: str
    heading: str = ""
    anchor: str = ""


@cache
def list_docs() -> tuple[DocPage, ...]:
    """In order of section and title. Reads the files the first time."""
    root = Path(settings.BASE_DIR) / "docs"
    found = [
        DocPage(
            str(file.relative_to(root).with_suffix("")), _SECTIONS[file.relative_to(root).parts[0]], file.read_text()
        )
        for file in root.rglob("*.md")
        if file.relative_to(root).parts[0] in _SECTIONS
    ]
    order = list(_SECTIONS.values())
    return tuple(sorted(found, key=lambda page: (order.index(page.section), page.title.lower())))


def get_doc(path: str) -> DocPage:
    """Raises NotFound."""
    found = next((page for page in list_docs() if page.path == path), None)
    if found is None:
        raise NotFound(f"There is no page '{path[:100]}' in the documentation.")
    return found


@lru_cache(maxsize=200)
def read_doc(path: str, base: str) -> Document:
    """The page as HTML; links to other files of docs/ lead below `base`. Raises NotFound."""
    return render_document(get_doc(path).text, link=_linker(path, base))


def search_docs(words: list[str], *, most: int) -> list[DocHit]:
    """Pages whose title, else headings that hold all words, titles first."""
    titles, headings = [], []
    for page in list_docs():
        if _holds(page.title, words):
            titles.append(DocHit(page.path, page.title))
            continue
        for heading in read_doc(page.path, "").headings:
            if _holds(f"{page.title} {heading.text}", words):
                headings.append(DocHit(page.path, page.title, heading.text, heading.id))
    return [*titles, *headings][:most]


def _holds(text: str, words: list[str]) -> bool:
    lowered = text.lower()
    return all(word in lowered for word in words)


def _linker(path: str, base: str) -> Callable[[str], str]:
    known = {page.path for page in list_docs()}

    def lead(target: str) -> str:
        file, sharp, anchor = target.partition("#")
        if not file or ":" in file or file.startswith("/"):
            return target
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)).removesuffix(".md")
        return f"{base}/{place}{sharp}{anchor}" if place in known else base

    return lead
