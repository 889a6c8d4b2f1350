"""The rules of the house that import-linter cannot see."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from apps.common.access import Guard, marks_of
from apps.common.models import ScopedManager
from apps.rbac.catalog import Action, Permission
from apps.workflows.expressions.reference import reference
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.registry import plugin_class, type_names

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    {"console"},
    {"userapps", "dashboards", "transfers"},
    {"workflows"},
    {"secrets"},
    {"namespaces"},
    {"instance", "invitations", "announcements", "bookmarks"},
    {"rbac"},
    {"timers", "mail"},
    {"tenants"},
    {"accounts"},
    {"storage"},
    {"isolation"},
    {"audit", "live"},
    {"encryption"},
    {"common"},
]
"""As in pyproject.toml, highest first."""

PUBLIC_ROUTES = {
    "",
    "ui",
    "ping",
    "health",
    "login",
    "api/v1/auths",
    "api/v1/openapi",
    "api/docs",
    "api/v1/executions/webhook/<str:namespace>/<str:flow_id>/<str:key>",
    "api/v1/<tenant:tenant>/executions/webhook/<str:namespace>/<str:flow_id>/<str:key>",
    "ui/login",
    "ui/login/forgot",
    "ui/login/mfa",
    "ui/reset/done",
    "ui/reset/<str:token>",
    "oauth/login/<slug:name>",
    "oauth/callback/<slug:name>",
    "ui/setup",
    "api/v1/setup",
    "api/v1/forgotten-password",
    "api/v1/reset-password",
    "ui/logout",
    "api/v1/apps/view/<str:uid>",
    "api/v1/apps/view/<str:uid>/dispatch/<str:dispatch>",
    "api/v1/apps/view/<str:uid>/streams/<str:stream>",
    "api/v1/apps/view/<str:uid>/file/meta",
    "api/v1/apps/view/<str:uid>/file/preview",
    "api/v1/apps/view/<str:uid>/file/download",
    "api/v1/apps/view/<str:uid>/logs/download",
    "api/v1/<tenant:tenant>/apps/view/<str:uid>",
    "api/v1/<tenant:tenant>/apps/view/<str:uid>/dispatch/<str:dispatch>",
    "api/v1/<tenant:tenant>/apps/view/<str:uid>/streams/<str:stream>",
    "api/v1/<tenant:tenant>/apps/view/<str:uid>/file/meta",
    "api/v1/<tenant:tenant>/apps/view/<str:uid>/file/preview",
    "api/v1/<tenant:tenant>/apps/view/<str:uid>/file/download",
    "api/v1/<tenant:tenant>/apps/view/<str:uid>/logs/download",
    "ui/<tenant:tenant>/apps/<app:uid>",
    "ui/<tenant:tenant>/apps/<app:uid>/inputs",
    "ui/<tenant:tenant>/apps/<app:uid>/events",
    "ui/<tenant:tenant>/apps/<app:uid>/file",
    "ui/<tenant:tenant>/apps/<app:uid>/logs",
    "ui/<tenant:tenant>/apps/<app:uid>/thumbnail",
    "ui/<tenant:tenant>/apps/logo",
    "mail/events/<str:signed>",
    "ui/invite/<str:token>",
    "api/v1/invitation/create/<str:invitation_id>",
}
"""Routes that everyone may call. Each one was thought about; see api-map.md §1.2."""

LONGEST_FILE = 400
STATE_WRITERS = ("apps/workflows/execution_store/", "apps/workflows/models/", "apps/workflows/migrations/")
WRITES = re.compile(
    r"\b(?:Execution|TaskRun)\.objects\.(?:[a-z_]+\([^\n]*\)\.)*"
    r"(?:create|bulk_create|update|bulk_update|delete|get_or_create|update_or_create|raw)\("
    r"|(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(?:execution|task_run)\"?[\s(]",
    re.IGNORECASE,
)


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("apps.")]


def app_of(model: type[models.Model]) -> str:
    return model.__module__.split(".")[1]


def is_tenant_only(model: type[models.Model]) -> bool:
    name = f"apps.{app_of(model)}"
    return name in settings.TENANT_APPS and name not in settings.SHARED_APPS


def python_files() -> Iterator[Path]:
    for folder in ("apps", "kestra_ee", "tests"):
        yield from (path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def all_routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from all_routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def test_foreign_keys_point_downwards() -> None:
    level = {app: number for number, names in enumerate(LAYERS) for app in names}
    upwards = [
        f"{model.__name__}.{field.name} → {field.related_model.__name__}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.ManyToManyField)
        and isinstance(field.related_model, type)
        and field.related_model.__module__.startswith("apps.")
        and level[app_of(model)] > level[app_of(field.related_model)]
    ]
    assert upwards == []


def test_no_foreign_key_crosses_schemas() -> None:
    crossing = [
        f"{model.__name__}.{field.name}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.ManyToManyField)
        and isinstance(field.related_model, type)
        and is_tenant_only(model) != is_tenant_only(field.related_model)
    ]
    assert crossing == []


def test_each_app_has_its_place() -> None:
    known = {name for names in LAYERS for name in names}
    there = {path.parent.name for path in (ROOT / "apps").glob("*/__init__.py")}
    assert there <= known
    placed = {
        app.removeprefix("apps.") for app in (*settings.SHARED_APPS, *settings.TENANT_APPS) if app.startswith("apps.")
    }
    assert there <= placed, "each app is in SHARED_APPS, TENANT_APPS or both (kestra_ee/settings/apps.py)"


def test_each_tenant_model_uses_the_scoped_manager() -> None:
    unguarded = [
        model.__name__
        for model in our_models()
        if is_tenant_only(model)
        and not (isinstance(model._default_manager, ScopedManager) and isinstance(model._base_manager, ScopedManager))
    ]
    assert unguarded == []


def test_each_route_carries_a_mark_or_is_on_the_public_list() -> None:
    routes = [(route, pattern) for route, pattern in all_routes(get_resolver().url_patterns)]
    ours = [(route, pattern) for route, pattern in routes if not route.startswith("admin/")]
    assert len(ours) > 40
    assert [route for route, pattern in ours if not marks_of(pattern.callback)] == []
    public = {
        route
        for route, pattern in ours
        if any(mark.guard is Guard.PUBLIC for mark in marks_of(pattern.callback).values())
    }
    assert public <= PUBLIC_ROUTES


def test_marks_name_permissions_that_exist() -> None:
    for route, pattern in all_routes(get_resolver().url_patterns):
        for mark in marks_of(pattern.callback).values():
            if mark.guard is Guard.PERMITTED:
                assert mark.permission in Permission.__members__, route
                assert mark.action in Action.__members__, route


def test_no_file_is_too_long() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert too_long == {}


def test_each_module_opens_with_its_part() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if "migrations" not in path.parts and (text := path.read_text().lstrip()) and not text.startswith('"""')
    ]
    assert silent == []


def test_only_the_execution_store_writes_executions_and_task_runs() -> None:
    writers = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in python_files()
        if not str(path.relative_to(ROOT)).startswith((*STATE_WRITERS, "tests/"))
        for match in WRITES.finditer(path.read_text())
    ]
    assert writers == []


def test_the_search_for_writers_finds_one() -> None:
    assert WRITES.search('Execution.objects.filter(id="x").update(state=1)')
    assert WRITES.search("TaskRun.objects.bulk_create(rows)")
    assert WRITES.search("UPDATE task_run SET state = 1")
    assert not WRITES.search("Execution.objects.filter(id=x).values()")


def test_no_app_imports_the_project() -> None:
    importing = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "apps").rglob("*.py")
        if re.search(r"^\s*(?:from|import) kestra_ee\b", path.read_text(), re.MULTILINE)
    ]
    assert importing == []


def test_each_registered_type_has_its_documentation_and_an_example() -> None:
    names = type_names()
    assert len(names) > 20
    silent = []
    for name in names:
        found = plugin_class(name)
        assert issubclass(found, Documented), f"{name} is not Documented"
        if not (found.__doc__ or "").strip() or not found.examples:
            silent.append(name)
    assert silent == []


def test_each_filter_function_and_test_has_its_meaning_and_an_example() -> None:
    entries = reference()
    assert len(entries) > 50
    assert [entry.name for entry in entries if not entry.meaning or not entry.example] == []


def test_each_module_of_apps_is_known_to_mypy_and_the_import_rules() -> None:
    """A folder without __init__.py would be seen by neither."""
    folders = {path.parent for path in (ROOT / "apps").rglob("*.py")}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_models_and_migrations_agree(db: None) -> None:
    output = StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=1, stdout=output)
    except SystemExit:
        pytest.fail(f"run makemigrations:\n{output.getvalue()}")
