"""Where a page begins to listen to live events."""

from __future__ import annotations

from django.http import HttpRequest

from apps.common.htmx import is_fragment
from apps.live.selectors import read_horizon


def listen_from(request: HttpRequest) -> dict[str, str]:
    """For the template of a page with a live stream, taken before the page reads what it shows: what happens between
    that read and the moment the stream is open is then told by the stream. One short query, none for a fragment."""
    return {"live_since": "" if is_fragment(request) else str(read_horizon())}
