"""Routes of the installation."""

from django.urls import path

from apps.common.api import endpoint
from apps.instance import api

root_urls = [path("ping", api.ping), path("health", api.health)]
GROUP_PATHS = ("cluster/workergroups", "instance/workergroups", "instance/worker-groups")
"""Their name by the version of the client."""
_of_groups = {"GET": api.list_worker_groups, "POST": api.post_worker_group}
_of_one_group = {"GET": api.show_worker_group, "PUT": api.put_worker_group, "DELETE": api.remove_worker_group}

api_urls = [
    *(path(written, endpoint(**_of_groups)) for written in GROUP_PATHS),
    *(path(f"{written}/<str:group_id>", endpoint(**_of_one_group)) for written in GROUP_PATHS),
    path("tenants", endpoint(POST=api.post_tenant)),
    path("tenants/search", endpoint(GET=api.list_tenants)),
    path("tenants/<str:tenant_id>", endpoint(GET=api.show_tenant, PUT=api.put_tenant, DELETE=api.remove_tenant)),
    path("tenants/<str:tenant_id>/logo", endpoint(POST=api.post_logo, DELETE=api.remove_logo)),
    path("tenants/<str:tenant_id>/isolation/<str:kind>/test", endpoint(POST=api.test_tenant_connection)),
    path("instance/isolation/<str:kind>/types", endpoint(GET=api.list_backend_types)),
]
