"""Routes of the audit log."""

from django.urls import path

from apps.audit import api, views
from apps.common.api import endpoint
from apps.common.pages import page

api_urls = [
    path("auditlogs/search", endpoint(GET=api.search_audit_logs)),
    path("auditlogs/find", endpoint(POST=api.find_audit_log)),
    path("auditlogs/export", endpoint(GET=api.export_audit_logs)),
    path("auditlogs/history/<str:entry_id>", endpoint(GET=api.list_history)),
    path("auditlogs/<str:entry_id>/diff", endpoint(GET=api.show_audit_diff)),
]
instance_api_urls = [
    path("instance/auditlogs/search", endpoint(GET=api.search_instance_logs)),
    path("instance/auditlogs/export", endpoint(GET=api.export_instance_logs)),
]
ui_urls = [
    path("admin/auditlogs", page(GET=views.list_audit_logs), name="audit_logs"),
    path("admin/auditlogs/export", page(GET=views.download_audit_logs), name="audit_export"),
    path("admin/auditlogs/<str:entry_id>", page(GET=views.show_audit_log), name="audit_log"),
]
