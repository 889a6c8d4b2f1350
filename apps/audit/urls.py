"""Routes of the audit log."""

from django.urls import path

from apps.audit import api
from apps.common.api import endpoint

api_urls = [
    path("auditlogs/search", endpoint(GET=api.search_audit_logs)),
    path("auditlogs/find", endpoint(POST=api.find_audit_log)),
    path("auditlogs/<str:entry_id>/diff", endpoint(GET=api.show_audit_diff)),
]
