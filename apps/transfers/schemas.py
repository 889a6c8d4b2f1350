"""A place's backends and its transfer, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from apps.common.json_values import Shape
from apps.isolation.forms import NOT_MOVED
from apps.transfers.models import Transfer
from apps.transfers.selectors import ShownPlace


class TransferShape(Shape):
    """`kept`: what is newer in the present backend and was left there."""

    id: str
    state: str
    source: str
    target: str
    copied: int
    unchanged: int
    kept: int
    bytes: int
    error: str | None = None
    requested_by: str | None = None
    start_date: datetime
    end_date: datetime | None = None

    @classmethod
    def of(cls, row: Transfer) -> Self:
        return cls(
            id=row.pk, state=row.state, source=row.source_type or "instance", target=row.target_type,
            copied=row.copied, unchanged=row.unchanged, kept=row.kept, bytes=row.bytes, error=row.error or None,
            requested_by=row.requested_by or None, start_date=row.created, end_date=row.ended,
        )  # fmt: skip


class PlaceShape(Shape):
    """`source` of what holds: a namespace, `tenant` or `instance`."""

    type: str
    source: str
    configuration: dict[str, Any] | None = None
    former: str | None = None
    not_moved: str = NOT_MOVED
    denied: bool
    transfer: TransferShape | None = None

    @classmethod
    def of(cls, place: ShownPlace) -> Self:
        return cls(
            type=place.effective.type,
            source=place.effective.source,
            configuration=None if place.own is None else place.own.configuration,
            former=None if place.former is None else place.former or "as around it",
            denied=place.denied,
            transfer=None if place.transfer is None else TransferShape.of(place.transfer),
        )
