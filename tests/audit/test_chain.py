"""The chain over the audit log: what is written stays, and what was tampered with is found and named."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import Error, connection, connections, transaction
from pytest_django import DjangoDbBlocker, Settings

from apps.audit.chain import purge_sealed, seal_entries
from apps.audit.models import AuditCheckpoint, AuditEntry, AuditSeal
from apps.audit.verification import verify_chain
from apps.common.clock import now
from apps.common.ids import from_uuid
from apps.tenants.scope import tenant_scope
from tests.support.audit_log import MASTER, TABLES, empty_log, note, seal, tamper
from tests.support.world import ALPHA

INSERTED = "00000000-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def _master_key(settings: Settings) -> None:
    settings.KESTRA_MASTER_KEY = MASTER


@pytest.fixture
def log(committed_alpha: str) -> Iterator[str]:
    """Alpha's audit log, empty, without a transaction around the test."""
    empty_log()
    yield committed_alpha


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "sql", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"], ids=["update", "delete", "truncate"]
)
def test_database_refuses_to_change_the_log(log: str, table: str, sql: str) -> None:
    column = "user_name" if table == "audit_auditentry" else "hash"
    statement = sql.format(table, column, column)
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("table", TABLES)
def test_the_installation_s_own_log_refuses_too(db: None, table: str) -> None:
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM public.{table}")


def test_sealed_log_is_whole(log: str) -> None:
    for number in range(5):
        note(f"f{number}", before={"a": 1.5}, after={"a": 2, "text": "ü"})
    seal(5)
    note("later")
    verdict = verify_chain()
    assert (verdict.whole, verdict.seals, verdict.entries, verdict.pending) == (True, 1, 5, 1)
    seal(1)
    assert seal_entries() == 0, "nothing new makes no seal"
    assert verify_chain(expected_head=verdict.head).whole
    assert AuditSeal.objects.count() == 2


def test_batches_end_within_a_transaction_and_lose_nothing(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.audit.chain.BATCH", 3)
    with transaction.atomic():
        for number in range(8):
            note(f"f{number}")
    seal(8)
    assert [seal.count for seal in AuditSeal.objects.order_by("number")] == [3, 3, 2]
    assert verify_chain().whole


def test_entry_that_commits_after_a_seal_is_in_the_next(log: str, django_db_blocker: DjangoDbBlocker) -> None:
    late = connections.create_connection("default")
    try:
        late.set_schema("t_" + ALPHA)
        late.set_autocommit(False)
        with late.cursor() as cursor:
            cursor.execute(
                "INSERT INTO audit_auditentry"
                " (id, date, type, resource, permission, namespace, user_name, means, detail)"
                " VALUES (gen_random_uuid(), now(), 'UPDATE', 'Flow', '', '', '', 'system', '{\"flowId\": \"late\"}')"
                " RETURNING id"
            )
        note("while it was open")
        assert seal_entries() == 0, "what an open transaction may still come before waits"
        late.commit()
        note("after")
        seal(3)
        verdict = verify_chain()
        assert (verdict.whole, verdict.entries, verdict.pending) == (True, 3, 0)
    finally:
        late.close()


def three_seals() -> list[AuditEntry]:
    made = []
    for number in range(6):
        made.append(note(f"f{number}"))
        if number % 2:
            seal(2)
    return made


def altered(made: list[AuditEntry]) -> str:
    tamper("UPDATE audit_auditentry SET user_name = 'somebody else' WHERE detail->>'flowId' = 'f2'")
    return made[2].id


def deleted(made: list[AuditEntry]) -> str:
    tamper("DELETE FROM audit_auditentry WHERE detail->>'flowId' = 'f3'")
    return made[3].id


def taken_back(made: list[AuditEntry]) -> str:
    tamper("UPDATE audit_auditentry SET date = date - interval '3 hours' WHERE detail->>'flowId' = 'f3'")
    return made[3].id


@pytest.mark.parametrize("harm", [altered, deleted, taken_back])
def test_harmed_entry_is_named(log: str, harm: Callable[[list[AuditEntry]], str]) -> None:
    harmed = harm(three_seals())
    broken = verify_chain().broken
    assert broken is not None
    assert (broken.seal, broken.entry) == (2, harmed)


def test_entry_inserted_in_the_past_is_named(log: str) -> None:
    three_seals()
    tamper(
        "INSERT INTO audit_auditentry (id, date, type, resource, permission, namespace, user_name, means, detail, xid)"
        " SELECT %s, date, type, resource, permission, namespace, user_name, means,"
        " detail, xid FROM audit_auditentry ORDER BY xid LIMIT 1",
        [INSERTED],
    )
    broken = verify_chain().broken
    assert broken is not None
    assert "inserted behind the seals" in broken.problem
    assert broken.entry == from_uuid(UUID(INSERTED))


def test_entry_with_an_old_date_is_found_even_when_it_was_sealed(log: str) -> None:
    three_seals()
    entry = note("forged")
    tamper("UPDATE audit_auditentry SET date = date - interval '2 days' WHERE detail->>'flowId' = 'forged'")
    waiting = verify_chain().broken
    assert waiting is not None
    assert waiting.entry == entry.id, "already while it waits"
    seal(1)
    sealed = verify_chain().broken
    assert sealed is not None
    assert (sealed.seal, sealed.entry) == (4, entry.id)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("count = 1", "hash does not fit"),
        ("root = repeat('0', 64)", "hash does not fit"),
        ("leaves = leaves || leaves", "list of entries"),
        ("signature = repeat('0', 64)", "not made by us"),
    ],
)
def test_changed_seal_is_named(log: str, change: str, problem: str) -> None:
    three_seals()
    tamper(f"UPDATE audit_auditseal SET {change} WHERE number = 2")
    broken = verify_chain().broken
    assert broken is not None
    assert broken.seal == 2
    assert problem in broken.problem


def test_missing_seals_are_found(log: str) -> None:
    three_seals()
    noted = verify_chain().head
    tamper("DELETE FROM audit_auditseal WHERE number = 3")
    broken = verify_chain().broken
    assert broken is not None
    assert broken.seal == 3
    assert "ends at seal 2" in broken.problem
    tamper("UPDATE audit_auditseal SET number = 9 WHERE number = 2")
    broken = verify_chain().broken
    assert broken is not None
    assert broken.problem == "Seal 2 is missing: seal 9 follows instead."
    assert noted.startswith("3:")


def test_rollback_of_seals_and_head_together_is_told_by_a_head_noted_elsewhere(log: str) -> None:
    three_seals()
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, hash, key_id, signature FROM audit_audithead")
        older = cursor.fetchone()
    note("more")
    seal(1)
    noted = verify_chain().head
    tamper("DELETE FROM audit_auditseal WHERE number = 4")
    tamper("DELETE FROM audit_auditentry WHERE detail->>'flowId' = 'more'")
    tamper("UPDATE audit_audithead SET number = %s, hash = %s, key_id = %s, signature = %s", list(older))
    assert verify_chain().whole, "the database alone cannot tell"
    broken = verify_chain(expected_head=noted).broken
    assert broken is not None
    assert broken.seal == 4


def test_seal_of_another_tenant_means_nothing_here(log: str) -> None:
    note("here")
    seal(1)
    signature = AuditSeal.objects.get().signature
    with tenant_scope("beta"):
        assert not AuditSeal.objects.filter(signature=signature).exists()
    tamper("UPDATE audit_auditseal SET signature = %s", [signature[::-1]])
    assert not verify_chain().whole


def test_purge_deletes_the_beginning_and_leaves_a_signed_checkpoint(log: str) -> None:
    three_seals()
    assert purge_sealed(now() - timedelta(days=1)) == 0
    assert purge_sealed(now()) == 4, "the last seal stays"
    assert [entry.detail["flowId"] for entry in AuditEntry.objects.order_by("id")] == ["f4", "f5"]
    verdict = verify_chain()
    assert (verdict.whole, verdict.seals, verdict.purged) == (True, 1, 4)
    note("after the purge")
    seal(1)
    assert verify_chain().whole
    tamper("UPDATE audit_auditcheckpoint SET purged = 1")
    broken = verify_chain().broken
    assert broken is not None
    assert "checkpoint" in broken.problem
    assert AuditCheckpoint.objects.count() == 1


def test_deleting_without_a_checkpoint_is_refused_after_a_purge_too(log: str) -> None:
    three_seals()
    purge_sealed(now())
    with pytest.raises(Error, match="append-only"):
        AuditEntry.objects.all().delete()


def test_exchanged_master_key_still_verifies_and_a_lost_one_is_named(log: str, settings: Settings) -> None:
    three_seals()
    other = MASTER[::-1].replace("=", "") + "="
    settings.KESTRA_MASTER_KEY = f"{other},{MASTER}"
    note("under the new key")
    seal(1)
    assert verify_chain().whole
    settings.KESTRA_MASTER_KEY = other
    broken = verify_chain().broken
    assert broken is not None
    assert "KESTRA_EE_MASTER_KEY does not hold" in broken.problem


def test_database_loaded_into_a_new_server_goes_on_sealing(log: str) -> None:
    three_seals()
    tamper("UPDATE audit_auditseal SET upto_xid = upto_xid + 1000000000")
    note("after the restore")
    # the seals were changed by the test, so only what is sealed counts here
    seal(1)
    assert seal_entries() == 0
