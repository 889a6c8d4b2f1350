"""What differs between two states, as lines for people and as JSON Patch (RFC 6902) for the API. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["add", "remove", "replace"]


@dataclass(frozen=True)
class Difference:
    """One value that differs; `path` holds the names that lead to it."""

    path: tuple[str, ...]
    kind: Kind
    before: Any = None
    after: Any = None

    @property
    def name(self) -> str:
        return ".".join(self.path)


def differences(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """In the order of names. Objects are compared name by name, lists as a whole. None is the empty object."""
    left, right = before or {}, after or {}
    for name in sorted({*left, *right}):
        here = (*path, name)
        if name not in left:
            yield Difference(here, "add", None, right[name])
        elif name not in right:
            yield Difference(here, "remove", left[name], None)
        elif isinstance(left[name], Mapping) and isinstance(right[name], Mapping):
            yield from differences(left[name], right[name], here)
        elif left[name] != right[name]:
            yield Difference(here, "replace", left[name], right[name])


def json_patch(before: Any, after: Any) -> list[dict[str, Any]]:
    """The operations that make `after` of `before`."""
    found = []
    for one in differences(before, after):
        operation: dict[str, Any] = {"op": one.kind, "path": "".join(f"/{_escaped(step)}" for step in one.path)}
        if one.kind != "remove":
            operation["value"] = one.after
        found.append(operation)
    return found


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
