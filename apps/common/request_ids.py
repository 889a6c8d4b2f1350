"""A number for each request: on error pages, in the answer's header, and in each line of the log that it causes."""

import re
from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.common.ids import new_id

HEADER: Final = "X-Request-Id"
_USABLE: Final = re.compile(r"[\w.-]{8,64}", re.ASCII)


class RequestIdMiddleware:
    """Takes the number a proxy gave, else makes one. First of all middleware, so that it holds for all of them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        number = given if _USABLE.fullmatch(given) else new_id()
        request.request_id = number  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request=number):
            response = self.get_response(request)
        response.headers.setdefault(HEADER, number)
        return response
