"""The OpenAPI document, made from the endpoints: their marks, arguments, shapes and docstrings."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, Final, get_type_hints

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from apps.common.access import Guard, mark_for, public
from apps.common.api import dump_json
from apps.common.pagination import Page

Schema = dict[str, Any]
TENANT: Final = "/api/v1/{tenant}/"
ADMINISTERED: Final = "/api/v1/tenants/{tenant}/"
DEFAULT: Final = "/api/v1/"
REF: Final = "#/components/schemas/{model}"
ANYTHING: Final[Schema] = {"description": "See the operation."}


class ShapeSchema(AutoSchema):
    """Describes an endpoint by the annotations of its function instead of by serializers."""

    def get_operation_id(self) -> str:
        name = self._handler().__name__
        words = name.split("_")
        return words[0] + "".join(word.capitalize() for word in words[1:])

    def get_tags(self) -> list[str]:
        path = self.path.removeprefix(TENANT).removeprefix(DEFAULT).strip("/")
        return [path.split("/")[0].replace("-", " ").capitalize()]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's, not that of REST framework
        written = inspect.getdoc(self._handler()) or ""
        mark = mark_for(self._handler(), self.method)
        if mark is None or mark.guard is Guard.PUBLIC:
            needs = "Open to everyone."
        elif mark.guard is Guard.PERMITTED:
            needs = f"Needs {mark.permission} {mark.action}."
        else:
            needs = f"For {mark.guard}."
        return f"{written}\n\n{needs}".strip()

    def get_request_serializer(self) -> Any:
        """Bodies are read by the function, as JSON, YAML or parts of a form."""
        return ANYTHING if self.method in {"POST", "PUT", "PATCH"} else None

    def get_response_serializers(self) -> Any:
        answer = get_type_hints(self._handler()).get("return", Any)
        if answer is type(None):
            return {204: None}
        return {200: self._shape(answer)}

    def _shape(self, answer: Any) -> Schema:
        origin = getattr(answer, "__origin__", None)
        if origin is Page:
            items = self._shape(answer.__args__[0])
            return {
                "type": "object",
                "required": ["results", "total"],
                "properties": {"results": {"type": "array", "items": items}, "total": {"type": "integer"}},
            }
        if inspect.isclass(answer) and issubclass(answer, HttpResponseBase):
            return ANYTHING
        try:
            made = TypeAdapter(answer).json_schema(mode="serialization", ref_template=REF)
        except PydanticInvalidForJsonSchema:
            return ANYTHING
        for name, definition in made.pop("$defs", {}).items():
            self._component(name, definition)
        if made.get("type") == "object" and "title" in made:
            return self._component(made["title"], made)
        return made or ANYTHING

    def _component(self, name: str, definition: Schema) -> Schema:
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=definition, object=name)
        self.registry.register_on_missing(component)
        return component.ref

    def _handler(self) -> Callable[..., Any]:
        method = getattr(self.view, self.method.lower())
        handler: Callable[..., Any] = inspect.unwrap(getattr(method, "__func__", method))
        return handler


def once_with_tenant(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """Leaves out the forms without a tenant, and with it after /tenants/, of what has the tenant first: they do the
    same for the default tenant and for super admins."""
    there = {(path, method) for path, _, method, _ in endpoints}

    def is_other_form(path: str, method: str) -> bool:
        return any(
            path.startswith(prefix) and (path.replace(prefix, TENANT, 1), method) in there
            for prefix in (ADMINISTERED, DEFAULT)
        )

    return [found for found in endpoints if found[0].startswith(TENANT) or not is_other_form(found[0], found[2])]


@cache
def document() -> Schema:
    """The whole document; made once in a process, in about a second."""
    made: Schema = SchemaGenerator().get_schema(request=None, public=True)
    return made


@public
def show_openapi(request: HttpRequest) -> HttpResponse:
    """The document as JSON, for tools."""
    return HttpResponse(dump_json(document()), content_type="application/vnd.oai.openapi+json")


@public
def show_api_docs(request: HttpRequest) -> HttpResponse:
    """The document as one page, for people; it loads nothing from elsewhere."""
    groups: dict[str, list[Schema]] = {}
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append({"method": method.upper(), "path": path, **operation})
    return render(request, "common/api_docs.html", {"groups": dict(sorted(groups.items())), "info": document()["info"]})
