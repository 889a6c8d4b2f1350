"""The page of logs: lines of all executions a person may see, newest first by arrival, or as they come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from markupsafe import Markup, escape

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.clock import now
from apps.common.errors import IllegalArgument
from apps.common.search_filters import BadFilter, Criterion, Op
from apps.common.search_filters.keys import TEXT_KEY
from apps.common.search_filters.text import split_words
from apps.rbac.decisions import visible_namespaces
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.filter_keys import LOG_KEYS
from apps.workflows.selectors.log_search import LogFilter, LogLine, page_of_logs
from apps.workflows.services.log_filters import build_log_filter
from apps.workflows.services.page_news import plain
from apps.workflows.views.listing import Listing, answer_list, read_listing

SIZE: Final = 100
USUAL: Final = timedelta(days=1)
LEVELS: Final = tuple(str(level) for level in Level)


@dataclass(frozen=True)
class FoundLines:
    """A page of lines, newest first, and the numbers where its neighbours begin. `problem` tells why there is none."""

    lines: Sequence[LogLine]
    newest: int = 0
    oldest: int = 0
    has_older: bool = False
    has_newer: bool = False
    problem: str = ""


@access("EXECUTION", "READ")
def list_logs(request: HttpRequest) -> HttpResponse:
    """Lines of the last day unless a time is asked for. `part=lines` gives those after a number alone (live tail)."""
    listing = read_listing(request, LOG_KEYS, ())
    visible = visible_namespaces(current_user(request), "EXECUTION")
    tail = request.GET.get("tail") == "1"
    found = _find(listing, visible)
    context: dict[str, Any] = {
        "found": found,
        "levels": LEVELS,
        "level": next((one.values[-1] for one in listing.criteria if one.field == "level"), ""),
        "mark": _marker(listing),
        "tail": tail,
        "bounded": not listing.time and not _pins_one_execution(listing),
        "partly": visible is not None,
    }
    fragment = "_lines" if request.GET.get("part") == "lines" else "_results"
    return answer_list(
        request, listing, "workflows/logs/list.html", context, fragment=f"workflows/logs/{fragment}.html"
    )


def log_filter_of(listing: Listing, visible: Sequence[str] | None) -> LogFilter:
    """What the list asks for, with the usual time when none is. BadFilter. One query when names are asked for."""
    wanted = build_log_filter(listing.api_criteria(), namespaces=visible)
    if not listing.time and not _pins_one_execution(listing):
        wanted.start = now() - USUAL
    return wanted


def _find(listing: Listing, visible: Sequence[str] | None) -> FoundLines:
    after, before = _number(listing.after), _number(listing.before)
    try:
        wanted = log_filter_of(listing, visible)
        lines, more = page_of_logs(wanted, size=SIZE, older_than=after, newer_than=None if after else before)
    except (BadFilter, IllegalArgument) as error:
        return FoundLines([], problem=error.message if isinstance(error, IllegalArgument) else str(error))
    forwards = after is None and before is not None
    return FoundLines(
        lines,
        newest=lines[0].number if lines else before or 0,
        oldest=lines[-1].number if lines else 0,
        has_older=bool(lines) and (more or forwards),
        has_newer=bool(lines) and (after is not None or (forwards and more)),
    )


def _pins_one_execution(listing: Listing) -> bool:
    return any(one.field == "execution" and one.op is Op.IN for one in listing.criteria)


def _marker(listing: Listing) -> Any:
    """Marks in a message the words that were asked for; the rest is escaped."""
    words = [word for one in listing.criteria for word in _sought(one)]
    pattern = re.compile("|".join(sorted(map(re.escape, words), key=len, reverse=True)) or r"(?!)", re.IGNORECASE)

    def mark(message: str) -> Markup:
        text, parts, place = plain(message), [], 0
        for match in pattern.finditer(text):
            parts += [escape(text[place : match.start()]), Markup("<mark>"), escape(match.group()), Markup("</mark>")]
            place = match.end()
        return Markup("").join([*parts, escape(text[place:])])

    return mark


def _sought(one: Criterion) -> Sequence[str]:
    if one.field == TEXT_KEY and one.op is not Op.NOT_CONTAINS:
        return one.values
    return split_words(" ".join(one.values)) if one.field == "text" and one.op is Op.CONTAINS else ()


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
