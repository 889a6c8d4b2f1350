"""Routes of the installation."""

from django.urls import path

from apps.common.api import endpoint
from apps.instance import api, views

ui_urls = [path("ui/setup", views.setup, name="setup")]
root_urls = [path("ping", api.ping), path("health", api.health)]
GROUP_PATHS = ("cluster/workergroups", "instance/workergroups", "instance/worker-groups")
"""Their name by the version of the client."""
_of_groups = {"GET": api.list_worker_groups, "POST": api.post_worker_group}
_of_one_group = {"GET": api.show_worker_group, "PUT": api.put_worker_group, "DELETE": api.remove_worker_group}

# Below a tenant, for those who have the permission INFRASTRUCTURE there; without a tenant, for super admins.
tenant_api_urls = [
    path("cluster/services/active", endpoint(GET=api.list_active_services)),
    path("cluster/services/search", endpoint(GET=api.search_cluster)),
    path("cluster/services/<str:service_id>", endpoint(GET=api.show_cluster_service)),
    path("cluster/workergroups", endpoint(GET=api.list_usable_groups)),
]
api_urls = [
    path("instance/services/active", endpoint(GET=api.list_all_active_services)),
    path("instance/services/search", endpoint(GET=api.search_services)),
    path("instance/services/<str:service_id>", endpoint(GET=api.show_service)),
    *(path(written, endpoint(**_of_groups)) for written in GROUP_PATHS),
    *(path(f"{written}/<str:group_id>", endpoint(**_of_one_group)) for written in GROUP_PATHS),
    path("setup", endpoint(GET=views.show_setup, POST=views.post_setup)),
    path("tenants", endpoint(POST=api.post_tenant)),
    path("tenants/search", endpoint(GET=api.list_tenants)),
    path("tenants/<str:tenant_id>", endpoint(GET=api.show_tenant, PUT=api.put_tenant, DELETE=api.remove_tenant)),
    path("tenants/<str:tenant_id>/logo", endpoint(POST=api.post_logo, DELETE=api.remove_logo)),
    path("tenants/<str:tenant_id>/isolation/<str:kind>/test", endpoint(POST=api.test_tenant_connection)),
    path("instance/isolation/<str:kind>/types", endpoint(GET=api.list_backend_types)),
]
