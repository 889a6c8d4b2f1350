"""Routes of namespaces."""

from django.urls import path

from apps.common.api import endpoint
from apps.common.pages import page
from apps.namespaces.api import files, key_values, namespaces
from apps.namespaces.views import files as file_pages
from apps.namespaces.views import key_values as kv_pages
from apps.namespaces.views import settings

PAGE = "namespaces/edit/<str:namespace>"

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
ui_urls = [
    path(
        f"{PAGE}/variables", page(GET=settings.show_variables, POST=settings.save_variables), name="namespace_variables"
    ),
    path(f"{PAGE}/defaults", page(GET=settings.show_defaults, POST=settings.save_defaults), name="namespace_defaults"),
    path(f"{PAGE}/edit", page(GET=settings.show_edit, POST=settings.save_edit), name="namespace_edit"),
    path(f"{PAGE}/kv", page(GET=kv_pages.show_pairs, POST=kv_pages.change_pairs), name="namespace_kv"),
    path(f"{PAGE}/files", page(GET=file_pages.show_files, POST=file_pages.change_files), name="namespace_files"),
    path(f"{PAGE}/files/download", page(GET=file_pages.download), name="namespace_files_download"),
]
