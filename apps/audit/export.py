"""The audit log as a file, streamed: a few hundred entries in memory however long it is."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final

from django.db import connection
from django.http import QueryDict, StreamingHttpResponse

from apps.audit.filters import read_filter
from apps.audit.models import AuditEntry
from apps.audit.selectors import AuditFilter, all_entries
from apps.audit.services import record
from apps.common.clock import now
from apps.common.current_tenant import opened_schema
from apps.common.errors import BadRequest
from apps.common.json_values import format_instant

FORMATS: Final = {"csv": "text/csv; charset=utf-8", "json": "application/x-ndjson"}
COLUMNS: Final = (
    "id",
    "date",
    "type",
    "resource",
    "permission",
    "namespace",
    "userId",
    "user",
    "ipAddress",
    "impersonatedBy",
    "means",
    "detail",
    "before",
    "after",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that a spreadsheet takes for a formula."""


def export_answer(query: QueryDict, acting_user: Any) -> StreamingHttpResponse:
    """The open schema's log as a file, narrowed by the query; the export is an entry of the log itself. Raises
    BadRequest for a format that is none."""
    chosen = query.get("format", "csv").lower()
    if chosen not in FORMATS:
        raise BadRequest(f"'format' is one of {', '.join(FORMATS)}, not '{chosen[:40]}'.")
    wanted = read_filter(query)
    record(
        acting_user=acting_user,
        action="EXPORT",
        resource="AuditLog",
        detail={"format": chosen, **wanted.as_detail()},
        permission="AUDITLOG",
    )
    schema: str = connection.schema_name  # type: ignore[attr-defined]
    answer = StreamingHttpResponse(export_lines(schema, wanted, chosen), content_type=FORMATS[chosen])
    name = f"audit-log-{now():%Y%m%d-%H%M%S}.{'csv' if chosen == 'csv' else 'jsonl'}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def export_lines(schema: str, wanted: AuditFilter, chosen: str) -> Iterator[str]:
    """Read after the request has left its schema: it is opened here again, for each piece."""
    if chosen == "csv":
        yield _csv_line(list(COLUMNS))
    entries = all_entries(wanted)
    while True:
        with opened_schema(schema):
            piece = [entry for _, entry in zip(range(500), entries, strict=False)]
        if not piece:
            return
        yield "".join(map(_as_csv if chosen == "csv" else _as_json, piece))


def _values(entry: AuditEntry) -> list[object]:
    return [
        entry.id,
        format_instant(entry.date),
        entry.type,
        entry.resource,
        entry.permission,
        entry.namespace,
        entry.user_id,
        entry.user_name,
        entry.ip_address,
        entry.impersonated_by,
        entry.means,
        entry.detail,
        entry.before,
        entry.after,
    ]


def _as_json(entry: AuditEntry) -> str:
    given = {name: value for name, value in zip(COLUMNS, _values(entry), strict=True) if value not in (None, "")}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":")) + "\n"


def _as_csv(entry: AuditEntry) -> str:
    return _csv_line([_cell(value) for value in _values(entry)])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "'" + text if text.startswith(_FORMULA) else text


def _csv_line(cells: list[str]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
