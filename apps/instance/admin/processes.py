"""Running processes in the admin console: seen, never changed."""

from django.contrib import admin

from apps.common.admin import ReadOnlyAdmin
from apps.instance.models import ServiceInstance


@admin.register(ServiceInstance)
class ServiceInstanceAdmin(ReadOnlyAdmin[ServiceInstance]):
    """Each process by its last heartbeat."""

    list_display = ("kind", "state", "host", "pid", "worker_group", "version", "started", "heartbeat")
    list_filter = ("kind", "state", "version")
    search_fields = ("host", "worker_group")
    ordering = ("-heartbeat",)
