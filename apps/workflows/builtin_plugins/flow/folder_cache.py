"""FolderCache: files of a WorkingDirectory that the next execution of the flow finds again."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from apps.workflows.builtin_plugins.working_files import files_of, inside
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level


class FolderCache(PluginModel):
    """Which files are kept, and for how long."""

    patterns: Annotated[list[str], Field(min_length=1, title="Patterns of the files to keep.")]
    ttl: Duration | None = Field(default=None, title="The age at which what was kept is no longer used.")


def restore_cache(context: RunContext, cache: FolderCache, folder: Path) -> dict[str, str]:
    """Unpack what was kept, unless it is too old; answers the digest of each file that may be kept again."""
    held = context.cache()
    kept = held.modified()
    if kept is None:
        context.log(Level.DEBUG, "There is no cache yet")
    elif cache.ttl is not None and context.now() - kept > cache.ttl:
        context.log(Level.DEBUG, f"The cache of {kept.isoformat(timespec='seconds')} is too old and not used")
        # Nothing was restored, so whatever is there afterwards is new.
        return {}
    else:
        _unpack(context, folder)
        context.log(Level.DEBUG, f"The cache of {kept.isoformat(timespec='seconds')} was restored")
    return {} if kept is None else _digests(cache, folder)


def save_cache(context: RunContext, cache: FolderCache, folder: Path, before: Mapping[str, str]) -> None:
    """Keep the files of the patterns, if one of them was changed, added or removed since ``restore_cache``."""
    after = _digests(cache, folder)
    if after == before:
        return
    with tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in after:
                context.cancellation.check()
                archive.write(folder / name, name)
        packed.seek(0)
        context.cache().put(packed)
    context.log(Level.DEBUG, f"The cache now holds {len(after)} files")


def _unpack(context: RunContext, folder: Path) -> None:
    with tempfile.TemporaryFile() as packed:
        # A zip is read from its end, so it is copied from the stream first.
        with context.cache().open() as stored:
            shutil.copyfileobj(stored, packed)
        try:
            with zipfile.ZipFile(packed) as archive:
                for item in archive.infolist():
                    if item.is_dir():
                        continue
                    target = inside(folder, item.filename)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(item) as source, target.open("wb") as copy:
                        shutil.copyfileobj(source, copy)
        except zipfile.BadZipFile as error:
            raise TaskFailed(f"The cache of the task is no zip file: {error}") from error


def _digests(cache: FolderCache, folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in files_of(folder, cache.patterns, "cache.patterns"):
        with path.open("rb") as content:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(content, "sha256").hexdigest()
    return found
