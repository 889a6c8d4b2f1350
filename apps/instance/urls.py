"""Routes of the installation."""

from django.urls import path

from apps.common.api import endpoint
from apps.instance import api

root_urls = [path("ping", api.ping), path("health", api.health)]
api_urls = [
    path("tenants", endpoint(POST=api.post_tenant)),
    path("tenants/search", endpoint(GET=api.list_tenants)),
    path("tenants/<str:tenant_id>", endpoint(GET=api.show_tenant, PUT=api.put_tenant, DELETE=api.remove_tenant)),
]
