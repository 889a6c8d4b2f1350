"""Base of all endpoints: JSON in and out, one error shape, one function per method."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final, TypeVar, cast

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from pydantic import BaseModel, ValidationError
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.access import marks_of, set_marks
from apps.common.errors import BadRequest, Forbidden, Invalid, NotFound, Problem, ProductError, Unauthenticated
from apps.common.ids import BadId
from apps.common.json_values import to_json_value

log = structlog.get_logger(__name__)

Handler = Callable[..., Any]
Body = TypeVar("Body", bound=BaseModel)
API_PREFIX: Final = "/api/"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


class JsonRenderer(BaseRenderer):
    """Compact JSON without nulls."""

    media_type = "application/json"
    format = "json"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else dump_json(data)


class JsonParser(BaseParser):
    """A JSON body. Bad JSON is 422, as clients expect."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return json.loads(stream.read() or b"null")
        except ValueError as error:
            raise Invalid(f"The body is not JSON: {error}.") from error


class RawParser(BaseParser):
    """Any other body, as text: YAML, the value of a KV pair."""

    media_type = "*/*"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return stream.read().decode()
        except UnicodeDecodeError as error:
            raise Invalid("The body is not UTF-8 text.") from error


class AlwaysJson(BaseContentNegotiation):
    """Clients send all sorts of Accept headers; an answer is JSON unless the view says otherwise."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        sent = (request.content_type or "application/json").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type in {sent, "*/*"}), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class KnownUser(BaseAuthentication):
    """The person found by apps.accounts.authentication before the view was called."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        return request._request.user, None


class Endpoint(APIView):
    """What `endpoint` builds on: access was decided by the middleware, so DRF's own checks are empty."""

    renderer_classes = (JsonRenderer,)
    parser_classes = (JsonParser, MultiPartParser, FormParser, RawParser)
    content_negotiation_class = AlwaysJson
    authentication_classes = (KnownUser,)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return answer_error


def endpoint(
    *,
    GET: Handler | None = None,  # noqa: N803
    POST: Handler | None = None,  # noqa: N803
    PUT: Handler | None = None,  # noqa: N803
    PATCH: Handler | None = None,  # noqa: N803
    DELETE: Handler | None = None,  # noqa: N803
) -> Callable[..., HttpResponseBase]:
    """One route, one marked function per method, for `urls.py`: `endpoint(GET=get_flow, PUT=save_flow)`.

    A function takes the request and the route's arguments and returns: None for 204; a Shape, dataclass, dict or list
    for 200; `Response(value, status=…)`; or any HttpResponse, which goes out as it is. ProductErrors and BadIds
    become the error shape.
    """
    handlers = dict(zip(METHODS, (GET, POST, PUT, PATCH, DELETE), strict=True))
    given = {method: handler for method, handler in handlers.items() if handler is not None}
    first = next(iter(given.values()))
    members: dict[str, Any] = {method.lower(): _as_method(handler) for method, handler in given.items()}
    view_class = type(
        first.__name__, (Endpoint,), {**members, "__doc__": first.__doc__, "__module__": first.__module__}
    )
    view = cast("type[Endpoint]", view_class).as_view()
    view.csrf_exempt = False  # a session's request needs a token; Basic, Bearer and public ones are let off earlier
    set_marks(view, {method: mark for method, handler in given.items() for mark in marks_of(handler).values()})
    return view


def read_body(request: Request, shape: type[Body]) -> Body:
    """The JSON body as this shape. Raises Invalid with each problem and its path."""
    return parse_shape(request.data, shape)


def parse_shape(value: Any, shape: type[Body]) -> Body:
    """A plain value as this shape. Raises Invalid with each problem and its path."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        problems = [Problem(item["msg"], ".".join(str(step) for step in item["loc"])) for item in error.errors()]
        raise Invalid(
            "; ".join(f"{problem.path or 'body'}: {problem.message}" for problem in problems), problems=problems
        ) from error


def query_flag(query: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A true/false of the query string. Raises BadRequest for another word."""
    text = str(query.get(name, "")).lower()
    if text in {"true", "false"}:
        return text == "true"
    if text:
        raise BadRequest(f"'{name}' must be true or false, not '{text[:60]}'.")
    return default


def query_number(query: Mapping[str, Any], name: str, default: int | None = None) -> int | None:
    """A whole number of the query string. Raises BadRequest for anything else."""
    text = query.get(name)
    if text is None or text == "":
        return default
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest(f"'{name}' must be a whole number, not '{str(text)[:60]}'.") from error


def query_instant(query: Mapping[str, Any], name: str) -> datetime | None:
    """An ISO instant of the query string; without a zone it is UTC. Raises BadRequest."""
    text = query.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(
            str(text).strip().replace(" ", "+")
        )  # a + that nobody encoded arrives as a space
    except ValueError as error:
        raise BadRequest(f"'{name}' must be a date like 2026-01-31T10:00:00Z, not '{str(text)[:60]}'.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def required_query(query: Mapping[str, Any], name: str) -> str:
    """A value of the query string that must be there. Raises BadRequest."""
    value = query.get(name)
    if value is None:
        raise BadRequest(f"The query value '{name}' is missing.")
    return str(value)


def dump_json(value: Any) -> bytes:
    return json.dumps(to_json_value(value), ensure_ascii=False, separators=(",", ":")).encode()


def error_body(error: ProductError, path: str) -> dict[str, Any]:
    """The error shape of the API."""
    return {
        "message": f"{error.reason}: {error.message}",
        "_links": {"self": {"href": path, "templated": False}},
        "_embedded": {"errors": [to_json_value(problem) for problem in error.problems]},
    }


def error_answer(error: ProductError, request: HttpRequest) -> JsonResponse:
    """The same, for what is outside DRF: middleware and unknown routes."""
    response = JsonResponse(error_body(error, request.path), status=error.status)
    if error.status == Unauthenticated.status:
        response.headers["WWW-Authenticate"] = "Bearer"  # Basic would make browsers ask with a window of their own
    return response


def as_product_error(error: BaseException) -> ProductError | None:
    """The product's word for an error that others raise; None for one that nobody expected."""
    match error:
        case ProductError():
            return error
        case BadId() | Http404():
            return NotFound(str(error) or "There is nothing here.")
        case PermissionDenied():
            return Forbidden(str(error) or "This is not allowed.")
        case exceptions.APIException():
            found = _Foreign(str(error.detail))
            found.status = error.status_code  # type: ignore[misc]
            found.reason = error.default_code.replace("_", " ").capitalize()  # type: ignore[misc]
            return found
    return None


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. Unexpected ones go on to Django, which logs them and answers 500."""
    known = as_product_error(error)
    if known is None:
        return None
    return Response(error_body(known, context["request"].path), status=known.status)


class _Foreign(ProductError):
    """An error of the REST framework, with its own status."""


def _as_method(handler: Handler) -> Handler:
    def method(self: Endpoint, request: Request, **arguments: Any) -> HttpResponseBase:
        answer = handler(request, **arguments)
        if isinstance(answer, HttpResponseBase):
            return answer
        return Response(status=204) if answer is None else Response(answer)

    method.__name__ = handler.__name__
    method.__doc__ = handler.__doc__
    method.__wrapped__ = handler  # type: ignore[attr-defined]
    return method
