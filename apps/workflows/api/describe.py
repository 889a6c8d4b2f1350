"""What a route says of itself in the OpenAPI document, and building it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from apps.common.api import Handler, endpoint
from apps.common.openapi import ShapeSchema

View = TypeVar("View", bound=Callable[..., Any])

YAML: Final = {"application/x-yaml": OpenApiTypes.STR}
FORM: Final = {"multipart/form-data": {"type": "object", "additionalProperties": True}}
NOTHING: Final = None
BYTES: Final = {(200, "application/octet-stream"): OpenApiTypes.BINARY}
STREAM: Final = {(200, "text/event-stream"): OpenApiTypes.STR}
TEXT: Final = {(200, "text/plain"): OpenApiTypes.STR}


def text(name: str, about: str = "", *, required: bool = False, many: bool = False) -> OpenApiParameter:
    """A query value that is a text; `many`: repeatable."""
    return OpenApiParameter(name, str, OpenApiParameter.QUERY, required=required, many=many, description=about)


def number(name: str, about: str = "") -> OpenApiParameter:
    """A query value that is a whole number."""
    return OpenApiParameter(name, int, OpenApiParameter.QUERY, description=about)


def flag(name: str, about: str = "") -> OpenApiParameter:
    """A query value that is true or false."""
    return OpenApiParameter(name, bool, OpenApiParameter.QUERY, description=about)


def moment(name: str, about: str = "") -> OpenApiParameter:
    """A query value that is an instant."""
    return OpenApiParameter(name, OpenApiTypes.DATETIME, OpenApiParameter.QUERY, description=about)


PAGE: Final = (
    number("page", "Which page, from 1."),
    number("size", "How many on a page, at most 1000; 10 when not given."),
)
SORTED_PAGE: Final = (*PAGE, text("sort", "`field:asc` or `field:desc`, repeatable.", many=True))
EXECUTION_FILTERS: Final = (
    text("q", "Words of namespace and flow, or the beginning of an id."),
    text("scope", "USER or SYSTEM.", many=True),
    text("namespace", "With all below it."),
    text("flowId"),
    moment("startDate", "Started at or after."),
    moment("endDate", "Started at or before."),
    text("timeRange", "Started within this ISO duration before now; not with startDate or endDate."),
    text("state", many=True),
    text("labels", "`key:value`, repeatable: all are required.", many=True),
    text("triggerExecutionId", "Started by this execution."),
    text("childFilter", "CHILD: started by another execution; MAIN: not."),
)
FLOW_FILTERS: Final = (
    text("q", "Words of namespace and id, or initials."),
    text("scope", "USER or SYSTEM.", many=True),
    text("namespace", "With all below it."),
    text("labels", "`key:value`, repeatable: all are required.", many=True),
)


def describe(
    answer: Any = None,
    *,
    body: Any = None,
    query: Sequence[OpenApiParameter] = (),
    tag: str,
) -> Callable[[View], View]:
    """Describes a handler. `answer`: the shape of its JSON, as an annotation (`list[FlowShape]`), or of other content a
    map of (status, media type) or status → type; None: no content. `body`: an annotation, or a map of media types.
    """

    class Described(ShapeSchema):
        def get_tags(self) -> list[str]:
            return [tag]

        def get_override_parameters(self) -> list[Any]:
            return list(query)

        def get_request_serializer(self) -> Any:
            return body if body is None or isinstance(body, dict) else self._shape(body)

        def get_response_serializers(self) -> Any:
            if answer is None:
                return {204: None}
            return answer if isinstance(answer, dict) else {200: self._shape(answer)}

    def put(view: View) -> View:
        view.kwargs = {"schema": Described}  # type: ignore[attr-defined]  # where drf-spectacular looks
        return view

    return put


def route(**handlers: Handler) -> Callable[..., HttpResponseBase]:
    """`endpoint(GET=…)`, each method with the description of its handler."""
    view = endpoint(**handlers)
    for method, handler in handlers.items():
        described = getattr(handler, "kwargs", None)
        if described is not None:
            getattr(view.cls, method.lower()).kwargs = described  # type: ignore[attr-defined]
    return view
