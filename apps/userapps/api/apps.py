"""Apps as they are written: one by its key, lists, archives, on and off."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.api import query_flag, read_body
from apps.common.errors import Invalid, NotFound, Problem
from apps.common.pagination import Page, read_page
from apps.rbac.decisions import check_can, visible_namespaces
from apps.userapps.models import UserApp
from apps.userapps.schemas import (
    AppShape,
    AppSourceShape,
    AppTagsShape,
    EmbedHosts,
    app_json,
    app_source_json,
)
from apps.userapps.selectors import catalog_of, list_tags, search_apps
from apps.userapps.services.apps import (
    check_app_source,
    create_app,
    delete_app,
    renew_link,
    set_app_disabled,
    set_embed_hosts,
    update_app,
)
from apps.userapps.services.bundles import import_apps, pack_apps, read_app_sources
from apps.workflows.api.describe import BYTES, FORM, PAGE, SORTED_PAGE, YAML, describe, flag, text
from apps.workflows.api.reading import read_source

SORTABLE: Final = {"id": "app_id", "name": "display_name", "namespace": "namespace", "updated": "updated"}
FILTERS: Final = (
    text("q", "Words of name, id and description."),
    text("namespace", "With all below it."),
    text("flowId"),
    text("tags", "Repeatable: all are required.", many=True),
)
ARCHIVE: Final = {"Content-Disposition": 'attachment; filename="apps.zip"'}


def found_app(request: Request, uid: str, action: str) -> UserApp:
    """An App that the caller may do this to. NotFound also for one in a namespace that he may not see; Forbidden."""
    app = UserApp.objects.filter(uid=uid).first()
    if app is None:
        raise NotFound(f"There is no App '{uid[:60]}'")
    check_can(request.user, "APP", action, app.namespace)
    return app


@describe(AppSourceShape, body=YAML, tag="Apps")
@access("APP", "CREATE")
def post_app(request: Request) -> AppSourceShape:
    """Save a new App; its namespace is the one that the YAML names."""
    source = read_source(request)
    check_can(request.user, "APP", "CREATE", check_app_source(source).namespace)
    return app_source_json(create_app(acting_user=current_user(request), source=source).app)


@describe(AppSourceShape, tag="Apps")
@access("APP", "READ")
def get_app(request: Request, uid: str) -> AppSourceShape:
    """An App with its source."""
    return app_source_json(found_app(request, uid, "READ"))


@describe(AppSourceShape, body=YAML, tag="Apps")
@access("APP", "UPDATE")
def put_app(request: Request, uid: str) -> AppSourceShape:
    """Save the App's next revision; the same source keeps the present one."""
    found_app(request, uid, "UPDATE")
    return app_source_json(update_app(acting_user=current_user(request), uid=uid, source=read_source(request)).app)


@describe(tag="Apps")
@access("APP", "DELETE")
def remove_app(request: Request, uid: str) -> None:
    """Delete the App; what was started through it stays."""
    found_app(request, uid, "DELETE")
    delete_app(acting_user=current_user(request), uid=uid)


@describe(AppShape, tag="Apps")
@access("APP", "UPDATE")
def enable_app(request: Request, uid: str) -> AppShape:
    """Switch the App on."""
    found_app(request, uid, "UPDATE")
    return app_json(set_app_disabled(acting_user=current_user(request), uid=uid, disabled=False))


@describe(AppShape, tag="Apps")
@access("APP", "UPDATE")
def disable_app(request: Request, uid: str) -> AppShape:
    """Switch the App off: it cannot be opened until it is on again."""
    found_app(request, uid, "UPDATE")
    return app_json(set_app_disabled(acting_user=current_user(request), uid=uid, disabled=True))


@describe(AppShape, tag="Apps")
@access("APP", "UPDATE")
def post_new_link(request: Request, uid: str) -> AppShape:
    """Give the App another link; the old one leads nowhere from then on."""
    found_app(request, uid, "UPDATE")
    return app_json(renew_link(acting_user=current_user(request), uid=uid))


@describe(AppShape, body=EmbedHosts, tag="Apps")
@access("APP", "UPDATE")
def put_embed_hosts(request: Request, uid: str) -> AppShape:
    """Name the hosts whose pages may show the App in a frame."""
    found_app(request, uid, "UPDATE")
    hosts = read_body(request, EmbedHosts).hosts
    return app_json(set_embed_hosts(acting_user=current_user(request), uid=uid, hosts=hosts))


@describe(Page[AppShape], query=(*SORTED_PAGE, *FILTERS), tag="Apps")
@access("APP", "READ")
def find_apps(request: Request) -> Page[AppShape]:
    """Apps in the namespaces that the caller may see."""
    query = request.query_params
    found = search_apps(
        visible_namespaces(request.user, "APP"),
        query=query.get("q", ""),
        namespace=query.get("namespace", ""),
        flow_id=query.get("flowId", ""),
        tags=query.getlist("tags"),
    )
    return _page(request, found)


@describe(Page[AppShape], query=(*PAGE, *FILTERS), tag="Apps")
@access("APPEXECUTION", "READ")
def find_in_catalog(request: Request) -> Page[AppShape]:
    """Apps that the caller may use now."""
    query = request.query_params
    found = catalog_of(
        current_user(request),
        query=query.get("q", ""),
        namespace=query.get("namespace", ""),
        tags=query.getlist("tags"),
    )
    return _page(request, found)


@describe(AppTagsShape, tag="Apps")
@access("APP", "READ")
def find_tags(request: Request) -> AppTagsShape:
    """Every tag in use in the namespaces that the caller may see."""
    return AppTagsShape(tags=list_tags(visible_namespaces(request.user, "APP")))


def _page(request: Request, found: Any) -> Page[AppShape]:
    asked = read_page(request.query_params, sortable=SORTABLE, default=("namespace", "app_id"))
    rows = found.order_by(*asked.order, "pk")[asked.offset : asked.offset + asked.size]
    return Page([app_json(app) for app in rows], found.count())


# Several at once


@describe(BYTES, tag="Apps")
@access("APP", "READ")
def export_apps(request: Request) -> HttpResponse:
    """A zip of YAML files, of the Apps with these keys (a JSON list) or of all that the caller may see."""
    found = search_apps(visible_namespaces(request.user, "APP"))
    keys = request.data
    if isinstance(keys, list) and keys:
        found = found.filter(uid__in=[str(key) for key in keys])
    archive = pack_apps(acting_user=current_user(request), apps=found)
    return HttpResponse(archive, content_type="application/octet-stream", headers=ARCHIVE)


@describe(list[AppShape], body=FORM, query=(flag("failOnError", "All or none (true when not given)."),), tag="Apps")
@access("APP", "CREATE")
def post_import(request: Request) -> list[AppShape]:
    """Create or update the Apps of a YAML file (several documents) or a zip of such; all or none."""
    upload = request.FILES.get("fileUpload") or request.FILES.get("file")
    if upload is None:
        raise Invalid(problems=[Problem("Send the file in the part `fileUpload`", "fileUpload")])
    query_flag(request.query_params, "failOnError", default=True)
    sources = read_app_sources(upload.name or "", upload.read())
    for namespace, _ in sources:
        check_can(request.user, "APP", "CREATE", namespace)
        check_can(request.user, "APP", "UPDATE", namespace)
    return [app_json(app) for app in import_apps(acting_user=current_user(request), sources=sources)]


@describe(dict[str, Any], tag="Apps")
@access("APP", "DELETE")
def remove_apps(request: Request) -> dict[str, int]:
    """Delete the Apps with these keys (a JSON list), all or none."""
    apps = _named(request, "DELETE")
    for app in apps:
        delete_app(acting_user=current_user(request), uid=app.uid)
    return {"count": len(apps)}


@describe(dict[str, Any], tag="Apps")
@access("APP", "UPDATE")
def enable_apps(request: Request) -> dict[str, int]:
    """Switch on the Apps with these keys (a JSON list)."""
    return _switch(request, disabled=False)


@describe(dict[str, Any], tag="Apps")
@access("APP", "UPDATE")
def disable_apps(request: Request) -> dict[str, int]:
    """Switch off the Apps with these keys (a JSON list)."""
    return _switch(request, disabled=True)


def _switch(request: Request, *, disabled: bool) -> dict[str, int]:
    apps = _named(request, "UPDATE")
    for app in apps:
        set_app_disabled(acting_user=current_user(request), uid=app.uid, disabled=disabled)
    return {"count": len(apps)}


def _named(request: Request, action: str) -> list[UserApp]:
    keys = request.data if isinstance(request.data, list) else []
    if not keys or len(keys) > 1000:
        raise Invalid(problems=[Problem("Send a JSON list of 1 to 1000 keys of Apps")])
    return [found_app(request, str(key), action) for key in dict.fromkeys(keys)]
