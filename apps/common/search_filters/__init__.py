"""The one filter grammar of lists: typed text ↔ criteria ↔ a page's address, and the API's parameters → criteria.

Pure: it reads texts and gives values. Turning a criterion into a query is the selectors' part.

criteria.py   Criterion, its operators; the API's flat and bracketed parameters
keys.py       the keys a list knows, what their values look like
moments.py    relative and absolute times: -2d, -2d/d..-0d/d, yesterday, 2026-01-31..
text.py       state:FAILED -labels[team]:data last 2 days ↔ criteria
address.py    state=FAILED&labels[team].not=data&time=-2d ↔ criteria; older addresses
phrases.py    "failed last 2 days" → a text to accept
as_api.py     criteria of a page → those of the API, with times resolved
"""

from apps.common.search_filters.criteria import (
    FLAT_OPS,
    MAP_FIELDS,
    PAGE_OPS,
    BadFilter,
    Criterion,
    Op,
    parse_api_filters,
    parse_page_filters,
    split_list,
)

__all__ = [
    "FLAT_OPS",
    "MAP_FIELDS",
    "PAGE_OPS",
    "BadFilter",
    "Criterion",
    "Op",
    "parse_api_filters",
    "parse_page_filters",
    "split_list",
]
