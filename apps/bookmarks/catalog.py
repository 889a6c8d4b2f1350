"""What an address may be, and the one form of it that is stored and compared. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from apps.common.errors import Invalid, Problem

LONGEST: Final = 2000
_LIST_KEY: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_PASSING: Final = frozenset({"page", "after", "before"})
"""Keys of a query that say where in a list one is, not what is looked at."""


def normalise_url(url: str, tenant_id: str) -> str:
    """Path and query of a page of this tenant: keys sorted, empty ones and places in a list dropped, no fragment.

    An address of our own host loses the host. Raises Invalid for any other page.
    """
    text = url.strip()
    parts = urlsplit(text) if len(text) <= LONGEST else None
    plain = parts is not None and not any(ord(letter) < 33 or letter == "\\" for letter in text)
    prefix = f"/ui/{tenant_id}/"
    if parts is None or not plain or parts.scheme not in {"", "http", "https"} or not parts.path.startswith(prefix):
        raise Invalid(problems=[Problem(f"A bookmark leads to a page below {prefix}, not to '{text[:80]}'.", "url")])
    if any(piece in {".", ".."} for piece in parts.path.split("/")):
        raise Invalid(problems=[Problem("A bookmark's path has no '..'.", "url")])
    query = normalise_query(parts.query)
    return parts.path + (f"?{query}" if query else "")


def normalise_query(query: str) -> str:
    """Sorted, without empty values and without the place in the list. Raises Invalid for one that is too long."""
    if len(query) > LONGEST:
        raise Invalid(problems=[Problem(f"A search has at most {LONGEST} characters.", "query")])
    pairs = parse_qsl(query.lstrip("?"), max_num_fields=200)
    return urlencode(sorted((key, value) for key, value in pairs if value and key not in _PASSING))


def check_list_key(key: str) -> str:
    """The name of a list page (executions, flows, audit-logs). Raises Invalid."""
    if not _LIST_KEY.fullmatch(key):
        raise Invalid(problems=[Problem("A list's key has lower-case letters, digits and hyphens.", "page")])
    return key
