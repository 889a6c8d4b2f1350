"""Type name or alias → class. Every type, ours too, is an entry point of the group ``kestra.plugins``."""

from __future__ import annotations

import difflib
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points

from apps.workflows.plugin_api.errors import MissingLibrary, UnknownType
from apps.workflows.plugin_api.model import PluginModel

GROUP = "kestra.plugins"


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def type_names() -> list[str]:
    """All names and aliases there are, sorted."""
    return sorted(_entries())


def is_registered(type_name: str) -> bool:
    """True when a plugin has the name; nothing is imported."""
    return type_name in _entries()


@cache
def names_of(type_name: str) -> tuple[str, ...]:
    """All names of the same class, the given one too; only that one when it is not registered.

    The first is the name of today: it ends as the class is called, and is none of the core packages of old.
    """
    entry = _entries().get(type_name)
    if entry is None:
        return (type_name,)

    def age(name: str) -> tuple[bool, bool, bool, int, str]:
        renamed = name.rsplit(".", 1)[-1] != entry.attr
        moved = name.startswith("io.kestra.core.")
        return renamed, moved, not name.startswith("io.kestra.plugin.core."), len(name), name

    return tuple(sorted((name for name, other in _entries().items() if other.value == entry.value), key=age))


@cache
def plugin_class(type_name: str) -> type[PluginModel]:
    """The class behind a ``type:``; its module is imported when the type is first used.

    UnknownType (with the nearest name) when no plugin has the name, MissingLibrary when its library is not installed.
    """
    entry = _entries().get(type_name)
    if entry is None:
        raise UnknownType(type_name, nearest_type(type_name))
    try:
        found = entry.load()
    except ImportError as error:
        raise MissingLibrary(_advice(entry, error)) from error
    if not (isinstance(found, type) and issubclass(found, PluginModel)):
        raise TypeError(f"The entry point of `{type_name}` names {found!r}, which is no plugin class")
    return found


def _advice(entry: EntryPoint, error: ImportError) -> str:
    """What to install: the extra that the entry point names after its class, as in ``module:Class [duckdb]``."""
    missing = f"`{entry.name}` needs a library that is not installed here: {error}"
    if not entry.extras or entry.dist is None:
        return missing
    return f"{missing}. Install it on the workers and the server: pip install '{entry.dist.name}[{entry.extras[0]}]'"


@lru_cache(maxsize=500)
def nearest_type(type_name: str) -> str | None:
    """The registered name that is written most alike: by its last part first, then as a whole."""
    names = type_names()
    short = type_name.rsplit(".", 1)[-1].lower()
    same_end = [name for name in names if name.rsplit(".", 1)[-1].lower() == short]
    close = difflib.get_close_matches(type_name, same_end or names, n=1, cutoff=0.0 if same_end else 0.85)
    if close:
        return close[0]
    ends = {name.rsplit(".", 1)[-1].lower(): name for name in names}
    by_end = difflib.get_close_matches(short, list(ends), n=1, cutoff=0.7)
    return ends[by_end[0]] if by_end else None
