"""Routes of backends and transfers."""

from django.urls import path

from apps.common.api import endpoint
from apps.common.pages import page
from apps.transfers import api, views

PLACE = "namespaces/<str:namespace>/isolation/<str:kind>"
TENANT = "tenants/<str:tenant_id>/isolation/<str:kind>"

api_urls = [
    path(PLACE, endpoint(GET=api.show_backend)),
    path(f"{PLACE}/types", endpoint(GET=api.list_types)),
    path(f"{PLACE}/copy", endpoint(POST=api.copy_former, DELETE=api.cancel_copy)),
]
instance_api_urls = [
    path(TENANT, endpoint(GET=api.show_tenant_backend)),
    path(f"{TENANT}/copy", endpoint(POST=api.copy_tenants_former, DELETE=api.cancel_tenants_copy)),
]
ui_urls = [
    path(
        "namespaces/edit/<str:namespace>/isolation",
        page(GET=views.show_isolation, POST=views.change_isolation),
        name="namespace_isolation",
    ),
    path(
        "admin/isolation",
        page(GET=views.show_tenant_isolation, POST=views.change_tenant_isolation),
        name="tenant_isolation",
    ),
]
