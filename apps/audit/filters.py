"""Filters of the audit log, from the query of the API or of the page."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Final

import isodate
from django.http import QueryDict

from apps.audit.selectors import AuditFilter
from apps.common.api import query_instant
from apps.common.clock import now
from apps.common.errors import BadRequest
from apps.common.search_filters import BadFilter, parse_api_filters

FIELDS: Final = (
    "q",
    "namespace",
    "flowId",
    "executionId",
    "userId",
    "id",
    "permission",
    "details",
    "type",
    "timeRange",
)
OURS: Final = ("resource", "user", "ip", "means")
"""Plain parameters that Kestra does not have."""


def read_filter(query: QueryDict) -> AuditFilter:
    """`details=key:value` is repeatable, and so is `type`. Raises BadRequest."""
    try:
        criteria = parse_api_filters(
            ((name, value) for name, values in query.lists() for value in values), fields=FIELDS
        )
    except BadFilter as error:
        raise BadRequest(str(error)) from error
    one = {criterion.field: criterion.values[0] for criterion in criteria}
    details = [(c.field, c.values[0]) for c in criteria if c.field in {"flowId", "executionId"}]
    details += [(c.key or "", c.values[0]) for c in criteria if c.field == "details"]
    start = query_instant(query, "startDate")
    if "timeRange" in one:
        start = now() - _duration(one["timeRange"])
    ours = {name: query.get(name, "").strip() for name in OURS}
    return AuditFilter(
        query=one.get("q", ""),
        types=tuple(text for text in query.getlist("type") if text),
        resource=ours["resource"],
        permission=one.get("permission", ""),
        namespace=one.get("namespace", ""),
        user_id=one.get("userId", ""),
        user_name=ours["user"],
        entry_id=one.get("id", ""),
        ip_address=_address(ours["ip"]),
        means=ours["means"],
        details=tuple(details),
        start=start,
        end=query_instant(query, "endDate"),
    )


def _address(text: str) -> str:
    try:
        return str(ip_address(text)) if text else ""
    except ValueError as error:
        raise BadRequest(f"'ip' must be an address like 10.0.0.7, not '{text[:60]}'.") from error


def _duration(text: str) -> timedelta:
    try:
        found = isodate.parse_duration(text)
    except isodate.ISO8601Error as error:
        raise BadRequest(f"'timeRange' must be a duration like P1D, not '{text[:40]}'.") from error
    return found if isinstance(found, timedelta) else found.totimedelta(end=now())
