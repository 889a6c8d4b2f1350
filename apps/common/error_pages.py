"""Errors outside an endpoint: JSON below /api/, a page elsewhere."""

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import loader

from apps.common.api import API_PREFIX, as_product_error, error_answer
from apps.common.errors import BadRequest, Forbidden, NotFound, ProductError

PAGE = "error.html"


class ErrorPagesMiddleware:
    """Turns a ProductError that a page raises into the answer with its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        known = as_product_error(exception)
        return None if known is None else answer(request, known)


def answer(request: HttpRequest, error: ProductError, *, bare: bool = False) -> HttpResponseBase:
    """The error as JSON or as a page; `bare` is a page that asks nothing of the database."""
    if request.path.startswith(API_PREFIX):
        return error_answer(error, request)
    context = {"error": error, "request": request, "bare": bare, "number": getattr(request, "request_id", "")}
    page = loader.render_to_string(PAGE, context, request=request)
    return HttpResponse(page, status=error.status)


# Django calls these in a thread of its own: no tenant is open there, and a connection would never be given back.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if isinstance(exception, DisallowedHost):
        return answer(request, BadRequest("This host name is not ours: add it to KESTRA_EE_ALLOWED_HOSTS."), bare=True)
    return answer(request, BadRequest("The request cannot be read."), bare=True)


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponseBase:
    return answer(request, Forbidden(reason or "This is not allowed."), bare=True)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return answer(request, NotFound(f"There is nothing at {request.path}."), bare=True)


def server_error(request: HttpRequest) -> HttpResponseBase:
    return answer(request, ProductError("Something went wrong here; it has been logged."), bare=True)
