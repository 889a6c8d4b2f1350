"""The builder: an App's YAML, what is wrong with it, how each moment of it looks, its revisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.display import zone_name
from apps.common.errors import IllegalArgument, IllegalState, Invalid, NotFound, Problem, ProductError
from apps.rbac.decisions import can, check_can, visible_namespaces
from apps.userapps.forms import asked, questions, steps_of
from apps.userapps.language.source import inspect_app
from apps.userapps.models import UserApp
from apps.userapps.selectors import find_brand, list_revisions
from apps.userapps.services.apps import check_app_source, create_app, update_app
from apps.userapps.services.generating import EXAMPLE, app_for_flow
from apps.userapps.services.pages import AppPage, preview_page
from apps.userapps.views.manage import readable_app
from apps.userapps.views.sections import FORMS, sections_of
from apps.userapps.views.visit import app_url
from apps.workflows.forms import Typed, build_fields
from apps.workflows.plugin_api.app_block import AppBlock, AppEvent
from apps.workflows.plugin_api.registry import plugin_class
from apps.workflows.selectors.executions import find_execution
from apps.workflows.views.flow_source import Diagnostic
from apps.workflows.views.source_diff import diff_lines

MOST_CHARACTERS: Final = 500_000
NOTHING_TYPED: Final = Typed({}, {}, [], None, ())
_CORE: Final = "io.kestra.plugin.ee.apps.core.blocks."
_RUN: Final = "io.kestra.plugin.ee.apps.execution.blocks."
CORE_BLOCKS: Final = (
    "Markdown", "Alert", "Button", "RedirectTo", "Divider", "Image", "Table", "Loading", "AutoRefresh",
)  # fmt: skip
RUN_BLOCKS: Final = (
    "CreateExecutionForm", "CreateExecutionButton", "ResumeExecutionForm", "ResumeExecutionButton",
    "CancelExecutionButton", "Inputs", "Outputs", "TaskOutputs", "Logs",
)  # fmt: skip


@dataclass(frozen=True)
class PaletteBlock:
    """A block that can be put into the YAML. ``text`` is it, as an item of a list, without indentation."""

    name: str
    about: str
    events: str
    text: str


@access("APP", "CREATE")
def show_new(request: HttpRequest) -> HttpResponse:
    """An editor with an example; `flow=<namespace>/<id>` makes an App in front of that flow."""
    namespace, _, flow_id = request.GET.get("flow", "").partition("/")
    if flow_id:
        check_can(request.user, "FLOW", "READ", namespace)
        return _form(request, None, app_for_flow(namespace, flow_id))
    allowed = visible_namespaces(current_user(request), "APP", "CREATE")
    return _form(request, None, EXAMPLE.format(namespace=allowed[0] if allowed else "company.team"))


@access("APP", "CREATE")
def save_new(request: HttpRequest) -> HttpResponseBase:
    """Saves a new App; with problems the editor again, the text kept."""
    source = _posted(request)
    try:
        check_can(request.user, "APP", "CREATE", check_app_source(source).namespace)
        app = create_app(acting_user=current_user(request), source=source).app
    except Invalid as error:
        return _form(request, None, source, problems=error.problems, status=422)
    except (IllegalState, IllegalArgument) as error:
        return _form(request, None, source, problems=[Problem(error.message)], status=error.status)
    messages.success(request, f"App {app.app_id} created.")
    return redirect(_edit_url(app))


@access("APP", "READ")
def show_edit(request: HttpRequest, uid: str) -> HttpResponse:
    """The editor; without the permission to change the App its text can only be read."""
    app = readable_app(request, uid, "READ")
    return _form(request, app, app.source)


@access("APP", "UPDATE")
def save_edit(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Saves the next revision, unless somebody saved another one meanwhile: then that is told, the text kept."""
    app = readable_app(request, uid, "UPDATE")
    source, base = _posted(request), request.POST.get("revision", "")
    if base.isdecimal() and int(base) != app.revision and "overwrite" not in request.POST:
        return _form(request, app, source, base=base, conflict=True, status=409)
    try:
        saved = update_app(acting_user=current_user(request), uid=uid, source=source)
    except Invalid as error:
        return _form(request, app, source, base=base, problems=error.problems, status=422)
    if saved.changed:
        messages.success(request, f"Saved as revision {saved.app.revision}.")
    else:
        messages.info(request, "Nothing has changed, so no revision was added.")
    return redirect(_edit_url(app))


@access("APP", "READ")
def validate(request: HttpRequest) -> HttpResponse:
    """What is wrong with the posted text, for the list under the editor. Saves nothing."""
    return render(request, "workflows/flows/_problems.html", {"diagnostics": diagnostics(_posted(request))})


@access("APP", "READ")
def preview(request: HttpRequest) -> HttpResponse:
    """The posted text as people would see it at `event`, with the data of `execution` when one is named."""
    event = request.POST.get("event", "OPEN")
    context: dict[str, Any] = {"brand": find_brand(), "embedded": True, "theme": request.POST.get("theme", "")}
    try:
        page = _previewed(request, _posted(request), event, request.POST.get("execution", "").strip())
    except Invalid as error:
        first = error.problems[0] if error.problems else Problem(error.message)
        text = first.message + (f" (line {first.line})" if first.line else "")
        return render(request, "userapps/closed.html", {**context, **_told("Not to be shown yet", text)})
    except ProductError as error:
        return render(request, "userapps/closed.html", {**context, **_told("Not to be shown", error.message)})
    return render(request, "userapps/preview.html", {**context, **_shown(request, page)})


@access("APP", "READ")
def show_revisions(request: HttpRequest, uid: str) -> HttpResponse:
    """The revisions of an App, and what differs between `left` and `right`."""
    app = readable_app(request, uid, "READ")
    revisions = list_revisions(app)
    held = {one.revision: one for one in revisions}
    right = _number(request, "right", app.revision, held)
    left = _number(request, "left", max(1, right - 1), held)
    before, after = held.get(left), held.get(right)
    context = {
        "app": app,
        "revisions": revisions,
        "left": left,
        "right": right,
        "diff": diff_lines(before.source, after.source) if before and after and left != right else [],
        "may_update": can(request.user, "APP", "UPDATE", app.namespace),
    }
    return render(request, "userapps/revisions.html", context)


@access("APP", "UPDATE")
def restore(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Saves the text of an old `revision` as the next one."""
    app = readable_app(request, uid, "UPDATE")
    wanted = request.POST.get("revision", "")
    old = app.revisions.filter(revision=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 9 else None
    if old is None:
        raise NotFound(f"The App has no revision {wanted[:20]}.")
    saved = update_app(acting_user=current_user(request), uid=uid, source=old.source)
    messages.success(request, f"Revision {wanted} is restored as revision {saved.app.revision}.")
    return redirect(_edit_url(app))


def diagnostics(source: str) -> list[Diagnostic]:
    """What is wrong with a source, at its lines."""
    return [Diagnostic("error", str(one), one.line, one.column) for one in inspect_app(source).violations]


def palette() -> list[PaletteBlock]:
    """Every block, with its documented example as the text to insert."""
    found = []
    for prefix, names in ((_CORE, CORE_BLOCKS), (_RUN, RUN_BLOCKS)):
        for name in names:
            block: Any = plugin_class(prefix + name)
            events = [event.value for event in AppEvent if event in block.allowed_on]
            about = (block.__doc__ or "").partition("\n")[0]
            found.append(PaletteBlock(name, about, " ".join(events), _snippet(block)))
    return found


def _snippet(block: type[AppBlock]) -> str:
    """The block in its example's App: what stands below `blocks:`."""
    examples: Sequence[Any] = getattr(block, "examples", ())
    return dedent(examples[0].code.partition("    blocks:\n")[2]).rstrip() + "\n"


def _previewed(request: HttpRequest, source: str, event: str, execution_id: str) -> AppPage:
    definition = check_app_source(source)
    check_can(request.user, "APP", "READ", definition.namespace)
    if event not in AppEvent.__members__:
        raise IllegalArgument(f"'{event[:40]}' is no event of an App.")
    if execution_id:
        check_can(request.user, "EXECUTION", "READ", definition.namespace)
    elif event != AppEvent.OPEN:
        newest = find_execution(definition.execution_id) if definition.execution_id else None
        execution_id = "" if newest is None else newest.id
    app = UserApp(
        uid="preview",
        namespace=definition.namespace,
        app_id=definition.id,
        display_name=definition.display_name,
        description=definition.description or "",
        flow_id=definition.flow_id or "",
    )
    return preview_page(app, definition, AppEvent(event), execution_id=execution_id or None, url=app_url_of(app))


def app_url_of(app: UserApp) -> str:
    """The link that a saved App of this kind would have."""
    return app_url(UserApp(uid="0" * 22, namespace=app.namespace))


def _shown(request: HttpRequest, page: AppPage) -> dict[str, Any]:
    steps = {}
    for block in page.blocks:
        if block.kind in FORMS and not block.problem:
            fields = build_fields(asked(block.data, show_errors=False), NOTHING_TYPED, (), show_errors=False)
            steps[block.kind] = steps_of(questions(fields, {one["input"]["id"]: one["input"] for one in block.data}))
    visit: Any = _NoVisit(request)
    return {
        "page": page,
        "app": page.app,
        "visit": visit,
        "sections": sections_of(page.blocks),
        "steps_of": steps,
        "zone": zone_name(),
        "wrong": [],
        "problem_count": 0,
        "lost_files": False,
        "notice": "",
        "depends": False,
        "may_act": True,
        "run": None,
        "here": "",
        "comment": "",
        "dispatch": "",
        "waits": page.event is AppEvent.PAUSE,
        "deadline": None,
        "decision": None,
        "names": True,
    }


@dataclass(frozen=True)
class _NoVisit:
    """Stands for a visit in a preview: nothing can be followed or fetched."""

    request: HttpRequest

    def address(self, execution_id: str | None = None, **more: str) -> str:
        return "#"

    def part_address(self, route: str, **more: str) -> str:
        return "#"


def _told(title: str, text: str) -> dict[str, str]:
    return {"title_text": title, "text": text, "sign_in": ""}


def _number(request: HttpRequest, name: str, default: int, held: dict[int, Any]) -> int:
    given = request.GET.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 9 and int(given) in held else default


def _posted(request: HttpRequest) -> str:
    source = request.POST.get("source", "").replace("\r\n", "\n")
    if len(source) > MOST_CHARACTERS:
        raise IllegalArgument(f"An App may have {MOST_CHARACTERS} characters; this text has {len(source)}.")
    return source


def _edit_url(app: UserApp) -> str:
    return reverse("ui:app_edit", kwargs={"tenant": require_tenant(), "uid": app.uid})


def _form(
    request: HttpRequest,
    app: UserApp | None,
    source: str,
    *,
    base: str = "",
    problems: Sequence[Problem] = (),
    conflict: bool = False,
    status: int = 200,
) -> HttpResponse:
    told = [
        Diagnostic("error", f"{one.path}: {one.message}" if one.path else one.message, one.line or 0, one.column or 0)
        for one in problems
    ]
    context = {
        "app": app,
        "source": source,
        "base": base or ("" if app is None else str(app.revision)),
        "diagnostics": told or diagnostics(source),
        "refused": bool(problems),
        "conflict": conflict,
        "editable": app is None or can(request.user, "APP", "UPDATE", app.namespace),
        "events": list(AppEvent),
        "palette": palette(),
    }
    return render(request, "userapps/builder.html", context, status=status)
