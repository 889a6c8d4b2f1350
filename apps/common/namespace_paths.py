"""Parents of a.b.c: how namespaces inherit from one another."""

import re
from collections.abc import Iterable
from typing import Final

NAMESPACE_PATTERN: Final = re.compile(r"^[a-z0-9][a-z0-9._-]*$")
MAX_LENGTH: Final = 150


def parents(namespace: str) -> list[str]:
    """Those above it, nearest first: a.b.c → [a.b, a]."""
    parts = namespace.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def lineage(namespace: str) -> list[str]:
    """Itself and those above it, nearest first: a.b → [a.b, a]. The first that has a value gives it."""
    return [namespace, *parents(namespace)]


def is_within(namespace: str, ancestor: str) -> bool:
    """Whether it is `ancestor` or lies below it."""
    return namespace == ancestor or namespace.startswith(ancestor + ".")


def is_within_any(namespace: str, ancestors: Iterable[str]) -> bool:
    """Whether it is one of them or lies below one."""
    return any(is_within(namespace, ancestor) for ancestor in ancestors)


def outermost(namespaces: Iterable[str]) -> list[str]:
    """Sorted, without those that lie within another of them."""
    kept: list[str] = []
    for namespace in sorted(set(namespaces), key=lambda name: name.split(".")):
        if not kept or not is_within(namespace, kept[-1]):
            kept.append(namespace)
    return kept


def is_namespace(text: str) -> bool:
    """Whether a namespace may be called so."""
    return len(text) <= MAX_LENGTH and NAMESPACE_PATTERN.match(text) is not None
