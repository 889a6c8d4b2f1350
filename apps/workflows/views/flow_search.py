"""Looking for a text in the sources of all flows, and taking flows in and out as files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, IllegalArgument, Invalid, Problem
from apps.common.htmx import render_page
from apps.common.search_filters import Criterion, Op
from apps.rbac.decisions import check_can, visible_namespaces
from apps.workflows.selectors.conditions import Conditions, add_text, escape_like
from apps.workflows.selectors.flows import FlowRow, add_visible, find_flow, list_namespaces, not_deleted, search_flows
from apps.workflows.services.flow_bundles import MAX_FLOWS, pack_flows, read_sources, save_flows, unpack_flows

SIZE: Final = 25
MOST_LINES: Final = 12
"""Lines of one flow that are shown."""
MOST_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    """A piece of a line; `hit` when it is what was looked for."""

    text: str
    hit: bool


@dataclass(frozen=True)
class FoundLine:
    """A line that holds the text."""

    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class FoundFlow:
    """A flow and its lines that hold the text; `more` counts those not shown."""

    flow: FlowRow
    lines: tuple[FoundLine, ...]
    more: int


@access("FLOW", "READ")
def search_sources(request: HttpRequest) -> HttpResponse:
    """Flows whose source holds the text `q`, with these lines; `namespace` narrows it. Three queries."""
    wanted, namespace = request.GET.get("q", "").strip()[:500], request.GET.get("namespace", "").strip()
    number = request.GET.get("page", "1")
    page = int(number) if number.isdecimal() and 0 < int(number) < 20_000 else 1
    conditions = _visible(request, "READ", namespace)
    namespaces = list_namespaces(_visible(request, "READ", ""))
    flows: list[FlowRow] = []
    total = 0
    if wanted:
        conditions.add("f.source ILIKE %s", f"%{escape_like(wanted)}%")
        flows, total = search_flows(conditions, order=(), offset=(page - 1) * SIZE, size=SIZE)
    context = {
        "q": wanted,
        "namespace": namespace,
        "namespaces": namespaces,
        "found": [_lines(flow, wanted) for flow in flows],
        "total": total,
        "page": page,
        "pages": max(1, -(-total // SIZE)),
    }
    return render_page(request, "workflows/flows/search.html", context, fragment="workflows/flows/_found.html")


@access("FLOW", "READ")
def export_flows(request: HttpRequest) -> HttpResponse:
    """All flows the person may read, or those of `namespace` and below, as a zip archive of YAML files."""
    conditions = _visible(request, "READ", request.GET.get("namespace", "").strip())
    flows, total = search_flows(conditions, order=(), offset=0, size=MAX_FLOWS)
    if total > MAX_FLOWS:
        raise IllegalArgument(f"These are {total} flows, at most {MAX_FLOWS} go into one file: choose a namespace.")
    headers = {"Content-Disposition": 'attachment; filename="flows.zip"'}
    return HttpResponse(pack_flows(flows), content_type="application/zip", headers=headers)


@access("FLOW", "CREATE")
def show_import(request: HttpRequest) -> HttpResponse:
    """The form that takes a YAML file or a zip archive of them."""
    return render(request, "workflows/flows/import.html", {"problems": []})


@access("FLOW", "CREATE")
def import_flows(request: HttpRequest) -> HttpResponseBase:
    """Creates or updates all flows of the file, or none; what is wrong is listed."""
    upload = request.FILES.get("file")
    if upload is None:
        return _refused(request, [Problem("Choose a file: YAML, or a zip archive of YAML files.", "")])
    if (upload.size or 0) > MOST_BYTES:
        raise BadRequest(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB.")
    user = current_user(request)
    try:
        sources = read_sources(unpack_flows(upload.name or "", upload.read()))
        for one in sources:
            known = find_flow(one.namespace, one.flow_id) is not None
            check_can(user, "FLOW", "UPDATE" if known else "CREATE", one.namespace)
        saved = save_flows(acting_user=user, sources=sources)
    except (Invalid, IllegalArgument) as error:
        return _refused(request, list(error.problems))
    messages.success(request, f"{len(saved)} {'flow' if len(saved) == 1 else 'flows'} imported.")
    return redirect(reverse("ui:flows", kwargs={"tenant": require_tenant()}))


def _refused(request: HttpRequest, problems: list[Problem]) -> HttpResponse:
    return render(request, "workflows/flows/import.html", {"problems": problems}, status=422)


def _visible(request: HttpRequest, action: str, namespace: str) -> Conditions:
    conditions = not_deleted()
    add_visible(conditions, visible_namespaces(current_user(request), "FLOW", action))
    if namespace:
        add_text(conditions, "f.namespace", Criterion("namespace", Op.PREFIX, (namespace,)))
    return conditions


def _lines(flow: FlowRow, wanted: str) -> FoundFlow:
    pattern = re.compile(re.escape(wanted), re.IGNORECASE)
    found = [
        FoundLine(number, _parts(line, pattern))
        for number, line in enumerate(flow.source.splitlines(), 1)
        if pattern.search(line)
    ]
    return FoundFlow(flow, tuple(found[:MOST_LINES]), max(0, len(found) - MOST_LINES))


def _parts(line: str, pattern: re.Pattern[str]) -> tuple[Part, ...]:
    parts: list[Part] = []
    at = 0
    for match in pattern.finditer(line):
        parts += [Part(line[at : match.start()], False), Part(match.group(), True)]
        at = match.end()
    return tuple(part for part in [*parts, Part(line[at:], False)] if part.text)
