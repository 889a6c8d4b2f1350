"""Templates over REST. Where the installation has them switched off, none of these routes is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import parse_shape, query_flag
from apps.common.errors import BadRequest, Invalid, NotFound, Problem
from apps.common.pagination import Page, paginate, read_page
from apps.rbac.decisions import check_can, visible_within
from apps.workflows.api.describe import BYTES, FORM, PAGE, YAML, describe, flag, text
from apps.workflows.api.reading import read_source, seen_by
from apps.workflows.flow_language.source import split_flows
from apps.workflows.flow_language.template import parse_template
from apps.workflows.models import Template
from apps.workflows.schemas.flows import BulkShape, FlowKeyShape
from apps.workflows.selectors.templates import get_template, search_templates
from apps.workflows.services.flow_bundles import unpack_flows
from apps.workflows.services.templates import (
    check_template,
    create_template,
    delete_template,
    pack_templates,
    save_templates,
    update_template,
)

FILTERS = (text("q", "Words of the namespace or the id."), text("namespace", "This namespace and those below it."))
IDS = list[FlowKeyShape]
Shown = dict[str, Any]


def switched_on(view: Callable[..., Any]) -> Callable[..., Any]:
    """NotFound where templates are off."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not settings.KESTRA_TEMPLATES:
            raise NotFound("Templates are switched off in this installation (KESTRA_EE_TEMPLATES).")
        return view(*args, **kwargs)

    return guarded


@describe(Shown, body=YAML, tag="Templates")
@access("TEMPLATE", "CREATE")
@switched_on
def post_template(request: Request) -> Shown:
    """Save a new template, sent as JSON or YAML."""
    source = read_source(request)
    check_can(request.user, "TEMPLATE", "CREATE", check_template(source).namespace)
    return template_json(create_template(acting_user=request.user, source=source))


@describe(Shown, tag="Templates")
@access("TEMPLATE", "READ")
@switched_on
def show_template(request: Request, namespace: str, template_id: str) -> Shown:
    """A template."""
    return template_json(get_template(namespace, template_id))


@describe(Shown, body=YAML, tag="Templates")
@access("TEMPLATE", "UPDATE")
@switched_on
def put_template(request: Request, namespace: str, template_id: str) -> Shown:
    """Change a template; executions that have begun keep the tasks they began with."""
    source = read_source(request)
    return template_json(
        update_template(acting_user=request.user, namespace=namespace, template_id=template_id, source=source)
    )


@describe(tag="Templates")
@access("TEMPLATE", "DELETE")
@switched_on
def remove_template(request: Request, namespace: str, template_id: str) -> None:
    """Delete a template; executions that have begun go on."""
    delete_template(acting_user=request.user, namespace=namespace, template_id=template_id)


@describe(dict[str, Any], query=(*FILTERS, *PAGE), tag="Templates")
@access("TEMPLATE", "READ")
@switched_on
def find_templates(request: Request) -> Page[Shown]:
    """Templates by words and namespace."""
    sortable = {"id": "template_id", "namespace": "namespace"}
    wanted = read_page(request.query_params, sortable=sortable, default=("namespace", "template_id"))
    page = paginate(_visible(request, "READ"), wanted)
    return Page([template_json(row) for row in page.results], page.total)


@describe(list[str], tag="Templates")
@access("TEMPLATE", "READ")
@switched_on
def distinct_namespaces(request: Request) -> list[str]:
    """Namespaces that have templates."""
    found = Template.objects.filter(visible_within(seen_by(request, "TEMPLATE")), deleted=False)
    return sorted(set(found.values_list("namespace", flat=True)))


@describe(list[dict[str, Any]], body=YAML, tag="Templates")
@access("TEMPLATE", "READ")
@switched_on
def validate_templates(request: Request) -> list[dict[str, Any]]:
    """What is wrong with each template of a text; saves nothing."""
    answer = []
    for index, source in enumerate(split_flows(read_source(request)) or [""]):
        found: dict[str, Any] = {"index": index}
        try:
            checked = check_template(source.lstrip("\r\n"))
            found |= {"flow": checked.id, "namespace": checked.namespace}
        except Invalid as error:
            found["constraints"] = "\n".join(f"{one.path}: {one.message}" for one in error.problems)
        answer.append(found)
    return answer


@describe(list[Shown], query=(flag("delete", "Delete the namespace's others (true when not given)."),), tag="Templates")
@access("TEMPLATE", "CREATE")
@switched_on
def save_namespace(request: Request, namespace: str) -> list[Shown]:
    """Create or update the templates of a namespace, sent as a JSON list or as YAML, all or none."""
    check_can(request.user, "TEMPLATE", "UPDATE", namespace)
    delete = query_flag(request.query_params, "delete", default=True)
    if delete:
        check_can(request.user, "TEMPLATE", "DELETE", namespace)
    sources = _sources(read_source(request))
    elsewhere = [name for name in map(_namespace_of, sources) if name != namespace]
    if elsewhere:
        raise Invalid(
            problems=[Problem(f"Template namespace is invalid: {elsewhere[0]} is not {namespace}", "namespace")]
        )
    saved = save_templates(acting_user=request.user, sources=sources, delete_in=namespace if delete else None)
    return [template_json(one) for one in saved]


@describe(body=FORM, tag="Templates")
@access("TEMPLATE", "CREATE")
@switched_on
def import_templates(request: Request) -> None:
    """Create or update the templates of an uploaded YAML file or zip archive (part `fileUpload`), all or none."""
    upload = request.FILES.get("fileUpload") or next(iter(request.FILES.values()), None)
    if upload is None:
        raise BadRequest("The part 'fileUpload' is missing.")
    sources = [part for found in unpack_flows(upload.name or "", upload.read()) for part in _sources(found)]
    for namespace in sorted({_namespace_of(source) for source in sources}):
        check_can(request.user, "TEMPLATE", "CREATE", namespace)
        check_can(request.user, "TEMPLATE", "UPDATE", namespace)
    save_templates(acting_user=request.user, sources=sources)


@describe(BYTES, body=IDS, tag="Templates")
@access("TEMPLATE", "READ")
@switched_on
def export_by_ids(request: Request) -> HttpResponse:
    """The named templates as a zip archive of YAML files."""
    return _archive(_named(request, "READ"))


@describe(BYTES, query=FILTERS, tag="Templates")
@access("TEMPLATE", "READ")
@switched_on
def export_by_query(request: Request) -> HttpResponse:
    """The templates that a search finds as a zip archive of YAML files."""
    return _archive(_visible(request, "READ").order_by("namespace", "template_id"))


@describe(BulkShape, body=IDS, tag="Templates")
@access("TEMPLATE", "DELETE")
@switched_on
def delete_by_ids(request: Request) -> dict[str, int]:
    """Delete the named templates."""
    return _delete(request, _named(request, "DELETE"))


@describe(BulkShape, query=FILTERS, tag="Templates")
@access("TEMPLATE", "DELETE")
@switched_on
def delete_by_query(request: Request) -> dict[str, int]:
    """Delete the templates that a search finds."""
    return _delete(request, list(_visible(request, "DELETE").order_by("pk")))


def template_json(template: Template) -> Shown:
    """A template as clients know it: its tasks, without the source."""
    return parse_template(template.source, strict=False).to_json() | {"deleted": template.deleted}


def _visible(request: Request, action: str) -> Any:
    query = request.query_params
    found = search_templates(query.get("q", ""), query.get("namespace"))
    return found.filter(visible_within(seen_by(request, "TEMPLATE", action)))


def _named(request: Request, action: str) -> list[Template]:
    named = [parse_shape(one, FlowKeyShape) for one in request.data]
    for one in named:
        check_can(request.user, "TEMPLATE", action, one.namespace)
    return [get_template(one.namespace, one.id) for one in named]


def _sources(found: str) -> list[str]:
    return [part.lstrip("\r\n") for part in split_flows(found)]


def _namespace_of(source: str) -> str:
    return check_template(source).namespace


def _archive(templates: Iterable[Template]) -> HttpResponse:
    return HttpResponse(
        pack_templates(templates),
        content_type="application/octet-stream",
        headers={"Content-Disposition": 'attachment; filename="templates.zip"'},
    )


def _delete(request: Request, templates: list[Template]) -> dict[str, int]:
    for one in templates:
        delete_template(acting_user=request.user, namespace=one.namespace, template_id=one.template_id)
    return {"count": len(templates)}
