"""The files of a working directory: written into it before a task runs, collected from it after."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.path_patterns import InvalidPattern, matches
from apps.workflows.plugin_api.run_context import RunContext

_ADDRESS = re.compile(r"kestra:///[^\s'\"`;|&<>()$,\]}]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_WORD = re.compile(r"\w")


class NamespaceFiles(PluginModel):
    """Which files of the namespace are copied into the working directory."""

    enabled: bool = Field(default=True, title="Whether any are copied.")
    include: list[str] = Field(default_factory=list, title="Patterns of the files to copy; all when empty.")
    exclude: list[str] = Field(default_factory=list, title="Patterns of files to leave out.")


def is_namespace_file(pattern: str, path: str) -> bool:
    """Whether a namespace file (``dir/a.py``) is of a pattern; one that begins with a word is looked for at any depth.

    TaskFailed when it is no pattern.
    """
    kind = pattern.partition(":")[0]
    if kind not in ("glob", "regex") and _WORD.match(pattern):
        pattern = f"**/{pattern}"
    try:
        # Patterns are written with the slash that begins a path, or without.
        return matches(pattern, f"/{path}") or matches(pattern, path)
    except InvalidPattern as error:
        raise TaskFailed(str(error)) from error


def copy_namespace_files(context: RunContext, wanted: NamespaceFiles, folder: Path) -> None:
    """Copy the files of the flow's namespace that are wanted; their folders are kept."""
    if not wanted.enabled:
        return
    include = [context.render(pattern) for pattern in wanted.include]
    exclude = [context.render(pattern) for pattern in wanted.exclude]
    files = context.namespace_files()
    for path in files.paths():
        if include and not any(is_namespace_file(pattern, path) for pattern in include):
            continue
        if any(is_namespace_file(pattern, path) for pattern in exclude):
            continue
        context.cancellation.check()
        target = inside(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.open(path) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)


def inside(folder: Path, name: str) -> Path:
    """The path of a file in a folder. TaskFailed when the name would lead out of it."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\x00" in name:
        raise TaskFailed(f"The file name `{name}` must be a path inside the working directory")
    target = folder.joinpath(*path.parts)
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise TaskFailed(f"The file name `{name}` leads out of the working directory")
    return target


def write_input_files(context: RunContext, declared: Mapping[str, Any] | str, folder: Path) -> None:
    """Write each file: a content, or what a ``kestra://`` address names. Null means no file."""
    for name, content in _rendered(context, declared).items():
        target = inside(folder, name)
        if content is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("kestra://"):
            fetch(context, content.strip(), target)
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            target.write_text(text, encoding="utf-8")


def _rendered(context: RunContext, declared: Mapping[str, Any] | str) -> dict[str, Any]:
    found = context.render(declared) if isinstance(declared, str) else context.render_tree(declared)
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError as error:
            raise TaskFailed(f"`inputFiles` must be a map or the JSON of one: {error}") from error
    if not isinstance(found, dict):
        raise TaskFailed("`inputFiles` must be a map or the JSON of one")
    return found


def fetch(context: RunContext, address: str, target: Path) -> None:
    """Copy a file of internal storage to a path. TaskFailed when there is none or it may not be read."""
    try:
        with context.storage.open(address) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except (FileNotFoundError, PermissionError) as error:
        raise TaskFailed(f"Cannot read `{address}`: {error}") from error


def localize(context: RunContext, text: str, folder: Path) -> str:
    """The text with each ``kestra://`` address replaced by the path of a copy made in ``folder``."""
    copies: dict[str, str] = {}

    def copy(found: re.Match[str]) -> str:
        address = found[0]
        if address not in copies:
            name = _UNSAFE.sub("_", address.rsplit("/", 1)[-1])[-100:]
            target = folder / f"{len(copies)}-{name}"
            fetch(context, address, target)
            copies[address] = str(target)
        return copies[address]

    return _ADDRESS.sub(copy, text)


def collect_output_files(
    context: RunContext, patterns: Sequence[str], folder: Path, *, everything_in: Path | None = None
) -> dict[str, str]:
    """Store each file that a pattern names, and all below ``everything_in``; answers path → address.

    Links that lead out of the folder are left where they are.
    """
    wanted = [context.render(pattern) for pattern in patterns]
    stored: dict[str, str] = {}
    for path in files_of(folder, wanted, "outputFiles"):
        relative = path.relative_to(folder).as_posix()
        stored[relative] = context.storage.put(path, relative)
    for path in () if everything_in is None else _files_below(everything_in):
        relative = path.relative_to(folder).as_posix()
        if relative not in stored:
            stored[path.relative_to(everything_in or folder).as_posix()] = context.storage.put(path, relative)
    return stored


def files_of(folder: Path, patterns: Sequence[str], property_name: str) -> list[Path]:
    """The files below a folder that a pattern names, in order. TaskFailed when it is no pattern."""
    if not patterns:
        return []
    try:
        for pattern in patterns:
            matches(pattern, "")  # a pattern that is none is told even when there is no file
        return [
            path
            for path in _files_below(folder)
            if any(matches(pattern, path.relative_to(folder).as_posix()) for pattern in patterns)
        ]
    except InvalidPattern as error:
        raise TaskFailed(f"`{property_name}`: {error}") from error


def _files_below(folder: Path) -> Iterator[Path]:
    root = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file() and path.resolve().is_relative_to(root):
                yield path
