"""Verifies the open schema's chain of seals and tells the first place where it is broken."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from django.db import connection

from apps.audit.chain import (
    GENESIS,
    checkpoint_text,
    digest_of,
    head_text,
    last_checkpoint,
    leaves_of,
    root_of,
    seal_text,
    signature_of,
)
from apps.audit.models import AuditEntry, AuditHead, AuditSeal
from apps.common.clock import now
from apps.common.ids import from_uuid, to_uuid
from apps.encryption.services import master_keys

LATE: Final = timedelta(hours=1)
"""No transaction is open for so long: what is dated further back than the seal before was written in afterwards."""


@dataclass(frozen=True)
class Break:
    """The first place where something is wrong: what, at which seal and, where it can be told, which entry."""

    problem: str
    seal: int | None = None
    entry: str | None = None


@dataclass
class Verdict:
    """What was found. `pending` are entries that wait for their seal; `head` is `number:hash` of the last seal."""

    seals: int = 0
    entries: int = 0
    pending: int = 0
    purged: int = 0
    head: str = ""
    broken: Break | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return self.broken is None


class Signed(Protocol):
    """A row with a signature."""

    key_id: str
    signature: str


class _Broken(Exception):
    def __init__(self, problem: str, seal: int | None = None, entry: str | None = None) -> None:
        super().__init__(problem)
        self.place = Break(problem, seal, entry)


def verify_chain(*, expected_head: str = "") -> Verdict:
    """Reads every entry and seal of the open schema, a seal at a time, and changes nothing.

    `expected_head` is a `number:hash` noted earlier (a log line, a former run): that seal must still be there, unless
    it was purged. Raises MasterKeyMissing, MasterKeyMalformed.
    """
    verdict = Verdict()
    try:
        _verify(verdict, expected_head)
    except _Broken as error:
        verdict.broken = error.place
    return verdict


def _verify(verdict: Verdict, expected_head: str) -> None:
    number, previous = _start(verdict)
    noted_number, _, noted_hash = expected_head.partition(":")
    last: AuditSeal | None = None
    sealed: set[bytes] = set()
    for seal in _seals():
        _check_seal(seal, number + 1, previous)
        if str(seal.number) == noted_number and not hmac.compare_digest(seal.hash, noted_hash):
            raise _Broken("Another seal had this number when its hash was noted.", seal.number)
        _check_entries(seal, sealed, last)
        verdict.seals += 1
        verdict.entries += seal.count
        number, previous, last = seal.number, seal.hash, seal
    verdict.head = f"{number}:{previous}" if number else ""
    _check_head(number, previous, noted_number)
    _check_rest(verdict, sealed, last)


def _start(verdict: Verdict) -> tuple[int, str]:
    checkpoint = last_checkpoint()
    if checkpoint is None:
        return 0, GENESIS
    if not _signed(checkpoint, checkpoint_text(checkpoint)):
        raise _Broken("The checkpoint of the purge was changed: its signature does not fit.", checkpoint.number)
    verdict.purged = checkpoint.purged
    return checkpoint.number, checkpoint.hash


def _seals() -> Iterator[AuditSeal]:
    """One after another without holding them all: leaves are large."""
    for number in list(AuditSeal.objects.order_by("number").values_list("number", flat=True)):
        yield AuditSeal.objects.get(pk=number)


def _check_seal(seal: AuditSeal, wanted: int, previous: str) -> None:
    if seal.number != wanted:
        raise _Broken(f"Seal {wanted} is missing: seal {seal.number} follows instead.", wanted)
    text = seal_text(seal)
    if not hmac.compare_digest(hashlib.sha256(text).hexdigest(), seal.hash):
        raise _Broken("The seal was changed: its hash does not fit what it says.", seal.number)
    if not _signed(seal, text):
        raise _Broken("The seal was not made by us: its signature does not fit.", seal.number)
    if seal.previous != previous:
        raise _Broken("The seal does not follow the one before it.", seal.number)
    if root_of(seal.leaves) != seal.root:
        raise _Broken("The list of entries of the seal was changed.", seal.number)


def _check_entries(seal: AuditSeal, sealed: set[bytes], before: AuditSeal | None) -> None:
    leaves = leaves_of(seal.leaves)
    found = AuditEntry.objects.in_bulk([leaf.id for leaf in leaves])
    for leaf in leaves:
        entry = found.get(leaf.id)
        if entry is None:
            raise _Broken("An entry was deleted.", seal.number, leaf.id)
        if not hmac.compare_digest(digest_of(entry), leaf.digest):
            raise _Broken("An entry was changed.", seal.number, leaf.id)
        if before is not None and entry.date < before.sealed_at - LATE:
            raise _Broken(f"An entry dated {entry.date:%F %T} was inserted later.", seal.number, leaf.id)
        sealed.add(to_uuid(leaf.id).bytes)


def _check_head(number: int, seal_hash: str, noted_number: str) -> None:
    head = AuditHead.objects.first()
    if head is None:
        if number:
            raise _Broken("The signed head of the chain is missing: seals at the end may be too.", number)
        reached = 0
    else:
        if not _signed(head, head_text(head.number, head.hash)):
            raise _Broken("The head of the chain was changed: its signature does not fit.", head.number)
        if (head.number, head.hash) != (number, seal_hash):
            raise _Broken(
                f"The chain ends at seal {number}, and it once reached seal {head.number}: seals were removed.",
                number + 1,
            )
        reached = head.number
    if noted_number.isdecimal() and int(noted_number) > reached:
        raise _Broken(f"Seal {noted_number} was there when it was noted: seals were removed.", reached + 1)


def _check_rest(verdict: Verdict, sealed: set[bytes], last: AuditSeal | None) -> None:
    """Entries of no seal: new ones wait, others were written in."""
    place = ("0", from_uuid(to_uuid("0" * 22))) if last is None else (str(last.upto_xid), last.upto_id)
    oldest = None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, date, (xid, id) <= (%s::xid8, %s), %s::xid8 > pg_snapshot_xmax(pg_current_snapshot())"
            " FROM audit_auditentry ORDER BY id",
            [place[0], to_uuid(place[1]), place[0]],
        )
        while rows := cursor.fetchmany(10_000):
            for entry_id, date, passed, restored in rows:
                if entry_id.bytes in sealed:
                    continue
                late = last is not None and date < last.sealed_at - LATE
                if late or (passed and not restored):
                    raise _Broken(
                        f"An entry dated {date:%F %T} was inserted behind the seals.",
                        None if last is None else last.number,
                        from_uuid(entry_id),
                    )
                verdict.pending += 1
                oldest = date if oldest is None else min(oldest, date)
    if oldest is not None and oldest < now() - LATE:
        verdict.warnings.append(
            f"Entries wait for their seal since {oldest:%F %T} UTC: the chore `audit seals` does not run, "
            "or the master key is missing."
        )


def _signed(row: Signed, text: bytes) -> bool:
    master = next((one for one in master_keys() if one.fingerprint == row.key_id), None)
    if master is None:
        raise _Broken(
            f"A signature was made with the master key {row.key_id}, which KESTRA_EE_MASTER_KEY does not hold: "
            "add that key after the present one."
        )
    return hmac.compare_digest(signature_of(text, master), row.signature)
