"""Start a transfer, or end one that is under way."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.services import Actor, record
from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.dispatch import send, worker_queue
from apps.common.errors import IllegalState, NotFound
from apps.encryption.services import encrypt
from apps.isolation.catalog import Kind
from apps.isolation.selectors import former_choice, read_choices, resolve
from apps.rbac.decisions import check_can
from apps.timers.services import offer_lease, withdraw_leases
from apps.transfers.models import Transfer, TransferState
from apps.transfers.selectors import newest_transfer

LEASE: Final = "transfer"
POOL: Final = "default"
"""The worker group that carries transfers: executor and web may be kept away from dedicated backends."""


READ_BY_COPYING: Final = {
    Kind.STORAGE: (("FLOW", "READ"), ("EXECUTION", "READ"), ("KVSTORE", "READ")),
    Kind.SECRET: (("SECRET", "UPDATE"),),
}
"""A copy goes to a backend of one's own choice: who may not read a thing must not have it copied there."""


def check_may_copy(user: User, kind: Kind, namespace: str) -> None:
    """Forbidden."""
    for permission, action in READ_BY_COPYING[kind]:
        check_can(user, permission, action, namespace)


def start_transfer(*, acting_user: User | None, kind: Kind, namespace: str) -> Transfer:
    """Copy what lies where the place's things were before its last change; a worker begins at once, nothing is deleted.

    IllegalState when nothing was changed, or one is under way.
    """
    former, choices = former_choice(kind, namespace), read_choices(kind)
    if former is None:
        raise IllegalState("Nothing can be copied: the backend was never changed.")
    source = former if former.type else choices.around(namespace)
    if source is not None and source.error is not None:
        raise source.error
    holds = choices.deciding(namespace)
    if (source.version if source else "") == (holds.version if holds else ""):
        raise IllegalState("Nothing can be copied: the backend before is the one that holds now.")
    row = Transfer(
        kind=kind,
        namespace=namespace,
        source_type=source.type if source else "",
        source_configuration=encrypt(source.configuration) if source else "",
        target_type=resolve(kind, namespace).type,
        requested_by="" if acting_user is None else acting_user.username,
    )
    if source is not None:
        row.source_version = source.version
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise IllegalState("A copy is under way already: wait for it, or cancel it.") from error
        offer_lease(require_tenant("A transfer"), LEASE, row.pk, POOL)
        record_transfer(acting_user, "CREATE", row)
        send("transfers.carry", queue=worker_queue(POOL), tenant=None)
    return row


def cancel_transfer(*, acting_user: User | None, kind: Kind, namespace: str) -> Transfer:
    """What was copied stays. NotFound when none is under way."""
    with transaction.atomic():
        row = newest_transfer(kind, namespace)
        if row is None or not finish(row, TransferState.CANCELLED):
            raise NotFound("No copy is under way.")
        record_transfer(acting_user, "UPDATE", row)
    return row


def finish(row: Transfer, state: TransferState, error: str = "") -> bool:
    """Within a transaction; False when it has ended already."""
    ended = now()
    changed = Transfer.objects.filter(pk=row.pk, state=TransferState.RUNNING).update(
        state=state, ended=ended, error=error, source_configuration=""
    )
    if changed:
        row.state, row.ended, row.error = state, ended, error
        withdraw_leases(require_tenant("A transfer"), LEASE, [row.pk])
    return bool(changed)


def record_transfer(acting_user: Actor | None, action: str, row: Transfer) -> None:
    """Counts, never names of files or keys."""
    detail: dict[str, Any] = {
        "namespace": row.namespace, "kind": row.kind, "state": row.state, "from": row.source_type or "instance",
        "to": row.target_type, "copied": row.copied, "unchanged": row.unchanged, "kept": row.kept,
    }  # fmt: skip
    record(
        acting_user=acting_user,
        action=action,
        resource="Transfer",
        detail=detail,
        permission="NAMESPACE" if row.namespace else "TENANT",
    )
