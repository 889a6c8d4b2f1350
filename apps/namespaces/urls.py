"""Routes of namespaces."""

from django.urls import path

from apps.common.api import endpoint
from apps.namespaces.api import files, key_values, namespaces

api_urls = [
    path("namespaces", endpoint(POST=namespaces.post_namespace)),
    path("namespaces/<str:namespace>/inherited-variables", endpoint(GET=namespaces.show_inherited_variables)),
    path("namespaces/<str:namespace>/inherited-plugindefaults", endpoint(GET=namespaces.show_inherited_defaults)),
    path("namespaces/<str:namespace>/isolation/<str:kind>/test", endpoint(POST=namespaces.test_namespace_connection)),
    path("namespaces/<str:namespace>/kv", endpoint(GET=key_values.list_pairs, DELETE=key_values.delete_pairs)),
    path(
        "namespaces/<str:namespace>/kv/<str:key>",
        endpoint(GET=key_values.show_pair, PUT=key_values.save_pair, DELETE=key_values.delete_pair),
    ),
    path(
        "namespaces/<str:namespace>/files",
        endpoint(GET=files.download_file, POST=files.upload_file, PUT=files.move_file, DELETE=files.remove_file),
    ),
    path("namespaces/<str:namespace>/files/directory", endpoint(GET=files.list_folder, POST=files.make_folder)),
    path("namespaces/<str:namespace>/files/export", endpoint(GET=files.export_files)),
    path("namespaces/<str:namespace>/files/search", endpoint(GET=files.search_files)),
    path("namespaces/<str:namespace>/files/stats", endpoint(GET=files.show_file)),
]
