"""{tenant} in the URL → `request.tenant`, and its schema open for the request."""

import re
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.common.current_tenant import opened_schema
from apps.common.error_pages import answer
from apps.common.errors import NotFound
from apps.tenants.catalog import PAGE_WORDS, RESERVED_WORDS
from apps.tenants.selectors import get_open_tenant

_API: Final = re.compile(r"^/api/v\d+/([^/]+)(?:/|$)")
_OF_TENANT: Final = re.compile(r"^/api/v\d+/tenants/([^/]+)/[^/]+")
_PAGE: Final = re.compile(r"^/ui/([^/]+)(?:/|$)")

ADMIN: Final = "/admin/"


class TenantMiddleware:
    """Sets `request.tenant` (None outside /api and /ui) and `request.tenant_in_path`. An unknown tenant is 404.

    The admin console has neither: templates of django-tenants take a request with `tenant` for one of a tenant.

    A streamed answer is read after this has ended: its generator opens the scope itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        tenant_id, in_path = tenant_of_path(request.path_info)
        if not request.path_info.startswith(ADMIN):
            request.tenant, request.tenant_in_path = None, in_path  # type: ignore[attr-defined]
        tenant = None
        with opened_schema("public"):
            if tenant_id is not None:
                try:
                    tenant = get_open_tenant(tenant_id)
                except NotFound as error:
                    if in_path:
                        return answer(request, error)
            if tenant is None:  # the installation's own routes work before there is a default tenant
                return self.get_response(request)
        request.tenant = tenant  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(tenant=tenant_id)
        try:
            with opened_schema(tenant.schema_name):
                return self.get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("tenant")

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: list[Any], arguments: dict[str, Any]
    ) -> None:
        """Views read `request.tenant`, so that one function serves the paths with and without a tenant."""
        if getattr(request, "tenant_in_path", False):
            arguments.pop("tenant", None)


def tenant_of_path(path: str) -> tuple[str | None, bool]:
    """The tenant a path is about and whether the path names it; (None, False) outside the product's pages and API."""
    if (match := _OF_TENANT.match(path)) and match[1] not in RESERVED_WORDS:
        return match[1], True
    if match := _API.match(path):
        word = match[1]
        return (settings.KESTRA_DEFAULT_TENANT, False) if word in RESERVED_WORDS else (word, True)
    if match := _PAGE.match(path):
        return (None, False) if match[1] in PAGE_WORDS else (match[1], True)
    return None, False
