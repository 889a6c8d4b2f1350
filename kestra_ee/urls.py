"""Three blocks: the API of a tenant, the same for the default tenant with what is instance-wide, and the pages."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, register_converter
from django.urls.resolvers import RoutePattern
from django.views.generic import RedirectView

from apps.accounts import urls as accounts
from apps.announcements import urls as announcements
from apps.audit import urls as audit
from apps.bookmarks import urls as bookmarks
from apps.common.openapi import show_api_docs, show_openapi
from apps.common.pages import page
from apps.console import urls as console
from apps.console.views.home import to_tenant_home
from apps.instance import urls as instance
from apps.invitations import urls as invitations
from apps.mail import urls as mail
from apps.namespaces import urls as namespaces
from apps.rbac import urls as rbac
from apps.secrets import urls as secrets
from apps.tenants.catalog import TenantConverter
from apps.transfers import urls as transfers
from apps.userapps import urls as userapps
from apps.workflows import urls as workflows

register_converter(TenantConverter, "tenant")

Routes = list[URLPattern | URLResolver]


def by_first_word(routes: Routes) -> Routes:
    """The same routes with those that share a fixed first word under one resolver: Django tries routes one by one, and
    two hundred failed tries cost a request more than its own query. A route that begins with a converter, and what
    others include, keep their place, and nothing moves across them.
    """
    found: Routes = []
    words: dict[str, Routes] = {}
    for route in routes:
        word, slash, rest = str(route.pattern).partition("/")
        if not (isinstance(route, URLPattern) and isinstance(route.pattern, RoutePattern)) or "<" in word or not slash:
            if "<" in word or not isinstance(route, URLPattern):
                words = {}
            found.append(route)
            continue
        if word not in words:
            words[word] = []
            found.append(path(f"{word}/", include(words[word])))
        words[word].append(path(rest, route.callback, route.default_args, route.name))
    return found


# What a tenant has; each route is there twice, without a tenant in the path it is about the default tenant.
tenant_api = by_first_word(
    [
        *accounts.api_urls,
        *audit.api_urls,
        *rbac.api_urls,
        *instance.tenant_api_urls,
        *invitations.api_urls,
        *announcements.api_urls,
        *bookmarks.api_urls,
        *namespaces.api_urls,
        *secrets.api_urls,
        *transfers.api_urls,
        *workflows.api_urls,
        *userapps.api_urls,
    ]
)
# What the installation has; never below a tenant.
administered_api: Routes = [*rbac.administered_urls, *invitations.administered_urls]
instance_api = by_first_word(
    [
        *invitations.instance_api_urls,
        *announcements.instance_api_urls,
        *accounts.instance_api_urls,
        *audit.instance_api_urls,
        *rbac.instance_api_urls,
        *instance.api_urls,
        *transfers.instance_api_urls,
    ]
)
tenant_pages = by_first_word(
    [
        *console.ui_urls,
        *audit.ui_urls,
        *invitations.ui_urls,
        *announcements.ui_urls,
        *bookmarks.ui_urls,
        *rbac.ui_urls,
        *workflows.ui_urls,
        *userapps.ui_urls,
        *namespaces.ui_urls,
        *secrets.ui_urls,
        *transfers.ui_urls,
        *console.last_urls,
    ]
)

urlpatterns: Routes = [
    path("api/v1/openapi", show_openapi, name="openapi"),
    path("api/docs", show_api_docs, name="api_docs"),
    path("api/v1/", include((instance_api, "instance_api"))),
    path("api/v1/tenants/<tenant:tenant>/", include((administered_api, "administered_api"))),
    path("api/v1/", include((tenant_api, "default_api"))),
    path("api/v1/<tenant:tenant>/", include((tenant_api, "api"))),
    *console.root_urls,
    *accounts.ui_urls,
    *rbac.root_urls,
    *instance.ui_urls,
    *invitations.root_ui_urls,
    path("ui/<tenant:tenant>", page(GET=to_tenant_home)),
    path("ui/<tenant:tenant>/", include((tenant_pages, "ui"))),
    *accounts.root_urls,
    *instance.root_urls,
    *mail.root_urls,
    path("admin/login/", RedirectView.as_view(pattern_name="sign_in", query_string=True)),  # ours asks both factors
    path("admin/", admin.site.urls),
]
handler400 = "apps.common.error_pages.bad_request"
handler403 = "apps.common.error_pages.forbidden"
handler404 = "apps.common.error_pages.not_found"
handler500 = "apps.common.error_pages.server_error"
