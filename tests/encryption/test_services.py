"""Encryption: what one tenant wrote no other reads, keys rotate, the master key is exchanged without touching data."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import DjangoAssertNumQueries, DjangoDbBlocker, Settings

from apps.encryption import services
from apps.encryption.models import DataKey
from apps.encryption.services import (
    CipherTextInvalid,
    MasterKey,
    MasterKeyMalformed,
    MasterKeyMissing,
    MasterKeyWrong,
    decrypt,
    decrypt_bytes,
    encrypt,
    is_configured,
    rewrap_master_key,
    rotate_data_key,
)
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope, tenant_scope


def new_master() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture(autouse=True)
def master(settings: Settings) -> Iterator[str]:
    """A master key of the test's own, and nothing unwrapped yet: as a process that has just begun."""
    services._unwrapped.clear()
    settings.KESTRA_MASTER_KEY = new_master()
    yield settings.KESTRA_MASTER_KEY
    services._unwrapped.clear()


def test_text_and_bytes_come_back(in_alpha: Tenant) -> None:
    assert decrypt(encrypt("Grüße")) == "Grüße"
    assert decrypt_bytes(encrypt(b"\x00\xff")) == b"\x00\xff"
    assert decrypt(encrypt("")) == ""


def test_cipher_text_names_its_key_and_differs_each_time(in_alpha: Tenant) -> None:
    first, second = encrypt("same"), encrypt("same")

    assert first != second
    assert first.split(".")[1] == DataKey.objects.get(active=True).pk
    assert "same" not in first


def test_master_key_is_nowhere_in_the_database(in_alpha: Tenant, master: str) -> None:
    encrypt("x")

    row = DataKey.objects.get()
    assert base64.b64decode(master) not in bytes(row.wrapped)
    assert row.master_key_id == MasterKey.from_base64(master).fingerprint


def test_another_tenant_cannot_decrypt(alpha: Tenant, beta: Tenant) -> None:
    with tenant_scope("alpha"):
        written = encrypt("of alpha")
        key = DataKey.objects.get()
    with tenant_scope("beta"):
        encrypt("of beta")
        with pytest.raises(CipherTextInvalid, match="another tenant"):
            decrypt(written)
        # Even a copy of the key's row does not help: it is bound to its schema.
        DataKey.objects.create(id=key.pk, wrapped=key.wrapped, master_key_id=key.master_key_id, active=False)
        with pytest.raises(CipherTextInvalid, match="was changed"):
            decrypt(written)
    with public_scope(), pytest.raises(CipherTextInvalid):
        decrypt(written)
    with tenant_scope("alpha"):
        assert decrypt(written) == "of alpha"


def test_instance_has_a_key_of_its_own(alpha: Tenant) -> None:
    with public_scope():
        written = encrypt("of the instance")
        assert decrypt(written) == "of the instance"
    with tenant_scope("alpha"), pytest.raises(CipherTextInvalid):
        decrypt(written)


@pytest.mark.parametrize("place", [0, 5, 30, -1])
def test_changed_cipher_text_is_refused(in_alpha: Tenant, place: int) -> None:
    written = encrypt("a secret of some length")
    changed = list(written)
    changed[place] = "A" if changed[place] != "A" else "B"

    with pytest.raises(CipherTextInvalid):
        decrypt("".join(changed))


@pytest.mark.parametrize("text", ["", "clear text", "v1..", "v1.x.y", "v1.x.=====", "v2.a.b", "ü.ü.ü"])
def test_what_is_no_cipher_text_is_refused(in_alpha: Tenant, text: str) -> None:
    with pytest.raises(CipherTextInvalid):
        decrypt(text)


def test_rotation_keeps_what_was_written_before(in_alpha: Tenant) -> None:
    before = encrypt("before")
    key_id = rotate_data_key()
    after = encrypt("after")

    assert (before.split(".")[1] != key_id, after.split(".")[1] == key_id) == (True, True)
    assert (decrypt(before), decrypt(after)) == ("before", "after")
    assert DataKey.objects.filter(active=True).count() == 1


def test_known_key_needs_no_query(in_alpha: Tenant, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    written = encrypt("x")

    with django_assert_num_queries(0):
        assert decrypt(written) == "x"
    with django_assert_num_queries(1):
        encrypt("y")


def test_two_processes_that_come_first_share_one_key(committed_alpha: str, django_db_blocker: DjangoDbBlocker) -> None:
    written: list[str] = []
    together = threading.Barrier(4)

    def write() -> None:
        try:
            with tenant_scope(committed_alpha):
                together.wait(10)
                written.append(encrypt("x"))
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({text.split(".")[1] for text in written}) == 1
    assert [decrypt(text) for text in written] == ["x"] * 4
    assert DataKey.objects.count() == 1


def test_without_master_key_the_text_says_what_to_set(in_alpha: Tenant, settings: Settings) -> None:
    settings.KESTRA_MASTER_KEY = ""

    assert not is_configured()
    with pytest.raises(MasterKeyMissing, match="KESTRA_EE_MASTER_KEY"):
        encrypt("x")


@pytest.mark.parametrize("key", ["short", base64.b64encode(b"x" * 31).decode(), "ü" * 44])
def test_malformed_master_key_is_told(in_alpha: Tenant, settings: Settings, key: str) -> None:
    settings.KESTRA_MASTER_KEY = key

    with pytest.raises(MasterKeyMalformed, match="32 bytes in base64"):
        encrypt("x")


def test_wrong_master_key_is_told_apart_from_damage(in_alpha: Tenant, settings: Settings, master: str) -> None:
    written = encrypt("x")
    services._unwrapped.clear()
    settings.KESTRA_MASTER_KEY = new_master()

    with pytest.raises(MasterKeyWrong, match=MasterKey.from_base64(master).fingerprint) as caught:
        decrypt(written)
    assert master not in str(caught.value)


def test_rewrapping_changes_the_keys_and_not_the_data(in_alpha: Tenant, settings: Settings, master: str) -> None:
    written = encrypt("before")
    rotate_data_key()
    later = encrypt("later")
    old, new = MasterKey.from_base64(master), MasterKey.from_base64(new_master())

    assert rewrap_master_key(old=[old], new=new) == 2
    assert rewrap_master_key(old=[old], new=new) == 0
    settings.KESTRA_MASTER_KEY = base64.b64encode(new.secret).decode()
    services._unwrapped.clear()
    assert (decrypt(written), decrypt(later)) == ("before", "later")


def test_rewrapping_with_a_third_key_changes_nothing(in_alpha: Tenant, master: str) -> None:
    encrypt("x")
    row = DataKey.objects.get()

    with pytest.raises(MasterKeyWrong):
        rewrap_master_key(old=[MasterKey.from_base64(new_master())], new=MasterKey.from_base64(new_master()))
    row.refresh_from_db()
    assert row.master_key_id == MasterKey.from_base64(master).fingerprint


def test_command_exchanges_the_key_of_all_tenants(alpha: Tenant, beta: Tenant, settings: Settings, master: str) -> None:
    written = {}
    for tenant_id in ("alpha", "beta"):
        with tenant_scope(tenant_id):
            written[tenant_id] = encrypt(f"of {tenant_id}")
    with public_scope():
        written["public"] = encrypt("of the instance")
    new = new_master()
    with pytest.raises(CommandError, match="new,old"):
        call_command("rewrap_master_key")

    settings.KESTRA_MASTER_KEY = f"{new},{master}"
    output = StringIO()
    call_command("rewrap_master_key", stdout=output)

    assert "t_alpha: 1 data keys" in output.getvalue()
    settings.KESTRA_MASTER_KEY = new
    services._unwrapped.clear()
    for tenant_id in ("alpha", "beta"):
        with tenant_scope(tenant_id):
            assert decrypt(written[tenant_id]) == f"of {tenant_id}"
    with public_scope():
        assert decrypt(written["public"]) == "of the instance"
