"""What there is to read: the documentation, and the installed plugins. Each is a page, and a part for the sidebar."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.htmx import render_page
from apps.console.selectors.docs import get_doc, list_docs, read_doc
from apps.console.selectors.plugins import list_groups, read_type


@member
def list_pages(request: HttpRequest) -> HttpResponse:
    """All pages of the documentation, by section."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for one in list_docs():
        sections.setdefault(one.section, []).append((one.path, one.title))
    return render_page(request, "console/docs.html", {"sections": sections}, fragment="console/_docs.html")


@member
def show_page(request: HttpRequest, path: str) -> HttpResponse:
    """One page of it."""
    base = reverse("ui:docs", kwargs={"tenant": require_tenant()})
    page = get_doc(path)
    context = {"page": page, "document": read_doc(path, base)}
    return render_page(request, "console/doc.html", context, fragment="console/_doc.html")


@member
def list_plugin_types(request: HttpRequest) -> HttpResponse:
    """Types by group; `q` narrows them to those with all its words."""
    query = request.GET.get("q", "").strip()[:200]
    groups = list_groups(query.lower().split())
    context = {"query": query, "groups": groups, "count": sum(len(group.types) for group in groups)}
    return render_page(request, "console/plugins.html", context, fragment="console/_plugins.html")


@member
def show_plugin_type(request: HttpRequest, type_name: str) -> HttpResponse:
    """One type, by any of its names."""
    return render_page(request, "console/plugin.html", {"shown": read_type(type_name)}, fragment="console/_plugin.html")
