"""What a WorkingDirectory brings into its folder and keeps of it."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.flow_language.source import InvalidFlow, parse_flow
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.task import UnitTask
from tests.support.run_context import NOW, FakeRunContext

LOG = "{id: a, type: io.kestra.plugin.core.log.Log, message: m}"


def unit(body: str, tasks: str = f"[{LOG}]") -> UnitTask:
    source = "id: f\nnamespace: n\ntasks:\n  - id: x\n    type: io.kestra.plugin.core.flow.WorkingDirectory\n"
    found = parse_flow(source + "".join(f"    {line}\n" for line in [f"tasks: {tasks}", *body.splitlines()])).tasks[0]
    assert isinstance(found, UnitTask)
    return found


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path)


def outputs(task: UnitTask, context: FakeRunContext, held: Any = None) -> dict[str, Any] | None:
    output = task.tear_down(context, held)
    return None if output is None else output.model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ("[]", "The 'tasks' property cannot be empty"),
        (
            f"[{{id: s, type: io.kestra.plugin.core.flow.Sequential, tasks: [{LOG}]}}]",
            "Only runnable tasks are allowed as children of a WorkingDirectory task",
        ),
        (
            "[{id: s, type: io.kestra.plugin.core.flow.Sleep, duration: PT1S}]",
            "Only runnable tasks are allowed as children of a WorkingDirectory task",
        ),
        (
            "[{id: a, type: io.kestra.plugin.core.log.Log, message: m, workerGroup: {key: gpu}}]",
            "Cannot set a Worker Group in any WorkingDirectory sub-tasks",
        ),
    ],
)
def test_what_a_unit_cannot_hold_is_refused_when_saved(tasks: str, message: str) -> None:
    with pytest.raises(InvalidFlow, match=message):
        unit("", tasks)


def test_files_are_brought_and_kept(context: FakeRunContext) -> None:
    files = context.namespace_files()
    for path in ("keep/a.txt", "keep/b.md", "ignore/c.txt", "top.txt"):
        files.put(path, path.encode())
    task = unit(
        "namespaceFiles: {exclude: ['/ignore/**'], include: ['*.txt', 'a.txt', '/ignore/**']}\n"
        'inputFiles: {"in.txt": "{{ flow.id }}", "none.txt": null}\noutputFiles: ["*.txt"]'
    )
    held = task.set_up(context)
    folder = context.working_directory()
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == ["in.txt", "keep/a.txt", "top.txt"]
    assert (folder / "in.txt").read_text() == "flow"
    result = outputs(task, context, held)
    assert result is not None
    assert sorted(result["outputFiles"]) == ["in.txt", "top.txt"]


def test_without_output_files_there_is_no_output(context: FakeRunContext) -> None:
    task = unit("")
    assert outputs(task, context, task.set_up(context)) is None
    assert unit("namespaceFiles: {enabled: false}").set_up(context) is None


CACHE = "cache: {patterns: ['data/**'], ttl: PT1H}"


def test_a_cache_is_found_again_and_written_only_when_a_file_of_it_changed(tmp_path: Path) -> None:
    task = unit(CACHE)
    first = FakeRunContext(tmp_path / "1")
    held = task.set_up(first)
    (first.working_directory() / "data").mkdir()
    (first.working_directory() / "data" / "a.txt").write_text("one")
    (first.working_directory() / "other.txt").write_text("not kept")
    task.tear_down(first, held)
    cache = first.held_cache
    assert cache.writes == 1

    second = FakeRunContext(tmp_path / "2")
    second.held_cache = cache
    held = task.set_up(second)
    folder = second.working_directory()
    assert (folder / "data" / "a.txt").read_text() == "one"
    assert not (folder / "other.txt").exists()
    (folder / "elsewhere.txt").write_text("no matter")
    task.tear_down(second, held)
    assert cache.writes == 1, "nothing of it changed"

    (folder / "data" / "a.txt").unlink()
    (folder / "data" / "b.txt").write_text("two")
    task.tear_down(second, held)
    assert cache.writes == 2
    with zipfile.ZipFile(io.BytesIO(cache.content or b"")) as archive:
        assert archive.namelist() == ["data/b.txt"]


def test_a_cache_that_is_too_old_is_not_used_and_made_anew(tmp_path: Path) -> None:
    context = FakeRunContext(tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data/a.txt", "old")
    context.held_cache.content = packed.getvalue()
    task = unit(CACHE)

    context.held_cache.stored_at = NOW - timedelta(hours=1)
    task.set_up(context)
    assert (context.working_directory() / "data" / "a.txt").exists(), "an hour old is not too old"
    (context.working_directory() / "data" / "a.txt").unlink()

    context.held_cache.stored_at = NOW - timedelta(hours=1, seconds=1)
    held = task.set_up(context)
    assert not (context.working_directory() / "data" / "a.txt").exists()
    (context.working_directory() / "data" / "a.txt").write_text("old")
    task.tear_down(context, held)
    assert context.held_cache.writes == 1, "the same file again, but with a new age"


@pytest.mark.parametrize(("name", "message"), [("../out.txt", "must be a path inside"), (None, "is no zip file")])
def test_a_cache_cannot_write_outside_the_folder(tmp_path: Path, name: str | None, message: str) -> None:
    context = FakeRunContext(tmp_path)
    packed = io.BytesIO(b"nonsense")
    if name is not None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, "x")
    context.held_cache.content = packed.getvalue()
    with pytest.raises(TaskFailed, match=message):
        unit(CACHE).set_up(context)
    assert not (tmp_path / "out.txt").exists()
