"""Routes of namespaces."""

from django.urls import path

from apps.common.api import endpoint
from apps.namespaces import api

api_urls = [
    path("namespaces/<str:namespace>/kv", endpoint(GET=api.list_pairs, DELETE=api.delete_pairs)),
    path(
        "namespaces/<str:namespace>/kv/<str:key>",
        endpoint(GET=api.show_pair, PUT=api.save_pair, DELETE=api.delete_pair),
    ),
]
