"""The chain of hashes over the open schema's audit entries: sealing in batches, purging a sealed beginning.

Writers know nothing of it and never wait for one another. Which entries a seal holds is written in the seal itself, so
an entry that commits late, with a smaller id than those sealed before it, is simply in a later seal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, transaction

from apps.audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditSeal
from apps.common.clock import now
from apps.common.ids import from_uuid, to_uuid
from apps.common.json_values import format_instant
from apps.encryption.services import MasterKey, master_keys

log = structlog.get_logger(__name__)

BATCH: Final = 1000
"""Most entries of one seal."""
GENESIS: Final = "0" * 64
"""In place of the hash of a seal before the first one."""
NO_ID: Final = from_uuid(UUID(int=0))
LEAF: Final = 48
"""Bytes of an entry in a seal: its id and its digest."""
_LOCK: Final = 7_306_001
_PURPOSE: Final = b"kestra-ee audit seal"


@dataclass(frozen=True)
class Leaf:
    """An entry as a seal holds it."""

    id: str
    digest: bytes

    @property
    def packed(self) -> bytes:
        return to_uuid(self.id).bytes + self.digest


def seal_entries() -> int:
    """Seals what the open schema's committed transactions have written; answers how many entries.

    Each batch is a transaction of its own. Of two that try at once, one does nothing. An entry whose transaction, or
    an older one, is still open waits for the next time. Raises MasterKeyMissing, MasterKeyMalformed.
    """
    total = 0
    while True:
        with transaction.atomic():
            sealed = _seal_batch() if _locked() else 0
        total += sealed
        if sealed < BATCH:
            return total


def purge_sealed(before: datetime) -> int:
    """Deletes the entries of seals made before a moment, a seal at a time, each leaving a signed checkpoint in place
    of what went; answers how many entries. The last seal stays: it is what new ones follow.
    """
    purged = 0
    while True:
        with transaction.atomic():
            gone = _purge_seal(before) if _locked() else None
        if gone is None:
            return purged
        purged += gone


def leaves_of(packed: bytes | memoryview) -> list[Leaf]:
    """The entries that a seal holds."""
    raw = bytes(packed)
    return [Leaf(from_uuid(UUID(bytes=raw[at : at + 16])), raw[at + 16 : at + LEAF]) for at in range(0, len(raw), LEAF)]


def digest_of(entry: AuditEntry) -> bytes:
    """SHA-256 of all an entry says, in one fixed form."""
    return hashlib.sha256(
        _canonical(
            {
                "id": entry.id,
                "date": format_instant(entry.date),
                "type": entry.type,
                "resource": entry.resource,
                "permission": entry.permission,
                "namespace": entry.namespace,
                "userId": entry.user_id,
                "userName": entry.user_name,
                "ipAddress": entry.ip_address,
                "impersonatedBy": entry.impersonated_by,
                "means": entry.means,
                "detail": entry.detail,
                "before": entry.before,
                "after": entry.after,
            }
        )
    ).digest()


def root_of(packed: bytes | memoryview) -> str:
    return hashlib.sha256(bytes(packed)).hexdigest()


def seal_text(seal: AuditSeal) -> bytes:
    """What a seal's hash and signature are over. It names the schema, so a seal means nothing in another one."""
    return _canonical(
        {
            "schema": _schema(),
            "number": seal.number,
            "sealedAt": format_instant(seal.sealed_at),
            "firstId": seal.first_id,
            "lastId": seal.last_id,
            "count": seal.count,
            "root": seal.root,
            "previous": seal.previous,
            "upto": [seal.upto_xid, seal.upto_id],
        }
    )


def head_text(number: int, seal_hash: str) -> bytes:
    return _canonical({"schema": _schema(), "head": number, "hash": seal_hash})


def checkpoint_text(checkpoint: AuditCheckpoint) -> bytes:
    return _canonical(
        {
            "schema": _schema(),
            "purgedTo": checkpoint.number,
            "hash": checkpoint.hash,
            "purged": checkpoint.purged,
            "madeAt": format_instant(checkpoint.made_at),
        }
    )


def signature_of(text: bytes, master: MasterKey) -> str:
    """HMAC-SHA-256 with a key derived from the master key, which is never in the database."""
    key = hmac.digest(master.secret, _PURPOSE, "sha256")
    return hmac.digest(key, text, "sha256").hex()


def last_checkpoint() -> AuditCheckpoint | None:
    return AuditCheckpoint.objects.order_by("-number").first()


def _seal_batch() -> int:
    last = AuditSeal.objects.first()
    place = ("0", NO_ID) if last is None else (str(last.upto_xid), last.upto_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        horizon = cursor.fetchone()[0]
        if int(horizon) < int(place[0]):
            found = _not_sealed(horizon)
        else:
            cursor.execute(
                "SELECT id, xid::text FROM audit_auditentry WHERE (xid, id) > (%s::xid8, %s) AND xid < %s::xid8"
                " ORDER BY xid, id LIMIT %s",
                [place[0], to_uuid(place[1]), horizon, BATCH],
            )
            found = [(from_uuid(entry_id), xid) for entry_id, xid in cursor.fetchall()]
    if not found:
        return 0
    entries = AuditEntry.objects.in_bulk([entry_id for entry_id, _ in found])
    packed = b"".join(Leaf(entry_id, digest_of(entries[entry_id])).packed for entry_id, _ in found)
    # a full batch may end within a transaction: the next one goes on behind its last entry
    upto = (int(found[-1][1]), found[-1][0]) if len(found) == BATCH else (int(horizon), NO_ID)
    checkpoint = last_checkpoint() if last is None else None
    before = (0, GENESIS) if checkpoint is None else (checkpoint.number, checkpoint.hash)
    number, previous = before if last is None else (last.number, last.hash)
    seal = AuditSeal(
        number=number + 1,
        sealed_at=now(),
        first_id=found[0][0],
        last_id=found[-1][0],
        count=len(found),
        leaves=packed,
        root=root_of(packed),
        previous=previous,
        upto_xid=upto[0],
        upto_id=upto[1],
    )
    _sign(seal)
    seal.save(force_insert=True)
    _move_head(seal)
    return len(found)


def _not_sealed(horizon: str) -> list[tuple[str, str]]:
    """Entries of no seal, found the long way: the database was loaded into a new server, whose transaction numbers
    begin anew below those that the seals remember."""
    log.warning("transaction numbers began anew: looking through all audit entries", schema=_schema())
    sealed = {
        leaf.id
        for packed in AuditSeal.objects.values_list("leaves", flat=True).iterator()
        for leaf in leaves_of(packed)
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xid::text FROM audit_auditentry WHERE xid < %s::xid8 ORDER BY xid, id", [horizon])
        rows: Iterable[tuple[UUID, str]] = cursor.fetchall()
    return [(from_uuid(entry_id), xid) for entry_id, xid in rows if from_uuid(entry_id) not in sealed][:BATCH]


def _purge_seal(before: datetime) -> int | None:
    first = list(AuditSeal.objects.order_by("number")[:2])
    if len(first) < 2 or first[0].sealed_at >= before:
        return None
    seal, former = first[0], last_checkpoint()
    ids = [leaf.id for leaf in leaves_of(seal.leaves)]
    checkpoint = AuditCheckpoint(
        number=seal.number,
        hash=seal.hash,
        purged=(0 if former is None else former.purged) + len(ids),
        made_at=now(),
    )
    master = master_keys()[0]
    checkpoint.key_id = master.fingerprint
    checkpoint.signature = signature_of(checkpoint_text(checkpoint), master)
    checkpoint.save(force_insert=True)  # first: the triggers let nothing go without it
    AuditEntry.objects.filter(pk__in=ids).delete()
    AuditSeal.objects.filter(pk=seal.number).delete()
    AuditCheckpoint.objects.exclude(pk=checkpoint.number).delete()
    return len(ids)


def _sign(seal: AuditSeal) -> None:
    text, master = seal_text(seal), master_keys()[0]
    seal.hash, seal.key_id = hashlib.sha256(text).hexdigest(), master.fingerprint
    seal.signature = signature_of(text, master)


def _move_head(seal: AuditSeal) -> None:
    master = master_keys()[0]
    signature = signature_of(head_text(seal.number, seal.hash), master)
    values = {"number": seal.number, "hash": seal.hash, "key_id": master.fingerprint, "signature": signature}
    AuditHead.objects.update_or_create(pk=1, defaults=values)
    # the log leaves the machine: who can rewrite the database cannot rewrite what was said there
    log.info("audit log sealed", schema=_schema(), number=seal.number, entries=seal.count, head=seal.hash)


def _locked() -> bool:
    """Whether this transaction is the one that works on the open schema's chain now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, _schema()])
        return bool(cursor.fetchone()[0])


def _schema() -> str:
    name: str = connection.schema_name  # type: ignore[attr-defined]
    return name


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
