"""The installation in the admin console; each module registers its pages."""

from apps.instance.admin import audit_log, processes, tenants, worker_groups

__all__ = ("audit_log", "processes", "tenants", "worker_groups")
