"""Routes of secrets."""

from django.urls import path

from apps.common.api import endpoint
from apps.secrets import api

api_urls = [
    path("namespaces/<str:namespace>/secrets", endpoint(GET=api.list_namespace_secrets, PUT=api.put_secret)),
    path("namespaces/<str:namespace>/secrets/<str:key>", endpoint(PATCH=api.patch_secret, DELETE=api.remove_secret)),
    path("namespaces/<str:namespace>/inherited-secrets", endpoint(GET=api.show_inherited_secrets)),
]
