"""The tenants a person may enter: the list of the switcher, and a page where scripts do not run."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control

from apps.accounts.selectors import current_user
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.common.htmx import render_page
from apps.console.selectors.tenants import tenants_of
from apps.console.views.menu import menu_of
from apps.tenants.models import TenantLogo


@member
def list_tenants(request: HttpRequest) -> HttpResponse:
    """Each leads to the page class that is open, from a page of its own to its home page."""
    user, tenant_id = current_user(request), require_tenant()
    path = urlsplit(request.headers.get("HX-Current-URL", "")).path
    entries = [entry for group in menu_of(user, tenant_id, path) for entry in group.entries if entry.current]
    place = entries[0].url.removeprefix(f"/ui/{tenant_id}/") if entries else ""
    context = {"tenants": tenants_of(user), "place": "" if place.startswith("/") else place}
    return render_page(request, "console/tenants.html", context, fragment="console/_tenants.html")


@member
@cache_control(private=True, max_age=300)
def show_logo(request: HttpRequest) -> HttpResponse:
    """The picture of the tenant, for those who may enter it."""
    found = TenantLogo.objects.filter(pk=require_tenant()).first()
    if found is None:
        raise NotFound("This tenant has no logo.")
    return HttpResponse(bytes(found.content), content_type=found.media_type)
