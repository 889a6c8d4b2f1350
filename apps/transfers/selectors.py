"""What is shown of a place's backends and of the copy into the present one."""

from __future__ import annotations

from dataclasses import dataclass

from apps.isolation.catalog import Kind
from apps.isolation.selectors import Resolved, ShownChoice, former_choice, is_denied, resolve, show_choice
from apps.transfers.models import Transfer


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """The choice of this very place, what holds and who says so, and what may be copied."""

    kind: Kind
    own: ShownChoice | None
    effective: Resolved
    former: str | None
    """The type before the last change, empty for what was around; None when nothing was ever changed."""
    transfer: Transfer | None
    denied: bool
    """Whether this process may not touch a dedicated backend: then it cannot show what lies there."""


def show_place(kind: Kind, namespace: str) -> ShownPlace:
    """A namespace or WHOLE_TENANT. Five queries at most."""
    former = former_choice(kind, namespace)
    return ShownPlace(
        kind=kind,
        own=show_choice(kind, namespace),
        effective=resolve(kind, namespace),
        former=None if former is None else former.type,
        transfer=newest_transfer(kind, namespace),
        denied=is_denied(kind),
    )


def newest_transfer(kind: Kind, namespace: str) -> Transfer | None:
    """The one under way or the last that ended."""
    return Transfer.objects.filter(kind=kind, namespace=namespace).order_by("-created").first()
