"""Routes of secrets."""

from django.urls import path

from apps.common.api import endpoint
from apps.common.pages import page
from apps.secrets import api, views

api_urls = [
    path("namespaces/<str:namespace>/secrets", endpoint(GET=api.list_namespace_secrets, PUT=api.put_secret)),
    path("namespaces/<str:namespace>/secrets/<str:key>", endpoint(PATCH=api.patch_secret, DELETE=api.remove_secret)),
    path("namespaces/<str:namespace>/inherited-secrets", endpoint(GET=api.show_inherited_secrets)),
]
ui_urls = [
    path(
        "namespaces/edit/<str:namespace>/secrets",
        page(GET=views.show_secrets, POST=views.change_secrets),
        name="namespace_secrets",
    )
]
