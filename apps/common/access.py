"""Marks a route with what it needs; the middleware of rbac enforces the mark. No mark, no entry."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

View = TypeVar("View", bound=Callable[..., Any])
_ATTRIBUTE: Final = "access_marks"
ANY_METHOD: Final = "*"


class Guard(StrEnum):
    """Who comes in."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    SUPER_ADMIN = "super admin"
    PERMITTED = "permitted"


@dataclass(frozen=True)
class Mark:
    """What a route needs. With `in_tenant` the person must also have access to the open tenant.

    Where the permission must hold: in the namespace that the route's argument `namespace` gives; else in the one that
    the query's `namespace_query` gives; else, with `everywhere`, in the whole tenant; else in any namespace, and the
    view narrows what it shows. With `delegated` a permission on the tenant's own things, which else counts only when it
    is held in the whole tenant, is enough in any namespace: the view and its service look at which.
    """

    guard: Guard
    permission: str = ""
    action: str = ""
    namespace: str = "namespace"
    namespace_query: str = ""
    everywhere: bool = False
    in_tenant: bool = True
    delegated: bool = False


def access(
    permission: str,
    action: str,
    *,
    namespace: str = "namespace",
    namespace_query: str = "",
    everywhere: bool = False,
    delegated: bool = False,
) -> Callable[[View], View]:
    """The person needs this permission (rbac/catalog.py) with this action, in the open tenant; Mark says where.

    Give `namespace_query` only to a view that shows nothing outside the namespace of that query value, and `delegated`
    only to one that looks itself at where the person holds the permission.
    """
    return _marker(
        Mark(Guard.PERMITTED, permission, action, namespace, namespace_query, everywhere, delegated=delegated)
    )


def signed_in(view: View) -> View:
    """Anyone who is signed in, whatever the tenant: a person's own things."""
    return _marker(Mark(Guard.SIGNED_IN, in_tenant=False))(view)


def member(view: View) -> View:
    """Anyone who has access to the open tenant."""
    return _marker(Mark(Guard.SIGNED_IN))(view)


def super_admin(view: View) -> View:
    """Instance-level routes: only a super admin."""
    return _marker(Mark(Guard.SUPER_ADMIN, in_tenant=False))(view)


def public(view: View) -> View:
    """Everyone, signed in or not: the view itself decides. Each one is listed in tests/test_architecture.py."""
    return _marker(Mark(Guard.PUBLIC, in_tenant=False))(view)


def marks_of(view: Callable[..., Any]) -> dict[str, Mark]:
    """Method (or ANY_METHOD) → mark; empty when there is none."""
    marks: dict[str, Mark] = getattr(view, _ATTRIBUTE, {})
    return marks


def mark_for(view: Callable[..., Any], method: str) -> Mark | None:
    """The mark that holds for a request; HEAD is a GET. None when there is none."""
    marks = marks_of(view)
    return marks.get("GET" if method == "HEAD" else method) or marks.get(ANY_METHOD)


def set_marks(view: Callable[..., Any], marks: dict[str, Mark]) -> None:
    """For those that build one view from several functions."""
    setattr(view, _ATTRIBUTE, marks)


def _marker(mark: Mark) -> Callable[[View], View]:
    def put(view: View) -> View:
        set_marks(view, {ANY_METHOD: mark})
        return view

    return put
