"""Writing a flow: a new one, the next revision, and validation while typing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, Invalid, Problem
from apps.common.pages import IN_VIEW
from apps.rbac.decisions import can, check_can, visible_namespaces
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.graph import flow_graph
from apps.workflows.flow_language.source import inspect_flow
from apps.workflows.flow_language.violations import Violation
from apps.workflows.selectors.flows import FlowRow
from apps.workflows.services.definitions import layers_for
from apps.workflows.services.flow_checks import save_warnings
from apps.workflows.services.flows import RevisionMoved, SavedFlow, check_source, create_flow, update_flow
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.lookups import readable_flow
from apps.workflows.views.topology import draw_flow

EXAMPLE: Final = """\
id: my_flow
namespace: {namespace}

tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    message: Hello World!
"""
MOST_CHARACTERS: Final = 1_000_000
_READ_ONLY: Final = re.compile(r"""(?mx)^labels:\s*\n(?:[ \t]+.*\n)*?[ \t]+system\.readOnly:\s*["']?true""")


@dataclass(frozen=True)
class Diagnostic:
    """One line under the editor. Line and column count from 1; 0 when no place is known."""

    severity: str
    message: str
    line: int = 0
    column: int = 0


@access("FLOW", "CREATE")
def show_new_flow(request: HttpRequest) -> HttpResponse:
    """An empty editor with an example; `?copy=<namespace>/<id>` starts from a flow."""
    namespace, _, flow_id = request.GET.get("copy", "").partition("/")
    source = readable_flow(request, namespace, flow_id).source if flow_id else EXAMPLE.format(namespace=_first(request))
    return _new_form(request, source)


@access("FLOW", "CREATE")
def save_new_flow(request: HttpRequest) -> HttpResponseBase:
    """Saves and goes to the flow; with problems the form again, its text kept."""
    source = posted_source(request)
    user = current_user(request)
    try:
        namespace = check_source(source).namespace
        check_can(user, "FLOW", "CREATE", namespace)
        saved = create_flow(acting_user=user, source=source)
    except (Invalid, IllegalArgument) as error:
        return _new_form(request, source, problems=error.problems)
    messages.success(request, f"Flow {saved.flow.flow_id} created.")
    _warn(request, saved)
    return redirect(_editor_url(saved.flow.namespace, saved.flow.flow_id))


@access("FLOW", "READ", namespace=IN_VIEW)
def show_source(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The editor; without the permission to change the flow the text can only be read."""
    flow = readable_flow(request, namespace, flow_id)
    return _edit_form(request, flow, flow.source)


@access("FLOW", "READ", namespace=IN_VIEW)
def save_source(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponseBase:
    """Saves the next revision, unless somebody saved another one meanwhile: then that is told, the text kept."""
    flow = readable_flow(request, namespace, flow_id, action="UPDATE")
    source = posted_source(request)
    base = request.POST.get("revision", "")
    expected = int(base) if base.isdecimal() and "overwrite" not in request.POST else None
    try:
        saved = update_flow(
            acting_user=current_user(request),
            namespace=namespace,
            flow_id=flow_id,
            source=source,
            expected_revision=expected,
        )
    except RevisionMoved:
        flow = readable_flow(request, namespace, flow_id, action="UPDATE")
        return _edit_form(request, flow, source, base=base, conflict=True, status=409)
    except (Invalid, IllegalArgument) as error:
        return _edit_form(request, flow, source, base=base, problems=error.problems, status=422)
    if saved.changed:
        messages.success(request, f"Saved as revision {saved.flow.revision}.")
        _warn(request, saved)
    else:
        messages.info(request, "Nothing has changed, so no revision was added.")
    return redirect(_editor_url(namespace, flow_id))


@access("FLOW", "READ")
def validate_source(request: HttpRequest) -> HttpResponse:
    """What is wrong with the posted text, for the list under the editor. Saves nothing.

    Asked for JSON: `diagnostics`, the same list as `html`, and the `graph` as HTML, null while there are errors.
    """
    source = posted_source(request)
    found, flow = _inspected(source)
    problems = render(request, "workflows/flows/_problems.html", {"diagnostics": found})
    if request.headers.get("Accept") != "application/json":
        return problems
    graph = None
    if flow is not None:
        drawing = draw_flow(flow_graph(flow), across=False)
        graph = render(
            request, "workflows/flows/_graph.html", {"drawing": drawing, "flow_id": flow.id}
        ).content.decode()
    shown = {"diagnostics": [asdict(one) for one in found], "html": problems.content.decode(), "graph": graph}
    return JsonResponse(shown)


def diagnostics(source: str) -> list[Diagnostic]:
    """Errors, then warnings, then hints of a source."""
    return _inspected(source)[0]


def _inspected(source: str) -> tuple[list[Diagnostic], FlowDefinition | None]:
    report = inspect_flow(source, plugin_defaults=layers_for(source))
    found = [
        *(_diagnostic("error", violation) for violation in report.violations),
        *(_diagnostic("warning", violation) for violation in report.warnings),
        *(Diagnostic("warning", f"{path} is deprecated") for path in report.deprecation_paths),
        *(Diagnostic("warning", warning) for warning in ([] if report.flow is None else save_warnings(report.flow))),
        *(Diagnostic("info", info) for info in report.infos),
    ]
    return found, report.flow


def is_read_only(source: str) -> bool:
    """Whether the label system.readOnly closes the flow for the console's editor."""
    return _READ_ONLY.search(source) is not None


def _warn(request: HttpRequest, saved: SavedFlow) -> None:
    for warning in save_warnings(saved.definition):
        messages.warning(request, warning)


def _diagnostic(severity: str, violation: Violation) -> Diagnostic:
    return Diagnostic(severity, str(violation), violation.line, violation.column)


def _from_problems(problems: Sequence[Problem]) -> list[Diagnostic]:
    return [
        Diagnostic("error", f"{problem.path}: {problem.message}" if problem.path else problem.message,
                   problem.line or 0, problem.column or 0)
        for problem in problems
    ]  # fmt: skip


def posted_source(request: HttpRequest) -> str:
    """The text that was posted, with the line ends of the source. IllegalArgument when it is too long."""
    source = request.POST.get("source", "").replace("\r\n", "\n")
    if len(source) > MOST_CHARACTERS:
        raise IllegalArgument(f"A flow may have {MOST_CHARACTERS} characters; this text has {len(source)}.")
    return source


def _first(request: HttpRequest) -> str:
    """A namespace the person may write to, for the example."""
    wanted = request.GET.get("namespace", "")
    if wanted:
        return wanted
    allowed = visible_namespaces(current_user(request), "FLOW", "CREATE")
    return allowed[0] if allowed else "company.team"


def _new_form(request: HttpRequest, source: str, problems: Sequence[Problem] = ()) -> HttpResponse:
    found = _from_problems(problems) if problems else diagnostics(source)
    context = {"source": source, "diagnostics": found, "refused": bool(problems), "theirs": "", "draft": "new"}
    return render(request, "workflows/flows/new.html", context, status=422 if problems else 200)


def _edit_form(
    request: HttpRequest,
    flow: FlowRow,
    source: str,
    *,
    base: str = "",
    problems: Sequence[Problem] = (),
    conflict: bool = False,
    status: int = 200,
) -> HttpResponse:
    user = current_user(request)
    read_only = is_read_only(flow.source)
    context = {
        **flow_context(request, flow, tab="edit"),
        "source": source,
        "base": base or str(flow.revision),
        "diagnostics": _from_problems(problems) if problems else diagnostics(source),
        "refused": bool(problems),
        "conflict": conflict,
        "theirs": flow.source if conflict else "",
        "draft": f"{flow.namespace}/{flow.flow_id}",
        "read_only": read_only,
        "may_update": can(user, "FLOW", "UPDATE", flow.namespace) and not read_only,
    }
    return render(request, "workflows/flows/edit.html", context, status=status)


def _editor_url(namespace: str, flow_id: str) -> str:
    return reverse("ui:flow_edit", kwargs={"tenant": require_tenant(), "namespace": namespace, "flow_id": flow_id})
