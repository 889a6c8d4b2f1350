"""Every route of the API that writes leaves an audit entry, or stands on a list with its reason."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

WRITES = ("post", "put", "patch", "delete")
NO_ENTRY = {
    # reads whose arguments are too many for an address, and what stores nothing
    "suggest_groups": "suggestions while one types",
    "suggest_people": "suggestions while one types",
    "suggest_roles": "suggestions while one types",
    "complete_namespace": "suggestions while one types",
    "groups_by_ids": "a read by ids",
    "roles_by_ids": "a read by ids",
    "find_audit_log": "a read with a body",
    "draw_source": "draws what is sent, stores nothing",
    "evaluate": "renders what is sent, stores nothing",
    "preview_app": "shows what is sent, stores nothing",
    "validate_flows": "stores nothing",
    "validate_inputs": "stores nothing",
    "validate_resume": "stores nothing",
    "validate_task": "stores nothing",
    "validate_templates": "stores nothing",
    "validate_trigger": "stores nothing",
    "test_tenant_connection": "a probe that leaves nothing behind",
    "test_namespace_connection": "a probe that leaves nothing behind",
    "export_by_ids": "sources that the person may open one by one",
    # a person's own small things, which nobody else sees
    "post_dismissal": "which banner one has put away",
    "post_news_read": "which news one has read",
    "put_order": "the order of one's bookmarks",
    # machines
    "call": "what a webhook starts is told by its execution, as with all triggers",
}
"""Functions of routes that write nothing, or leave no entry, each with the reason."""
BY_TABLE = {
    *(f"{word}_by_ids" for word in ("force_run", "pause", "replay", "restart", "resume", "unqueue", "change_status")),
    "change_status_by_query",
    "force_run_by_query",
    "pause_by_query",
    "replay_by_query",
    "restart_by_query",
    "resume_by_query",
    "unqueue_by_query",
    "act",
}
"""Functions that find what they call in a table, where the search below cannot follow: they do what the functions for
one execution or trigger do, which are looked at, through the same services."""


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def handlers() -> dict[str, tuple[str, Callable[..., Any]]]:
    """Functions behind POST, PUT, PATCH and DELETE of the API, by module and name, with a route each."""
    found = {}
    for route, pattern in routes(get_resolver().url_patterns):
        view = getattr(pattern.callback, "cls", None)
        if not route.startswith("api/v1/") or view is None:
            continue
        for method in WRITES:
            if (bound := view.__dict__.get(method)) is not None:
                handler = getattr(bound, "__wrapped__", bound)
                found[f"{handler.__module__}.{handler.__name__}"] = (route, handler)
    return found


def reaches_record(function: Callable[..., Any]) -> bool:
    return _reaches(function.__module__, function.__qualname__, frozenset())


def _reaches(module_name: str, name: str, seen: frozenset[tuple[str, str]]) -> bool:
    """Whether the source of a function names `record`, or a function of ours that does, however deep."""
    if (module_name, name) in seen or len(seen) > 12:
        return False
    module = import_module(module_name)
    for called in _names(module_name, name):
        if called == "record":
            return True
        target = _resolve(module, called)
        if (
            (inspect.isfunction(target) or inspect.isclass(target))
            and getattr(target, "__module__", "").startswith("apps.")
            and _reaches(target.__module__, target.__qualname__, seen | {(module_name, name)})
        ):
            return True
    return False


@cache
def _names(module_name: str, name: str) -> frozenset[str]:
    target = _resolve(import_module(module_name), name)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(target))))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            parts: list[str] = []
            inner: ast.expr = node
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                found.add(".".join([inner.id, *reversed(parts)]))
    return frozenset(found)


def _resolve(module: ModuleType, dotted: str) -> Any:
    target: Any = module
    for part in dotted.split("."):
        target = getattr(target, part, None)
        if target is None:
            return None
    return target


def test_every_route_that_writes_comes_to_an_audit_entry() -> None:
    found = handlers()
    assert len(found) > 60
    silent = {
        f"{name} ({route})"
        for name, (route, handler) in found.items()
        if handler.__name__ not in NO_ENTRY.keys() | BY_TABLE and not reaches_record(handler)
    }
    assert silent == set(), "give each an audit entry, or a line above with its reason"


def test_lists_name_only_what_is_there() -> None:
    there = {name.rsplit(".", 1)[1] for name in handlers()}
    assert (NO_ENTRY.keys() | BY_TABLE) - there == set()
