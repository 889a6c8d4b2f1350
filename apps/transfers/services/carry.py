"""What a worker does for a few seconds at a time; whoever takes it up after a kill goes on behind the last cursor."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F

from apps.common.dispatch import send_now, worker_queue
from apps.common.errors import ProductError
from apps.common.ids import new_id
from apps.isolation.catalog import Kind
from apps.isolation.selectors import read_choices
from apps.secrets.backends.base import SecretsReadOnly
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope
from apps.timers.services import HeldLease, drop_tenant_timers, give_lease_back, renew_leases, take_leases, went_well
from apps.transfers.models import Transfer, TransferState
from apps.transfers.services.begin import LEASE, POOL, finish, record_transfer
from apps.transfers.services.copying import CopyDiffers, Step, steps

log = structlog.get_logger(__name__)

LENGTH: Final = timedelta(seconds=30)
"""So long after a kill another worker goes on."""
RENEWED_EVERY: Final = 5.0
SLICE: Final = 20.0
"""Seconds, then other work has its turn."""
SAVED_EVERY: Final = 1.0
USELESS: Final = (CopyDiffers, SecretsReadOnly)
"""Trying again would end the same."""


class LeaseLost(Exception):
    """Another worker has the transfer, or it was cancelled."""


def carry_on() -> bool:
    """Take one transfer that nobody holds and copy for a while; False when there is none.

    An error of a backend is shown at the transfer, which is tried again after 1, 2, 4, … seconds, at most a minute.
    """
    with public_scope():
        held = take_leases(LEASE, [POOL], [new_id()], LENGTH)
    for lease in held:
        try:
            with tenant_scope(lease.tenant):
                _carry(lease)
        except UnknownTenant:
            with public_scope():
                drop_tenant_timers(lease.tenant)
    return bool(held)


def _carry(lease: HeldLease) -> None:
    row = Transfer.objects.filter(pk=lease.key, state=TransferState.RUNNING).first()
    if row is None:
        give_lease_back(lease.token, failed=True)
        return
    try:
        is_over = _Slice(lease, row).copy()
    except LeaseLost:
        return
    except USELESS as error:
        with transaction.atomic():
            if finish(row, TransferState.FAILED, error.message):
                record_transfer(None, "UPDATE", row)
    except (ProductError, OSError) as error:
        text = error.message if isinstance(error, ProductError) else f"{type(error).__name__}: {error}"
        log.warning("transfer met an error and is tried again", transfer=row.pk, error=text)
        Transfer.objects.filter(pk=row.pk).update(error=text[:1000])
        give_lease_back(lease.token, failed=True)
    else:
        if is_over:
            with transaction.atomic():
                if finish(row, TransferState.DONE):
                    record_transfer(None, "UPDATE", row)
            return
        give_lease_back(lease.token, failed=False)
        send_now("transfers.carry", queue=worker_queue(POOL), tenant=None)


class _Slice:
    """A few seconds of one transfer; progress is stored each second and at the end."""

    def __init__(self, lease: HeldLease, row: Transfer) -> None:
        self._lease = lease
        self._row = row
        self._began = self._renewed = self._saved = time.monotonic()
        self._new = {"copied": 0, "unchanged": 0, "kept": 0, "bytes": 0}

    def copy(self) -> bool:
        """True when nothing is left. LeaseLost, and the errors of the backends, with what was done stored."""
        choices = read_choices(Kind(self._row.kind))
        try:
            for step in steps(self._row, choices, self._alive):
                self._count(step)
                if time.monotonic() - self._began > SLICE:
                    return False
        finally:
            self._save()
        went_well(self._lease.token)
        return True

    def _count(self, step: Step) -> None:
        self._row.cursor = step.cursor
        self._new[step.outcome] += 1
        self._new["bytes"] += step.size if step.outcome == "copied" else 0
        if time.monotonic() - self._saved > SAVED_EVERY:
            self._save()

    def _save(self) -> None:
        self._saved = time.monotonic()
        more = {name: F(name) + count for name, count in self._new.items()}
        saved = Transfer.objects.filter(pk=self._row.pk, state=TransferState.RUNNING).update(
            cursor=self._row.cursor, error="", **more
        )
        for name, count in self._new.items():
            setattr(self._row, name, getattr(self._row, name) + count)
        self._new = dict.fromkeys(self._new, 0)
        if not saved:
            raise LeaseLost

    def _alive(self) -> None:
        if time.monotonic() - self._renewed > RENEWED_EVERY:
            self._renewed = time.monotonic()
            if not renew_leases([self._lease.token], LENGTH):
                raise LeaseLost
