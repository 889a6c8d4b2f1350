"""The tenants a person may enter: the list of the switcher, and a page where scripts do not run."""

from django.http import HttpRequest, HttpResponse

from apps.accounts.selectors import current_user
from apps.common.access import member
from apps.common.htmx import render_page
from apps.console.selectors import tenants_of


@member
def list_tenants(request: HttpRequest) -> HttpResponse:
    """Each leads to its home page."""
    return render_page(
        request,
        "console/tenants.html",
        {"tenants": tenants_of(current_user(request))},
        fragment="console/_tenants.html",
    )
